package codec

import (
	"image"
	"testing"
)

// bench runs draw and Encode at 1080p on a desktop with two terminals; the
// figures are those of Encode alone.
func bench(b *testing.B, draw func(p *painter, i int)) {
	p := newPainter(1920, 1080, 1)
	p.fill(p.p.Bounds(), 0x204060)
	p.text(image.Rect(40, 40, 1000, 1000), 2)
	p.text(image.Rect(1000, 40, 1900, 1000), 16)
	var e Encoder
	defer e.Close()
	for !e.Exact() {
		if _, err := e.Encode(p.p, &p.damage, nil); err != nil {
			b.Fatal(err)
		}
		p.damage.Clear()
	}
	bytes := 0
	b.ResetTimer()
	for i := range b.N {
		b.StopTimer()
		draw(p, i)
		b.StartTimer()
		frame, err := e.Encode(p.p, &p.damage, nil)
		if err != nil {
			b.Fatal(err)
		}
		bytes += len(frame)
		p.damage.Clear()
	}
	b.ReportMetric(float64(bytes)/float64(b.N), "bytes/frame")
}

func BenchmarkTyping(b *testing.B) {
	bench(b, func(p *painter, i int) {
		x := 40 + i%150*6
		p.text(image.Rect(x, 508, x+6, 521), 2)
	})
}

func BenchmarkScroll(b *testing.B) {
	bench(b, func(p *painter, _ int) {
		p.move(image.Pt(40, 40), image.Rect(40, 53, 1000, 989))
		p.text(image.Rect(40, 976, 1000, 989), 2)
	})
}

func BenchmarkScrollFull(b *testing.B) {
	bench(b, func(p *painter, _ int) {
		p.move(image.Pt(0, 0), image.Rect(0, 13, 1920, 1080))
		p.text(image.Rect(0, 1067, 1920, 1080), 2)
	})
}

func BenchmarkNewPage(b *testing.B) {
	bench(b, func(p *painter, _ int) { p.text(image.Rect(40, 40, 1900, 1000), 16) })
}

func BenchmarkNoise(b *testing.B) {
	bench(b, func(p *painter, _ int) { p.noise(p.p.Bounds()) })
}

func BenchmarkKey(b *testing.B) {
	p := newPainter(1920, 1080, 1)
	p.text(image.Rect(40, 40, 1000, 1000), 2)
	var e Encoder
	defer e.Close()
	for range b.N {
		e.Refresh()
		if _, err := e.Encode(p.p, &p.damage, nil); err != nil {
			b.Fatal(err)
		}
	}
}
