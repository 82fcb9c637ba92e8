package mirror

import (
	"fmt"
	"image"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/vpx"
	"hither/mirror/wire"
)

// narrow carries a view over a path of a rate, as a TCP stream would: in order,
// with so many bytes in queues before the writer waits. Its clock is that of
// the test, so what the encoder costs does not count.
type narrow struct {
	rate  atomic.Int64  // bytes a second
	delay time.Duration // one way
	queue int64         // bytes
	free  time.Time
	bytes atomic.Int64
}

// newNarrow gives a path of so many Mbit a second with a round trip of 20 ms.
func newNarrow(mbit float64) *narrow {
	n := &narrow{delay: 10 * time.Millisecond, queue: 256 << 10}
	n.carries(mbit)
	return n
}

func (n *narrow) carries(mbit float64) { n.rate.Store(int64(mbit * 1e6 / 8)) }

type arrival struct {
	at    time.Time
	bytes []byte
}

// carry moves messages of the view until it ends.
func (n *narrow) carry(view fusion.Pipe, out chan<- arrival) {
	defer close(out)
	for {
		b, err := view.Read()
		if err != nil {
			return
		}
		now := time.Now()
		if n.free.Before(now) {
			n.free = now
		}
		takes := func(bytes int64) time.Duration {
			return time.Duration(bytes) * time.Second / time.Duration(n.rate.Load())
		}
		n.free = n.free.Add(takes(int64(len(b))))
		time.Sleep(n.free.Sub(now) - takes(n.queue))
		n.bytes.Add(int64(len(b)))
		out <- arrival{n.free.Add(n.delay), slices.Clone(b)}
	}
}

// needVPX asks for libvpx. Where CI says so it must be there.
func needVPX(t *testing.T) {
	t.Helper()
	if err := vpx.CanEncode(); err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip(err)
	}
}

// cinema is a film of 30 pictures a second, and a viewer at the end of a path
// who needs a while for each frame. The shades of the first tiles are digits of a
// picture's number.
type cinema struct {
	*narrow
	source   *fakeSource
	pictures []*codec.Picture
	decode   time.Duration
	lately   int64 // bits in the last second of follows

	mu     sync.Mutex // guards the fields below
	drawn  int
	shown  int
	frames int // pictures shown
}

// There are so many digits of so many shades, far enough apart for any quality.
const digits, shades = 3, 8

func newCinema(n *narrow, source *fakeSource) *cinema {
	c := &cinema{narrow: n, source: source, decode: 8 * time.Millisecond}
	for i := range 12 {
		c.pictures = append(c.pictures, waves(source.picture.Width, source.picture.Height, i))
	}
	return c
}

// waves gives picture i of a film: waves that drift, with grain.
func waves(w, h, i int) *codec.Picture {
	p := codec.NewPicture(w, h)
	for y := range h {
		row := p.Pix[y*p.Stride:][:w*4]
		for x := range w {
			grain := byte((x*7919 ^ y*104729 ^ i*31) >> 3 & 7)
			row[x*4] = byte((x+i*3)*(y+2*i)>>6) + grain
			row[x*4+1], row[x*4+2] = byte(x*2+y-i*5)+grain, byte(y*3-i*2)
		}
	}
	return p
}

// draw shows the next picture.
func (c *cinema) draw() {
	c.mu.Lock()
	c.drawn++
	i := c.drawn
	c.mu.Unlock()
	f := c.source
	f.locked(func() {
		p := f.picture
		copy(p.Pix, c.pictures[i%len(c.pictures)].Pix)
		for d := range digits {
			for y := range 64 {
				for x := d * 64 * 4; x < (d+1)*64*4; x++ {
					p.Pix[y*p.Stride+x] = byte(i%shades*32 + 16)
				}
			}
			i /= shades
		}
		f.pending = append(f.pending, image.Rect(0, 0, p.Width, p.Height))
	})
}

// watch shows what arrives and answers.
func (c *cinema) watch(t *testing.T, in <-chan arrival, answers chan<- arrival) {
	defer close(answers)
	var frames wire.Assembler
	d := codec.Decoder{Video: codec.OpenVP9}
	defer d.Close()
	for a := range in {
		time.Sleep(time.Until(a.at))
		m, err := wire.ParseHost(a.bytes)
		if _, ok := m.(wire.Hello); ok {
			answers <- arrival{time.Now().Add(c.delay), wire.Able{Flags: wire.VP9}.Append(nil)}
		}
		if part, ok := m.(wire.FramePart); ok && err == nil {
			var frame []byte
			if frame, err = frames.Add(part); frame != nil {
				_, err = d.Decode(frame)
				time.Sleep(c.decode)
				c.saw(d.Picture())
				answers <- arrival{time.Now().Add(c.delay), wire.Ack{Seq: part.Seq}.Append(nil)}
			}
		}
		if err != nil {
			t.Error(err)
			return
		}
	}
}

