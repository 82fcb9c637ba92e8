//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"net"
	"path/filepath"
	"time"

	"hither/mirror/capture"
	"hither/mirror/codec"
)

// X keycodes of what is typed to a guest.
const (
	letterM   = 58
	backspace = 22
)

// rom is a guest that needs no disk: iPXE, whose command line shows what is
// typed.
const rom = "/usr/lib/ipxe/qemu/pxe-e1000.rom"

// guest is an emulated machine that runs while it is its peer's turn.
type guest struct {
	process *process
	vnc     string // socket
	letter  image.Rectangle
}

// keysConsole is row b: each peer has a guest of its own, and shows it through
// QEMU's VNC server.
func keysConsole(ctx context.Context, p plan, h *house, r *result) error {
	if err := need("Xvfb", "openbox", "qemu-system-x86_64"); err != nil {
		return err
	}
	var peers []*peer
	names := p.chosen([]string{"hither", "tigervnc", "tigervnc-tuned"})
	for _, name := range names {
		one, err := h.startGuest(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		peers = append(peers, one)
	}
	scenes := []string{"letter", typed}
	if err := r.takeTurns(ctx, p, peers, scenes...); err != nil {
		return err
	}
	r.note("The guest is emulated (TCG) iPXE in VGA text, 720×400; the tigervnc peers are vncviewer on QEMU's own VNC server.")
	r.note("\"typed\" is the same with 100 to 150 ms between keys, as a person types: QEMU looks ever less often at a console that rests.")
	for _, scene := range scenes {
		mine, theirs := r.keysOf("hither", scene), r.keysOf("tigervnc", scene)
		r.ratio(scene+": p50 to vncviewer's", mine.p50(), theirs.p50(), 1)
		r.ratio(scene+": p99 to vncviewer's", mine.p99(), theirs.p99(), 1)
	}
	return nil
}

// startGuest starts a machine, brings it to its command line, and opens a
// peer's viewer on it.
func (h *house) startGuest(name string) (*peer, error) {
	g := &guest{vnc: filepath.Join(h.dir, name+".vnc")}
	var err error
	g.process, err = h.start(command{name: "qemu-system-x86_64", args: []string{"-accel", "tcg", "-m", "64", "-display", "none",
		"-net", "none", "-nodefaults", "-vga", "std", "-device", "e1000,romfile=" + rom, "-boot", "n",
		"-vnc", "unix:" + g.vnc, "-monitor", "stdio"}})
	if err != nil {
		return nil, err
	}
	if err := g.boot(h); err != nil {
		return nil, fmt.Errorf("guest: %w: %s", err, h.lastWords())
	}
	p := &peer{name: name, keys: []byte{letterM, backspace}, servers: []*process{g.process}, turn: g.run}
	p.watch = func(ctx context.Context, _ string) (image.Rectangle, error) { return g.find(ctx, p.probe) }
	const wide = 700
	switch name {
	case "hither":
		return p, h.showHither(p, one{source: g.vnc}, route{}, stream, wide)
	case "tigervnc":
		return p, h.showTiger(p, g.vnc, route{}, wide, nil)
	}
	return p, h.showTiger(p, g.vnc, route{}, wide, lossless)
}

func (g *guest) say(command string) error {
	_, err := fmt.Fprintln(g.process.stdin, command)
	return err
}

// run lets the guest run, or pauses it.
func (g *guest) run(on bool) error {
	if on {
		return g.say("cont")
	}
	return g.say("stop")
}

// boot brings iPXE to its command line, which it opens for Ctrl-B while it
// starts, and pauses it there.
func (g *guest) boot(h *house) error {
	conn, err := g.dial(h.ctx)
	if err != nil {
		return err
	}
	screen, err := capture.RFB(h.ctx, conn, capture.RFBConfig{})
	if err != nil {
		return err
	}
	late := time.AfterFunc(3*patience, func() { _ = screen.Close() }) // Next tells
	defer late.Stop()
	if err := (&console{guest: g, screen: screen}).enter(); err != nil {
		_ = screen.Close() // err says more
		return err
	}
	return errors.Join(screen.Close(), g.run(false))
}

// dial connects to the VNC server once it is there.
func (g *guest) dial(ctx context.Context) (net.Conn, error) {
	for end := time.Now().Add(patience); ; {
		conn, err := net.Dial("unix", g.vnc)
		if err == nil || time.Now().After(end) {
			return conn, err
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

// console is a guest's screen as text that is typed to.
type console struct {
	guest   *guest
	screen  capture.Source
	picture *codec.Picture
}

// cursorPixels is more than the text cursor lights.
const cursorPixels = 20

// enter presses Ctrl-B until the screen has text and has come to rest, and
// sees that this is the command line. A guest that went on is started anew.
func (c *console) enter() error {
	for rest, last := 0, 0; ; {
		now, err := c.typed("ctrl-b")
		if err != nil {
			return err
		}
		if rest++; now-last > cursorPixels || last-now > cursorPixels || now < 1000 || c.picture.Width != 720 {
			rest, last = 0, now
		}
		if rest < 8 {
			continue
		}
		if ready, err := c.takesKeys(); ready || err != nil {
			return err
		}
		rest = 0
		if err := c.guest.say("system_reset"); err != nil {
			return err
		}
	}
}

// takesKeys types some letters and takes them back: a command line shows them
// and forgets them, and nothing else does.
func (c *console) takesKeys() (bool, error) {
	var lit [3]int
	for i, keys := range [][]string{nil, {"m", "m", "m", "m"}, {"backspace", "backspace", "backspace", "backspace"}} {
		var err error
		if lit[i], err = c.typed(keys...); err != nil {
			return false, err
		}
	}
	more, less := lit[1]-lit[0], lit[1]-lit[2]
	return more > 3*cursorPixels && more < 500 && less > 3*cursorPixels && less < 500, nil
}

// typed presses keys and gives how many pixels are lit some moments later. The
// blinking text cursor keeps Next going.
func (c *console) typed(keys ...string) (int, error) {
	for _, key := range keys {
		if err := c.guest.say("sendkey " + key + " 20"); err != nil { // for so many milliseconds
			return 0, err
		}
	}
	for end := time.Now().Add(time.Duration(300+100*len(keys)) * time.Millisecond); c.picture == nil || time.Now().Before(end); {
		change, err := c.screen.Next()
		if errors.Is(err, io.EOF) {
			return 0, errors.New("no command line came up")
		} else if err != nil {
			return 0, err
		}
		if c.picture == nil || c.picture.Width != change.Width || c.picture.Height != change.Height {
			c.picture = codec.NewPicture(change.Width, change.Height)
		}
		for _, patch := range change.Patches {
			patch.Apply(c.picture)
		}
	}
	return lit(c.picture.Pix), nil
}

// lit counts the pixels that are not black.
func lit(pix []byte) (n int) {
	for i := 0; i+3 < len(pix); i += 4 {
		if pix[i]|pix[i+1]|pix[i+2] != 0 {
			n++
		}
	}
	return n
}

// find types a letter and takes it back, until both show, and gives where it
// was: its upper part, above the text cursor that blinks.
func (g *guest) find(ctx context.Context, p *probe) (image.Rectangle, error) {
	for end := time.Now().Add(patience); g.letter.Empty(); {
		if time.Now().After(end) {
			return image.Rectangle{}, errors.New("the guest shows no letters")
		}
		found, err := p.strikeAndCompare(ctx, letterM)
		if err != nil {
			return image.Rectangle{}, err
		}
		area := image.Rectangle{Min: found.Min, Max: found.Min.Add(image.Pt(7, 6))}
		with, err := p.grab(area)
		if err != nil {
			return image.Rectangle{}, err
		}
		gone, err := p.strikeAndCompare(ctx, backspace)
		if err != nil {
			return image.Rectangle{}, err
		}
		without, err := p.grab(area)
		if err != nil {
			return image.Rectangle{}, err
		}
		if area.In(found) && found.Eq(gone) && lit(without) == 0 && clearly(with, without) {
			g.letter = area
		}
	}
	return g.letter, nil
}
