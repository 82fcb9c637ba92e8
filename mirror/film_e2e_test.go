//go:build e2e && linux

package mirror

import (
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xproto"
	"golang.org/x/sys/unix"

	"hither/mirror/codec"
	"hither/mirror/wire"
)

const (
	filmWidth, filmHeight = 1920, 1080
	filmPictures          = 12
	filmSize              = filmWidth * filmHeight * 4
)

// projector shows a film on a display: pictures in memory that the X server
// shares, put one after the other.
type projector struct {
	conn   *xgb.Conn
	window xproto.Window
	gc     xproto.Gcontext
	seg    shm.Seg
	memory []byte
	drawn  atomic.Int64
}

func project(t testing.TB, d display) *projector {
	t.Helper()
	conn, err := xgb.NewConnDisplay(string(d))
	if err != nil {
		t.Fatal(err)
	}
	if err := shm.Init(conn); err != nil {
		t.Fatal(err)
	}
	p := &projector{conn: conn}
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, filmPictures*filmSize, unix.IPC_CREAT|0o600)
	if err != nil {
		t.Fatal(err)
	}
	if p.memory, err = unix.SysvShmAttach(id, 0, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		if err := unix.SysvShmDetach(p.memory); err != nil {
			t.Error(err)
		}
	})
	p.seg, _ = shm.NewSegId(conn)
	if err := shm.AttachChecked(conn, p.seg, uint32(id), true).Check(); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.SysvShmCtl(id, unix.IPC_RMID, nil); err != nil {
		t.Fatal(err)
	}
	for i := range filmPictures {
		drawPicture(p.memory[i*filmSize:][:filmSize], i)
	}
	p.open(t)
	return p
}

func (p *projector) open(t testing.TB) {
	t.Helper()
	screen := xproto.Setup(p.conn).DefaultScreen(p.conn)
	p.window, _ = xproto.NewWindowId(p.conn)
	xproto.CreateWindow(p.conn, screen.RootDepth, p.window, screen.Root, 0, 0, filmWidth, filmHeight, 0,
		xproto.WindowClassInputOutput, screen.RootVisual, xproto.CwOverrideRedirect, []uint32{1})
	p.gc, _ = xproto.NewGcontextId(p.conn)
	xproto.CreateGC(p.conn, p.gc, xproto.Drawable(p.window), 0, nil)
	if err := xproto.MapWindowChecked(p.conn, p.window).Check(); err != nil {
		t.Fatal(err)
	}
}

// drawPicture draws waves that drift over fine grain. The first 64×64 pixels
// are of one grey that tells the picture's number.
func drawPicture(pix []byte, n int) {
	var sine [256]int
	for i := range sine {
		sine[i] = int(100 * math.Sin(float64(i)*math.Pi/128))
	}
	for y := range filmHeight {
		for x := range filmWidth {
			at := (y*filmWidth + x) * 4
			a, b := sine[(x+n*3)&255], sine[(2*y-n*5+x/2)&255]
			grain := (x*7919 ^ y*104729 ^ n*31) >> 3 & 7
			pix[at], pix[at+1], pix[at+2] = byte(128+a/2+b/4+grain), byte(128+(a+b)/2), byte(128+b+grain)
			if x < 64 && y < 64 {
				pix[at], pix[at+1], pix[at+2] = grey(n), grey(n), grey(n)
			}
		}
	}
}

func grey(n int) byte { return byte(20 + n*18) }

// show puts the next picture and waits until the X server has drawn it.
func (p *projector) show(t testing.TB) {
	n := int(p.drawn.Add(1)) % filmPictures
	err := shm.PutImageChecked(p.conn, xproto.Drawable(p.window), p.gc, filmWidth, filmPictures*filmHeight,
		0, uint16(n*filmHeight), filmWidth, filmHeight, 0, 0, 24, xproto.ImageFormatZPixmap, 0, p.seg, 0).Check()
	if err != nil {
		t.Error(err)
	}
}

// play shows pictures at a rate until it is told to stop; the last one stays.
func (p *projector) play(t testing.TB, every time.Duration, stop <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			p.show(t)
		}
	}
}

// shown is how many pictures the viewer is behind.
func (p *projector) behind(picture *codec.Picture) int {
	at := (32*picture.Width + 32) * 4
	n := (int(picture.Pix[at]) - int(grey(0)) + 9) / 18
	return (int(p.drawn.Load())%filmPictures - n + filmPictures) % filmPictures
}

// exact says whether the viewer shows the last picture bit for bit.
func (p *projector) exact(picture *codec.Picture) bool {
	n := int(p.drawn.Load()) % filmPictures
	want := &codec.Picture{Width: filmWidth, Height: filmHeight, Stride: filmWidth * 4, Pix: p.memory[n*filmSize:][:filmSize]}
	return picture.Equal(want)
}

// cpu is the time that this process has used: host, viewer and, a little, the
// projector.
func cpu(t testing.TB) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestFilmPlaysAndRestsExactly plays a moving picture of 1080p over the whole
// screen and stops it, three times. Each time the viewer must end with the last
// picture bit for bit.
func TestFilmPlaysAndRestsExactly(t *testing.T) {
	d := xvfb(t)
	p := project(t, d)
	l := look(t, d)
	l.d.Video = codec.OpenVP9
	t.Cleanup(l.d.Close)
	l.say(wire.Able{Flags: wire.VP9 | wire.VP9444})
	l.frame()
	var rests []time.Duration
	for range 3 {
		rests = append(rests, onePlay(t, p, l))
	}
	if best := slices.Min(rests); best > 300*time.Millisecond {
		t.Errorf("exact %v after rest, at best", best)
	}
}

// onePlay plays for four seconds, of which the last three count.
func onePlay(t *testing.T, p *projector, l *looker) (rest time.Duration) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		p.play(t, time.Second/60, stop)
	}()
	began, frames, bytes, used := time.Now(), 0, 0, time.Duration(0)
	var behind []int
	for time.Since(began) < 4*time.Second {
		l.frame()
		if time.Since(began) < time.Second {
			frames, bytes, used = l.count, l.bytes, cpu(t)
			continue
		}
		behind = append(behind, p.behind(l.d.Picture()))
	}
	used = cpu(t) - used
	close(stop)
	<-done
	still := time.Now()
	n, size := l.count-frames, l.bytes-bytes
	for !p.exact(l.d.Picture()) {
		l.frame()
	}
	rest = time.Since(still)
	slices.Sort(behind)
	t.Logf("%.1f frames/s, %d kB a frame, CPU %.0f %%, behind p50 %d p95 %d, exact after %d ms, %d frames",
		float64(n)/3, size/max(n, 1)/1000, used.Seconds()/3*100, behind[len(behind)/2], behind[len(behind)*95/100],
		rest.Milliseconds(), l.count-frames-n)
	if n < 3*10 {
		t.Errorf("%d frames in three seconds", n)
	}
	return rest
}
