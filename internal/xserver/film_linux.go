package xserver

import (
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xproto"
	"golang.org/x/sys/unix"
)

// filmPictures is how many pictures a film has; then it begins anew.
const filmPictures = 12

// Film is a moving picture in a window at the corner of a display: pictures in
// memory that the X server shares, put one after the other. The first 64×64
// pixels of each are of one grey that tells its number.
type Film struct {
	Width, Height int

	t      testing.TB
	conn   *xgb.Conn
	window xproto.Window
	gc     xproto.Gcontext
	seg    shm.Seg
	memory []byte
	shown  atomic.Int64
}

// NewFilm opens a window of this size without frame. It is gone after the test.
func NewFilm(t testing.TB, display string, width, height int) *Film {
	t.Helper()
	conn, err := xgb.NewConnDisplay(display)
	if err != nil {
		t.Fatal(err)
	}
	f := &Film{Width: width, Height: height, t: t, conn: conn}
	t.Cleanup(func() {
		conn.Close()
		if f.memory == nil {
			return
		}
		if err := unix.SysvShmDetach(f.memory); err != nil {
			t.Error(err)
		}
	})
	f.share()
	for i := range filmPictures {
		f.draw(i)
	}
	f.open()
	return f
}

func (f *Film) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// share attaches the memory here and in the server; it goes with the last of
// the two.
func (f *Film) share() {
	f.must(shm.Init(f.conn))
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, filmPictures*f.size(), unix.IPC_CREAT|0o600)
	f.must(err)
	f.memory, err = unix.SysvShmAttach(id, 0, 0)
	f.must(err)
	f.seg, err = shm.NewSegId(f.conn)
	f.must(err)
	attached := shm.AttachChecked(f.conn, f.seg, uint32(id), true).Check()
	_, err = unix.SysvShmCtl(id, unix.IPC_RMID, nil)
	f.must(attached)
	f.must(err)
}

func (f *Film) size() int { return f.Width * f.Height * 4 }

func (f *Film) open() {
	screen := xproto.Setup(f.conn).DefaultScreen(f.conn)
	var err error
	f.window, err = xproto.NewWindowId(f.conn)
	f.must(err)
	f.gc, err = xproto.NewGcontextId(f.conn)
	f.must(err)
	f.must(xproto.CreateWindowChecked(f.conn, screen.RootDepth, f.window, screen.Root, 0, 0, uint16(f.Width), uint16(f.Height), 0,
		xproto.WindowClassInputOutput, screen.RootVisual, xproto.CwOverrideRedirect, []uint32{1}).Check())
	f.must(xproto.CreateGCChecked(f.conn, f.gc, xproto.Drawable(f.window), 0, nil).Check())
	f.must(xproto.MapWindowChecked(f.conn, f.window).Check())
}

// draw makes picture n: waves that drift over fine grain.
func (f *Film) draw(n int) {
	var sine [256]int
	for i := range sine {
		sine[i] = int(100 * math.Sin(float64(i)*math.Pi/128))
	}
	pix := f.memory[n*f.size():][:f.size()]
	for y := range f.Height {
		for x := range f.Width {
			at := (y*f.Width + x) * 4
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

// Show puts the next picture and waits until the server has drawn it.
func (f *Film) Show() {
	n := int(f.shown.Load()+1) % filmPictures
	err := shm.PutImageChecked(f.conn, xproto.Drawable(f.window), f.gc, uint16(f.Width), uint16(filmPictures*f.Height),
		0, uint16(n*f.Height), uint16(f.Width), uint16(f.Height), 0, 0, 24, xproto.ImageFormatZPixmap, 0, f.seg, 0).Check()
	if err != nil {
		f.t.Error(err)
	}
	f.shown.Add(1)
}

// Play shows a picture every so often until the returned function is called,
// which waits for the last one.
func (f *Film) Play(every time.Duration) (stop func()) {
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				f.Show()
			}
		}
	}()
	return func() {
		close(end)
		<-done
	}
}

// Picture is the picture that is shown: rows of B G R X without space.
func (f *Film) Picture() []byte {
	return f.memory[int(f.shown.Load())%filmPictures*f.size():][:f.size()]
}

// Behind says how many pictures lie between the one that is shown and the one
// whose pixel (32, 32) has this value in a channel. The one that is just put
// may be seen before Show knows that it was drawn; that is not behind.
func (f *Film) Behind(value byte) int {
	n := (int(value) - int(grey(0)) + 9) / 18
	behind := (int(f.shown.Load())%filmPictures - n + filmPictures) % filmPictures
	if behind == filmPictures-1 {
		return 0
	}
	return behind
}
