//go:build linux && e2e

package portal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hither/fusion"
	"hither/internal/wayland"
	"hither/mirror/capture"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// patience bounds what a test waits for.
const patience = time.Minute

// canvas applies a source's changes to a picture.
type canvas struct {
	source  capture.Source
	picture *codec.Picture
	damage  []image.Rectangle // of the last change
	changes chan capture.Change
	next    chan bool
	err     error // set before changes is closed
	close   func()
}

// watch opens the desktop and begins to read it.
func watch(t *testing.T, config Config) *canvas {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := Open(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	c := &canvas{source: s, changes: make(chan capture.Change), next: make(chan bool)}
	go c.read() // ends with the source
	c.close = sync.OnceFunc(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		for range c.changes {
			c.next <- true
		}
	})
	t.Cleanup(c.close)
	return c
}

func (c *canvas) read() {
	defer close(c.changes)
	for {
		change, err := c.source.Next()
		if err != nil {
			c.err = err
			return
		}
		c.changes <- change
		<-c.next
	}
}

func (c *canvas) apply(change capture.Change) {
	if change.Whole != nil {
		c.picture, c.damage = change.Whole.Copy(), change.Damage
	}
	c.next <- true
}

// until applies changes until something is so.
func (c *canvas) until(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case change, ok := <-c.changes:
			if !ok {
				t.Fatalf("%s: the source ended: %v", what, c.err)
			}
			c.apply(change)
		case <-tick.C: // what is asked may change on its own, and may take long
			if is() {
				return
			}
		case <-deadline:
			t.Fatalf("not in time: %s; last damage %v", what, c.damage)
		}
	}
}

// ends waits for the end of the source.
func (c *canvas) ends(t *testing.T) {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case change, ok := <-c.changes:
			if !ok {
				return
			}
			c.apply(change)
		case <-deadline:
			t.Fatal("the source did not end")
		}
	}
}

// truth is what grim, another program, sees on the monitor.
func truth(t *testing.T, s *wayland.Session) *codec.Picture {
	t.Helper()
	b := []byte(s.Run(t, "grim", "-c", "-t", "ppm", "-s", "1", "-o", "HEADLESS-1", "-"))
	head := bytes.SplitN(b, []byte("\n"), 4) // P6, size, 255, pixels
	var w, h int
	if _, err := fmt.Sscan(string(head[1]), &w, &h); err != nil || string(head[0]) != "P6" {
		t.Fatalf("grim: %q: %v", b[:min(len(b), 20)], err)
	}
	p := codec.NewPicture(w, h)
	for i, rgb := 0, head[3]; len(rgb) >= 3; i, rgb = i+4, rgb[3:] {
		p.Pix[i], p.Pix[i+1], p.Pix[i+2] = rgb[2], rgb[1], rgb[0]
	}
	return p
}

func (c *canvas) matches(t *testing.T, s *wayland.Session, w, h int) func() bool {
	return func() bool {
		return c.picture != nil && c.picture.Width == w && c.picture.Height == h && c.picture.Equal(truth(t, s))
	}
}

func (c *canvas) input(t *testing.T, events ...wire.Message) {
	t.Helper()
	for _, m := range events {
		if err := c.source.Input(m); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *canvas) press(t *testing.T, code uint16) {
	t.Helper()
	c.input(t, wire.Key{Code: code, Down: true}, wire.Key{Code: code})
}

// lit says whether a program drew much of the monitor's middle.
func (c *canvas) lit() bool {
	if c.picture == nil {
		return false
	}
	at := c.picture.Height/2*c.picture.Stride + c.picture.Width/2*4
	return !bytes.Equal(c.picture.Pix[at:at+3], make([]byte, 3))
}

// program starts a shell in a terminal that fills the monitor, and gives what it
// wrote to its file.
func program(t *testing.T, s *wayland.Session, script string) func() string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "out")
	s.Start(t, "foot", "-o", "colors.background=204060", "-o", "cursor.blink=no", "sh", "-c", script, "sh", file)
	return func() string {
		b, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return string(b)
	}
}

func TestDesktopIsExactAndTakesKeys(t *testing.T) {
	s := wayland.Start(t, wayland.Config{})
	c := watch(t, Config{})
	c.until(t, "the empty desktop", c.matches(t, s, 1280, 800))
	text := program(t, s, `stty echo; cat > "$1"`)
	c.until(t, "a terminal", c.lit)
	c.until(t, "rest", c.matches(t, s, 1280, 800))
	const shift, h, i, one, enter = 42, 35, 23, 2, 28
	c.until(t, "typed text", func() bool { // what is typed before the shell reads may be lost
		c.input(t, wire.Key{Code: shift, Down: true})
		c.press(t, h)
		c.input(t, wire.Key{Code: shift})
		for _, code := range []uint16{i, one, enter} {
			c.press(t, code)
		}
		return strings.Contains(text(), "Hi1\n")
	})
	// Caps Lock, and keys of another layout, count for nothing in a text.
	c.press(t, 58)
	const written = "Grüße, 世界 🙂 x^2 = «ok»\nnext\n"
	c.input(t, wire.Text{Text: written})
	c.until(t, "written text", func() bool { return strings.HasSuffix(text(), written) })
	c.press(t, 58)
	c.until(t, "rest after typing", c.matches(t, s, 1280, 800))
	c.damage = nil
	c.press(t, i)
	c.until(t, "a letter", func() bool { return c.damage != nil })
	for _, r := range c.damage {
		if r.Dx()*r.Dy() > 1280*800/4 {
			t.Errorf("a letter damages %v", r)
		}
	}
	c.until(t, "rest at last", c.matches(t, s, 1280, 800))
}

