package mirror

import (
	"image"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/link"
	"hither/mirror/vpx"
	"hither/mirror/wire"
)

// lossy is one end of a path that loses, delays and reorders datagrams.
type lossy struct {
	in     chan []byte
	out    chan []byte
	done   chan struct{}
	once   *sync.Once
	random *rand.Rand // the writer's
	lost   float64
	delay  time.Duration
}

func lossyPath(seed uint64, lost float64, delay time.Duration) (a, b *lossy) {
	ab, ba, done, once := make(chan []byte, 4096), make(chan []byte, 4096), make(chan struct{}), new(sync.Once)
	end := func(in, out chan []byte, n uint64) *lossy {
		return &lossy{in, out, done, once, rand.New(rand.NewPCG(seed, n)), lost, delay}
	}
	return end(ba, ab, 1), end(ab, ba, 2)
}

func (l *lossy) Read(p []byte) (int, error) {
	select {
	case b := <-l.in:
		return copy(p, b), nil
	case <-l.done:
		return 0, io.EOF
	}
}

func (l *lossy) Write(p []byte) (int, error) {
	if l.random.Float64() < l.lost {
		return len(p), nil
	}
	b := append([]byte(nil), p...)
	jitter := time.Duration(l.random.Int64N(int64(l.delay)/4 + 1))
	time.AfterFunc(l.delay+jitter, func() {
		select {
		case l.out <- b:
		default: // the path's queue is full
		}
	})
	return len(p), nil
}

func (l *lossy) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// scribble draws something at random: rectangles, text, scrolls, moved windows
// and, over and over at one place, a film.
func (f *fakeSource) scribble(r *rand.Rand) {
	w, h := f.picture.Width, f.picture.Height
	at := image.Pt(r.IntN(w-80), r.IntN(h-80))
	area := image.Rectangle{at, at.Add(image.Pt(8+r.IntN(72), 8+r.IntN(72)))}
	switch r.IntN(6) {
	case 0:
		f.fill(area, byte(r.IntN(256)))
	case 1: // text
		f.dots(area, r, 2)
	case 2: // a photograph
		f.dots(area, r, 256)
	case 3: // a scroll
		f.move(image.Rect(0, 13, w/2, h), image.Pt(0, -13))
	case 4: // a window is moved
		f.move(area, image.Pt(r.IntN(w-area.Dx())-area.Min.X, r.IntN(h-area.Dy())-area.Min.Y))
	default: // a film
		f.dots(image.Rect(w/2, h/2, w-16, h-16), r, 256)
	}
}

// dots draws pixels of so many colours.
func (f *fakeSource) dots(r image.Rectangle, random *rand.Rand, colours int) {
	f.locked(func() {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			row := f.picture.Pix[y*f.picture.Stride:]
			for i := r.Min.X * 4; i < r.Max.X*4; i += 4 {
				c := random.IntN(colours) * (255 / (colours - 1))
				row[i], row[i+1], row[i+2] = byte(c), byte(c*7), byte(c*31)
			}
		}
		f.pending = append(f.pending, r)
	})
}

func (f *fakeSource) move(src image.Rectangle, by image.Point) {
	f.locked(func() {
		dst := src.Add(by)
		f.picture.Move(dst.Min, src.Min, src.Dx(), src.Dy())
		f.pending = append(f.pending, dst)
	})
}

// TestRandomDrawingOverALossyPathRestsExactly takes as long as HITHER_EXACT
// says; `make soak` gives it a minute.
func TestRandomDrawingOverALossyPathRestsExactly(t *testing.T) {
	length := 2 * time.Second
	if text := os.Getenv("HITHER_EXACT"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	s, f, _ := serve(t, 640, 480)
	f.spares = true
	view, err := s.Open(t.Context(), "vm", fusion.ViewOptions{})
	if err != nil {
		t.Fatal(err)
	}
	near, far := lossyPath(1, 0.02, 10*time.Millisecond)
	viewer := link.New(near)
	var joined sync.WaitGroup
	joined.Go(func() {
		if err := wire.Join(view, link.New(far)); err != nil {
			t.Error(err)
		}
	})
	w := &watcher{talk: talk{t, viewer}, ack: true}
	w.d.Video = codec.OpenVP9
	t.Cleanup(func() {
		viewer.Close()
		near.Close()
		joined.Wait()
		w.d.Close()
	})
	if vpx.CanEncode() == nil {
		w.say(wire.Able{Flags: wire.VP9})
	}
	drawn := make(chan bool)
	go func() {
		defer close(drawn)
		random := rand.New(rand.NewPCG(7, 7))
		tick := time.NewTicker(8 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(length); time.Now().Before(end); <-tick.C {
			f.scribble(random)
		}
	}()
	frames := 0
	for drawing := true; drawing; {
		seq := w.seq
		w.hear()
		if w.seq != seq {
			frames++
		}
		select {
		case <-drawn:
			drawing = false
		default:
		}
	}
	w.shows(f)
	t.Logf("%d frames in %v", frames, length)
}
