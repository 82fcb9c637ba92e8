//go:build e2e && linux

package capture

import (
	"image"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"hither/internal/xserver"
	"hither/mirror/codec"
)

const patience = 60 * time.Second

// xvfb starts an X server and gives its display and what kills it.
func xvfb(t testing.TB, args ...string) (display string, kill func()) {
	t.Helper()
	x := xserver.Start(t, args...)
	return x.Display, x.Kill
}

// start runs a program until the test ends or kill is called.
func start(t testing.TB, cmd *exec.Cmd) (kill func()) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	kill = func() {
		_ = cmd.Process.Kill()
		<-done
	}
	t.Cleanup(kill)
	return kill
}

// on prepares a program for a display.
func on(display, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+display)
	return cmd
}

func run(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

// canvas applies a source's changes to a picture.
type canvas struct {
	source  Source
	picture *codec.Picture
	cursor  *codec.Cursor
	look    *codec.Look // of the newest change that left something out
	changes chan Change
	next    chan bool
	err     error
}

// draw begins to read a source.
func draw(t testing.TB, s Source, err error) *canvas {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	c := &canvas{source: s, changes: make(chan Change), next: make(chan bool)}
	go func() {
		defer close(c.changes)
		for {
			change, err := s.Next()
			if err != nil {
				c.err = err
				return
			}
			c.changes <- change
			<-c.next
		}
	}()
	t.Cleanup(func() {
		s.Close()
		for range c.changes {
			c.next <- true
		}
	})
	return c
}

func (c *canvas) apply(change Change) {
	if c.picture == nil || c.picture.Width != change.Width || c.picture.Height != change.Height {
		c.picture = codec.NewPicture(change.Width, change.Height)
	}
	if change.Whole != nil {
		c.picture = change.Whole
	}
	for _, p := range change.Patches {
		p.Apply(c.picture)
	}
	if change.Cursor != nil {
		c.cursor = change.Cursor
	}
	if change.Look != nil {
		c.look = change.Look
	}
	c.next <- true
}

// until applies changes until something is true of the picture; it asks again
// without a change from time to time, as what it asks may change on its own.
func (c *canvas) until(t testing.TB, what string, is func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case change, ok := <-c.changes:
			if !ok {
				t.Fatalf("%s: the source ended: %v", what, c.err)
			}
			c.apply(change)
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// ends waits for the end of the source.
func (c *canvas) ends(t testing.TB) error {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case change, ok := <-c.changes:
			if !ok {
				return c.err
			}
			c.apply(change)
		case <-deadline:
			t.Fatal("the source did not end")
		}
	}
}

// truth fetches the display's picture over the wire, without shared memory.
func truth(t testing.TB, display string) *codec.Picture {
	t.Helper()
	x, err := dialX(t.Context(), display, "")
	if err != nil {
		t.Fatal(err)
	}
	defer x.conn.Close()
	b, err := x.call(14, 0, words(x.screen.root)) // GetGeometry
	if err != nil {
		t.Fatal(err)
	}
	w, h := int(le.Uint16(b[16:])), int(le.Uint16(b[18:]))
	b, err = x.call(73, 2, words(x.screen.root, 0, shorts(w, h), 0xffffffff)) // GetImage, Z pixmap
	if err != nil {
		t.Fatal(err)
	}
	return &codec.Picture{Width: w, Height: h, Stride: w * 4, Pix: b[32:]}
}

func (c *canvas) matches(t testing.TB, display string) func() bool {
	return func() bool { return c.picture != nil && c.picture.Equal(truth(t, display)) }
}

// pixel gives 0xRRGGBB.
func (c *canvas) pixel(p image.Point) uint32 {
	if c.picture == nil || !p.In(c.picture.Bounds()) {
		return 1 << 31
	}
	return le.Uint32(c.picture.Pix[p.Y*c.picture.Stride+p.X*4:]) & 0xffffff
}

var _ io.Closer = Source(nil)