func TestDesktopTakesThePointer(t *testing.T) {
	s := wayland.Start(t, wayland.Config{})
	s.Run(t, "swaymsg", "output", "HEADLESS-1", "scale", "2")
	c := watch(t, Config{})
	said := program(t, s, `printf '\033[?1003;1006h'; stty raw -echo; cat > "$1"`) // tell of the mouse, in cells
	c.until(t, "a terminal", c.lit)
	// far from the corner and back: a place told twice is no motion
	cell := func(text string) (col int) {
		at := strings.LastIndex(text, "\033[<35;")
		if at < 0 {
			return 0
		}
		digits, _, _ := strings.Cut(text[at+6:], ";")
		col, err := strconv.Atoi(digits)
		if err != nil {
			return 0 // not all of it is there
		}
		return col
	}
	var left, right int
	c.until(t, "the pointer at the left", func() bool {
		c.input(t, wire.Pointer{X: 300, Y: 400}, wire.Pointer{X: 302, Y: 440})
		left = cell(said())
		return left > 0
	})
	c.until(t, "the pointer at the right", func() bool {
		c.input(t, wire.Pointer{X: 900, Y: 400}, wire.Pointer{X: 902, Y: 440})
		right = cell(said())
		return right > left
	})
	if ratio := float64(right) / float64(left); ratio < 2.7 || ratio > 3.3 { // 900 to 300
		t.Errorf("column %d, then %d", left, right)
	}
	c.input(t, wire.Button{Button: wire.RightButton, Down: true}, wire.Button{Button: wire.RightButton},
		wire.Wheel{DY: 120}, wire.Wheel{DY: -60}, wire.Wheel{DY: -60})
	for _, report := range []string{"\033[<2;", "\033[<65;", "\033[<64;"} { // right, wheel down, wheel up
		c.until(t, fmt.Sprintf("%q", report), func() bool { return strings.Contains(said(), report) })
	}
}

func TestDesktopFollowsItsMonitor(t *testing.T) {
	s := wayland.Start(t, wayland.Config{})
	c := watch(t, Config{})
	program(t, s, `ls -l /usr/bin | head -n 200; cat`)
	c.until(t, "a terminal", c.lit)
	c.until(t, "rest", c.matches(t, s, 1280, 800))
	s.Run(t, "swaymsg", "output", "HEADLESS-1", "resolution", "1000x700")
	c.until(t, "another size", c.matches(t, s, 1000, 700))
	if err := c.source.Resize(640, 480); !errors.Is(err, fusion.ErrUnsupported) {
		t.Errorf("resize: %v", err)
	}
	for _, turn := range []string{"90", "180", "270", "flipped", "flipped-90", "flipped-180", "flipped-270", "normal"} {
		s.Run(t, "swaymsg", "output", "HEADLESS-1", "transform", turn)
		w, h := 1000, 700
		if strings.HasSuffix(turn, "90") || strings.HasSuffix(turn, "270") {
			w, h = h, w
		}
		c.until(t, "turned "+turn, c.matches(t, s, w, h))
	}
}

func TestDesktopWakesAndEnds(t *testing.T) {
	s := wayland.Start(t, wayland.Config{})
	c := watch(t, Config{})
	c.until(t, "the desktop", c.matches(t, s, 1280, 800))
	c.source.Wake()
	for woken := false; !woken; {
		select {
		case change := <-c.changes: // the compositor may still draw something of its own
			woken = change.Width == 0
			c.apply(change)
		case <-time.After(patience):
			t.Fatal("not woken")
		}
	}
	s.Kill("sway")
	c.ends(t)
	if c.err != io.EOF {
		t.Errorf("ended with %v", c.err)
	}
}

func TestDesktopAsksOnce(t *testing.T) {
	asked := filepath.Join(t.TempDir(), "asked")
	s := wayland.Start(t, wayland.Config{Chooser: "echo asked >> " + asked + "; echo HEADLESS-1"})
	config := Config{Token: filepath.Join(t.TempDir(), "token")}
	text, err := os.Create(filepath.Join(t.TempDir(), "text"))
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	program(t, s, "tail -f "+text.Name())
	for range 3 {
		c := watch(t, config)
		// wlroots counts the damage of all casts of a portal together: one that begins while the
		// last still waits for damage may have its first frame when something changes.
		c.until(t, "a picture", func() bool {
			if c.picture == nil {
				fmt.Fprintln(text, "another line")
			}
			return c.picture != nil
		})
		// At rest: the portal of Debian 12 crashes if it is left just after a frame.
		c.until(t, "the desktop", c.matches(t, s, 1280, 800))
		c.close()
	}
	if b, err := os.ReadFile(asked); err != nil || string(b) != "asked\n" {
		t.Errorf("asked: %q, %v", b, err)
	}
}

func TestDesktopRefused(t *testing.T) {
	refused := func(t *testing.T, cause error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		s, err := Open(ctx, Config{})
		var known *fusion.Error
		if !errors.Is(err, cause) || !errors.As(err, &known) || known.Hint == "" {
			t.Errorf("%v, %v; want %v and a hint", s, err, cause)
		}
	}
	t.Run("by the person", func(t *testing.T) {
		wayland.Start(t, wayland.Config{Chooser: "true"}) // no monitor
		refused(t, fusion.ErrPermission)
	})
	t.Run("without a portal", func(t *testing.T) {
		wayland.Start(t, wayland.Config{NoPortal: true})
		refused(t, fusion.ErrUnsupported)
	})
	t.Run("without a bus", func(t *testing.T) {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
		t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
		refused(t, fusion.ErrUnsupported)
	})
}
