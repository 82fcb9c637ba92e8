package vpx

import (
	"errors"
	"fmt"
	"math"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hither/fusion"
	"hither/mirror/yuv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// need asks for libvpx. Where CI says so it must be there.
func need(t testing.TB) {
	t.Helper()
	err := CanEncode()
	if err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// sine is a wave of 256 steps.
var sine = func() (s [256]int) {
	for n := range s {
		s[n] = int(100 * math.Sin(float64(n)*math.Pi/128))
	}
	return s
}()

// film draws picture i of a film: waves that drift and a square that jumps.
func film(w, h, i int, full bool) *yuv.Image {
	pix := make([]byte, w*h*4)
	for y := range h {
		for x := range w {
			at := (y*w + x) * 4
			a, b := sine[(x+i*3)&255], sine[(2*y-i*5+x/2)&255]
			grain := (x*7919 ^ y*104729 ^ i*31) >> 3 & 7
			pix[at], pix[at+1], pix[at+2] = byte(128+a/2+b/4+grain), byte(128+(a+b)/2), byte(128+b+grain)
			if (x-i*4)&511 < 80 && (y-i*2)&255 < 60 {
				pix[at], pix[at+1], pix[at+2] = 30, 200, byte(x)
			}
		}
	}
	m := yuv.New(w, h, full)
	m.FromBGRX(pix, w*4)
	return m
}

// noise is the peak signal-to-noise ratio of the luma in dB.
func noise(a, b *yuv.Image) float64 {
	sum := 0.0
	for y := range a.Height {
		for x := range a.Width {
			d := float64(a.Planes[0][y*a.Strides[0]+x]) - float64(b.Planes[0][y*b.Strides[0]+x])
			sum += d * d
		}
	}
	return 10 * math.Log10(255*255*float64(a.Width*a.Height)/max(sum, 1e-9))
}

type stream struct {
	e   *Encoder
	d   *Decoder
	now time.Time
}

func newStream(t testing.TB, cfg Config) *stream {
	t.Helper()
	need(t)
	e, err := NewEncoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoder(cfg.Width, cfg.Height, cfg.Full)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(e.Close(), d.Close(), e.Close(), d.Close()); err != nil {
			t.Error(err)
		}
	})
	return &stream{e, d, time.Unix(1, 0)}
}