// saw notes which picture is shown.
func (c *cinema) saw(p *codec.Picture) {
	c.mu.Lock()
	defer c.mu.Unlock()
	number, unit := 0, 1
	for d := range digits {
		number += int(p.Pix[20*p.Stride+(d*64+20)*4]) / 32 * unit
		unit *= shades
	}
	shown := c.drawn - (c.drawn-number+unit)%unit
	if shown != c.shown { // else it has become exact somewhere
		c.frames++
	}
	c.shown = shown
}

// so gives how many pictures were shown, and how far behind the last is.
func (c *cinema) so() (frames, behind int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.frames, c.drawn - c.shown
}

// play shows the film for a while and gives how many frames were shown a second
// and how far behind they were.
func (c *cinema) play(length time.Duration) (rate float64, behind int) {
	before, _ := c.so()
	var all []int
	for range int(length.Seconds() * 30) {
		c.draw()
		time.Sleep(time.Second/30 - time.Millisecond)
		_, late := c.so()
		all = append(all, late)
		time.Sleep(time.Millisecond)
	}
	frames, _ := c.so()
	slices.Sort(all)
	return float64(frames-before) / length.Seconds(), all[len(all)*95/100]
}

// onPath opens a view of a film of a size at the end of a path, for a test that
// plays it. Time is that of the test alone.
func onPath(t *testing.T, n *narrow, width, height int, test func(t *testing.T, c *cinema)) {
	synctest.Test(t, func(t *testing.T) {
		s, f, _ := serve(t, width, height)
		view, err := s.Open(t.Context(), "vm", fusion.ViewOptions{})
		if err != nil {
			t.Fatal(err)
		}
		c := newCinema(n, f)
		there, back := make(chan arrival, 1<<12), make(chan arrival, 1<<12)
		var running sync.WaitGroup
		running.Go(func() { n.carry(view, there) })
		running.Go(func() { c.watch(t, there, back) })
		running.Go(func() {
			for a := range back {
				time.Sleep(time.Until(a.at))
				_ = view.Write(a.bytes) // the view may have ended
			}
		})
		test(t, c)
		view.Close()
		running.Wait()
	})
}

// follows plays on for a second and sees that the film comes, is no more than
// three frames behind and leaves room on the path.
func (c *cinema) follows(t *testing.T) {
	t.Helper()
	bytes, rate := c.bytes.Load(), c.rate.Load()
	fps, behind := c.play(time.Second)
	bits := (c.bytes.Load() - bytes) * 8
	c.lately = bits
	t.Logf("%.1f Mbit/s: %.0f pictures, %d behind, %.2f Mbit", float64(rate)*8/1e6, fps, behind, float64(bits)/1e6)
	if fps < 20 || behind > 3 || bits > rate*8 {
		t.Errorf("over %d bits a second %.0f pictures come, %d behind, %d bits", rate*8, fps, behind, bits)
	}
}

// TestFilmFollowsThePath plays a film of 1080p, which exactly would be 180 MB a
// second and has 8 Mbit as video where nothing bounds it, over paths of which
// nothing is known at first.
func TestFilmFollowsThePath(t *testing.T) {
	needVPX(t)
	for _, mbit := range []float64{20, 5, 2.5} {
		t.Run(fmt.Sprint(mbit), func(t *testing.T) {
			n := newNarrow(mbit)
			onPath(t, n, 1920, 1080, func(t *testing.T, c *cinema) {
				c.play(4 * time.Second)
				c.follows(t)
			})
		})
	}
}

// TestFilmOverAWidePathIsAsGoodAsEver plays a film of 720p where nothing is to
// be held back, for a viewer who is quick and for one who is not.
func TestFilmOverAWidePathIsAsGoodAsEver(t *testing.T) {
	needVPX(t)
	for _, decode := range []time.Duration{2 * time.Millisecond, 20 * time.Millisecond} {
		t.Run(decode.String(), func(t *testing.T) {
			onPath(t, newNarrow(4000), 1280, 720, func(t *testing.T, c *cinema) {
				c.decode = decode
				c.play(4 * time.Second)
				c.follows(t)
				if full := int64(1280 * 720 * 4); c.lately < full*9/10 {
					t.Errorf("%d bits in a second, of %d", c.lately, full)
				}
			})
		})
	}
}

// TestFilmFollowsAPathThatGetsNarrower plays a film of 720p, 4 Mbit a second
// where nothing bounds it, amid which the path comes to carry less.
func TestFilmFollowsAPathThatGetsNarrower(t *testing.T) {
	needVPX(t)
	n := newNarrow(16)
	onPath(t, n, 1280, 720, func(t *testing.T, c *cinema) {
		for _, mbit := range []float64{16, 5, 2.5} {
			n.carries(mbit)
			c.play(5 * time.Second)
			c.follows(t)
		}
	})
}
