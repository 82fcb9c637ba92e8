//go:build e2e && linux

package surface

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"hither/fusion"
	"hither/internal/xserver"
	"hither/mirror"
	"hither/mirror/capture"
	"hither/mirror/wire"
)

// farDisplay is the display of a host.
type farDisplay string

func (f farDisplay) List(context.Context, string) ([]fusion.Screen, error) { return nil, nil }

func (f farDisplay) Open(ctx context.Context, _ string) (mirror.Located, error) {
	s, err := capture.X11(ctx, capture.X11Config{Display: string(f)})
	return mirror.Located{Screen: fusion.Screen{Title: "far"}, Source: s}, err
}

// viewFar shows a host's display in a window that has the focus.
func viewFar(t *testing.T, options fusion.ViewOptions) (far string, d *desk) {
	far, d = xserver.Start(t, "-screen", "0", "640x480x24").Display, newDesk(t)
	s := mirror.NewServer(farDisplay(far), mirror.Config{})
	t.Cleanup(func() { s.Close() })
	pipe, err := s.Open(t.Context(), "far", options)
	if err != nil {
		t.Fatal(err)
	}
	runView(t, d, pipe, Config{Host: "nas"})
	outer, area := d.waitWindow("far — nas")
	d.until("the focus", func() bool { return d.focused() == outer })
	at := d.place(area)
	d.fake(xproto.MotionNotify, 0, at.X+9, at.Y+9)
	d.key(30, true)
	d.key(30, false)
	return far, d
}

func (d *desk) focused() xproto.Window {
	reply, err := xproto.GetInputFocus(d.conn).Reply()
	if err != nil {
		d.t.Fatal(err)
	}
	return reply.Focus
}

func xclip(ctx context.Context, display string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "xclip", append([]string{"-selection", "clipboard"}, args...)...)
	cmd.Env = append(os.Environ(), "DISPLAY="+display)
	return cmd
}

// copies is what a program does that puts content into a display's clipboard.
func copies(t *testing.T, display, target string, content []byte) {
	t.Helper()
	cmd := xclip(t.Context(), display, "-quiet", "-i", "-t", target)
	cmd.Stdin = bytes.NewReader(content)
	start(t, cmd)
}

// pastes gives what a display's clipboard has. xclip waits for ever when the
// program that has the clipboard loses it in the middle, so it is cut off.
func pastes(display, target string) []byte {
	ctx, cancel := context.WithTimeout(context.Background(), patience/3)
	defer cancel()
	got, err := xclip(ctx, display, "-o", "-t", target).Output()
	if err != nil {
		return nil // there is none
	}
	return got
}

func picturePNG(t *testing.T) []byte {
	t.Helper()
	p := image.NewRGBA(image.Rect(0, 0, 300, 300))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range p.Pix {
		p.Pix[i] = byte(r.Uint32())
	}
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestClipboardBothWays(t *testing.T) {
	far, d := viewFar(t, fusion.ViewOptions{})
	long := []byte(strings.Repeat("0123456789abcde\n", 1<<16)) // 1 MiB
	for _, c := range []struct {
		what, target string
		content      []byte
	}{
		{"text", "UTF8_STRING", []byte("köln · 屏幕")}, {"long text", "UTF8_STRING", long}, {"a picture", "image/png", picturePNG(t)},
	} {
		for _, way := range []struct{ name, from, to string }{{"to the viewer", far, d.name}, {"to the host", d.name, far}} {
			content := append([]byte(nil), c.content...)
			if way.to == far {
				content[len(content)-1] ^= 1 // what is there already must not pass for what comes
			}
			copies(t, way.from, c.target, content)
			began := time.Now()
			d.until(c.what+" "+way.name, func() bool { return bytes.Equal(pastes(way.to, c.target), content) })
			t.Logf("%s %s: %d bytes in %v", c.what, way.name, len(content), time.Since(began))
		}
	}
}

func TestClipboardStaysWithoutControlAndFocus(t *testing.T) {
	quiet := func(t *testing.T, far string, d *desk, ways ...[2]string) {
		for _, way := range ways {
			copies(t, way[0], "UTF8_STRING", []byte("secret"))
		}
		time.Sleep(time.Second) // nothing must come: there is no event to wait for
		for _, way := range ways {
			if got := pastes(way[1], "UTF8_STRING"); len(got) > 0 && !bytes.Equal(got, []byte("mine")) {
				t.Errorf("%q moved", got)
			}
		}
	}
	t.Run("view only", func(t *testing.T) {
		far, d := viewFar(t, fusion.ViewOptions{ViewOnly: true})
		quiet(t, far, d, [2]string{d.name, far})
		far, d = viewFar(t, fusion.ViewOptions{ViewOnly: true})
		quiet(t, far, d, [2]string{far, d.name})
	})
	t.Run("no focus", func(t *testing.T) {
		far, d := viewFar(t, fusion.ViewOptions{})
		outer, _ := d.waitWindow("far — nas")
		other := d.openWindow(image.Pt(100, 100))
		if err := other.show(); err != nil {
			t.Fatal(err)
		}
		defer waitClosed(other.conn)
		defer other.conn.Close()
		d.until("another window with the focus", func() bool { return d.focused() == other.outer })
		quiet(t, far, d, [2]string{d.name, far})
		other.destroy()
		if err := other.sync(); err != nil {
			t.Fatal(err)
		}
		d.until("the focus", func() bool { return d.focused() == outer })
		d.until("the clipboard on the way back into the view", func() bool { return string(pastes(far, "UTF8_STRING")) == "secret" })
	})
}

func TestHostThatNeverGivesCannotHangAPaste(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 320, 200, "mute")
	runView(t, d, pipe, Config{})
	s.paint(320, 200, 1)
	outer, _ := d.waitWindow("mute")
	d.until("the focus", func() bool { return d.focused() == outer })
	s.write(wire.ClipOffer{From: wire.HostSide, Serial: 1, Types: []string{wire.PlainText}})
	d.until("the offer", func() bool { return bytes.Contains(pastes(d.name, "TARGETS"), []byte("UTF8_STRING\n")) })
	began := time.Now()
	if got := pastes(d.name, "UTF8_STRING"); len(got) > 0 || time.Since(began) > 8*time.Second {
		t.Errorf("pasted %q after %v", got, time.Since(began))
	}
	began = time.Now()
	if got := pastes(d.name, "UTF8_STRING"); len(got) > 0 || time.Since(began) > time.Second {
		t.Errorf("again: %q after %v", got, time.Since(began))
	}
}