func (s *stream) encode(t testing.TB, m *yuv.Image, key bool) []byte {
	t.Helper()
	s.now = s.now.Add(33 * time.Millisecond)
	b, err := s.e.Encode(m, s.now, key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFilmComesThrough(t *testing.T) {
	for _, full := range []bool{false, true} {
		for _, size := range [][2]int{{320, 240}, {161, 123}, {1, 1}, {64, 2}} {
			t.Run(fmt.Sprintf("%v full %v", size, full), func(t *testing.T) {
				s := newStream(t, Config{Width: size[0], Height: size[1], Full: full, Threads: 2})
				for i := range 12 {
					m := film(size[0], size[1], i, full)
					b := s.encode(t, m, i == 7)
					h, err := readHeader(b)
					if err != nil || h.key != (i == 0 || i == 7) || h.full != full {
						t.Fatalf("frame %d: header %+v, %v", i, h, err)
					}
					got, err := s.d.Decode(b)
					if err != nil {
						t.Fatal(err)
					}
					if got.Width != size[0] || got.Height != size[1] || got.Full != full {
						t.Fatalf("%d×%d full %v came out", got.Width, got.Height, got.Full)
					}
					if n := noise(m, got); n < 28 {
						t.Errorf("frame %d: %.1f dB", i, n)
					}
				}
			})
		}
	}
}

func TestBitrateIsKept(t *testing.T) {
	s := newStream(t, Config{Width: 320, Height: 180, Bitrate: 500_000})
	var sums [2]int
	for i := range 180 {
		if i == 90 {
			if err := s.e.SetBitrate(200_000); err != nil {
				t.Fatal(err)
			}
		}
		n := len(s.encode(t, film(320, 180, i, false), false))
		if i%90 >= 30 {
			sums[i/90] += n
		}
	}
	for i, want := range []int{500_000, 200_000} {
		if got := sums[i] * 8 / 2; got > want*13/10 {
			t.Errorf("%d bits a second of %d", got, want)
		}
	}
}

func TestStrangeStreamsAreRefused(t *testing.T) {
	small := newStream(t, Config{Width: 64, Height: 64})
	other := newStream(t, Config{Width: 96, Height: 64})
	full := newStream(t, Config{Width: 64, Height: 64, Full: true})
	key := append([]byte(nil), small.encode(t, film(64, 64, 0, false), true)...)
	next := append([]byte(nil), small.encode(t, film(64, 64, 1, false), false)...)
	for name, b := range map[string][]byte{
		"nothing":          nil,
		"no key frame yet": next,
		"another size":     other.encode(t, film(96, 64, 0, false), true),
		"another profile":  full.encode(t, film(64, 64, 0, true), true),
		"a superframe":     append(append([]byte(nil), key...), 0xc0, byte(len(key)), 0xc0),
		"noise":            []byte("not a frame at all"),
	} {
		if _, err := small.d.Decode(b); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := small.d.Decode(key); err != nil {
		t.Error(err)
	}
	if _, err := small.d.Decode(key[:len(key)/2]); err == nil {
		t.Log("half of a key frame was taken: libvpx conceals it")
	}
	if _, err := small.e.Encode(film(96, 64, 0, false), small.now, false); err == nil {
		t.Error("a picture of another size was encoded")
	}
	for _, c := range []Config{{}, {Width: -1, Height: 5}, {Width: 1 << 20, Height: 1}} {
		if _, err := NewEncoder(c); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// FuzzDecode plays a hostile host that sends two frames of a small stream.
func FuzzDecode(f *testing.F) {
	need(f)
	e, err := NewEncoder(Config{Width: 40, Height: 24})
	if err != nil {
		f.Fatal(err)
	}
	now := time.Unix(1, 0)
	var frames [2][]byte
	for i := range frames {
		b, err := e.Encode(film(40, 24, i, false), now.Add(time.Duration(i)*time.Second), false)
		if err != nil {
			f.Fatal(err)
		}
		frames[i] = append([]byte(nil), b...)
	}
	if err := e.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(frames[0], frames[1])
	f.Fuzz(func(t *testing.T, a, b []byte) {
		d, err := NewDecoder(40, 24, false)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		for _, data := range [][]byte{a, b} {
			m, err := d.Decode(data)
			if err != nil {
				continue
			}
			m.ToBGRX(make([]byte, 40*24*4), 40*4)
		}
	})
}

func BenchmarkVP9(b *testing.B) {
	for _, size := range [][2]int{{1920, 1080}, {1440, 810}, {1280, 720}, {960, 540}} {
		for _, full := range []bool{false, true} {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("%dp/full=%v/threads=%d", size[1], full, threads), func(b *testing.B) {
					s := newStream(b, Config{Width: size[0], Height: size[1], Full: full, Threads: threads})
					var pictures []*yuv.Image
					for i := range 16 {
						pictures = append(pictures, film(size[0], size[1], i, full))
					}
					var enc, dec time.Duration
					bytes, quality := 0, 0.0
					for i := range b.N {
						m := pictures[i%16]
						began := time.Now()
						data := s.encode(b, m, false)
						coded := time.Now()
						got, err := s.d.Decode(data)
						if err != nil {
							b.Fatal(err)
						}
						enc, dec, bytes = enc+coded.Sub(began), dec+time.Since(coded), bytes+len(data)
						quality += noise(m, got)
					}
					n := float64(b.N)
					b.ReportMetric(enc.Seconds()*1000/n, "encode-ms")
					b.ReportMetric(dec.Seconds()*1000/n, "decode-ms")
					b.ReportMetric(float64(bytes)/n, "bytes/frame")
					b.ReportMetric(quality/n, "dB")
				})
			}
		}
	}
}

// libvpx never comes back from a picture of two lines after a larger one.
func TestAnEncoderIsNotMadeTooSmall(t *testing.T) {
	need(t)
	e, err := NewEncoder(Config{Width: 423, Height: 178})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, size := range [][2]int{{43, 2}, {2, 43}, {leastResized, leastResized - 1}} {
		if err := e.Resize(size[0], size[1]); err == nil {
			t.Errorf("%v was accepted", size)
		}
	}
	if err := e.Resize(leastResized, leastResized); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Encode(film(leastResized, leastResized, 1, false), time.Unix(1, 0), true); err != nil {
		t.Error(err)
	}
}
