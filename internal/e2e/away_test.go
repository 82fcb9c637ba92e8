//go:build linux && e2e

package e2e

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"hither/internal/path"
	"hither/internal/xserver"
)

// TestScreenGoesOnAfterThePathWasAway cuts the path under an open window for
// half a minute: it stays open, and is live by itself soon after the path is
// back.
func TestScreenGoesOnAfterThePathWasAway(t *testing.T) {
	shape := path.Shape{Delay: 20 * time.Millisecond}
	p, err := path.Open(path.Config{Shape: shape, Congestion: "cubic"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	server := xserver.Start(t, "-screen", "0", "640x480x24", "-ac")
	film := xserver.NewFilm(t, server.Display, 128, 96)
	t.Cleanup(film.Play(40 * time.Millisecond))
	a, b := newNode(t, "here", nil), newNode(t, "cloud", nil)
	a.libvirt, b.libvirt, b.display = "off", "off", server.Display
	a.within, b.within = p.Near.Start, p.Far.Start
	a.start("--listen", p.Near.Addr.String()+":0")
	b.start("--listen", p.Far.Addr.String()+":0")
	pair(t, a, b)
	until(t, "both see the other online", func() bool { return a.sees(b) && b.sees(a) })
	d := newDisplay(t)
	view := a.command("view", "cloud/self")
	view.Env = append(view.Env, "DISPLAY="+d.name)
	background(t, view)
	spot := d.spot(d.window("cloud"), 32, 32)
	until(t, "the window is live", spot.live)

	p.Set(path.Shape{Loss: 1})
	until(t, "here misses cloud", func() bool { return !a.sees(b) })
	const away = 30 * time.Second // what is promised
	time.Sleep(away)
	if spot.live() {
		t.Error("the window moves without a path")
	}
	p.Set(shape)
	back := time.Now()
	until(t, "the window is live again", spot.live)
	t.Logf("live again %v after the path was back", time.Since(back).Round(time.Millisecond))
}

// spot is a pixel of a window.
type spot struct {
	d    *display
	conn *xgb.Conn
	x, y int16
}

// spot finds a pixel of a mirrored window's picture.
func (d *display) spot(window string, x, y int) *spot {
	d.t.Helper()
	conn, err := xgb.NewConnDisplay(d.name)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(conn.Close)
	s := &spot{d: d, conn: conn}
	for _, line := range strings.Split(d.must("xdotool", "getwindowgeometry", "--shell", window), "\n") {
		name, value, _ := strings.Cut(line, "=")
		n, _ := strconv.Atoi(value) // those that are no numbers are not looked at
		switch name {
		case "X":
			s.x = int16(n + frame + x)
		case "Y":
			s.y = int16(n + frame + y)
		}
	}
	return s
}

// live says whether the pixel changes twice within a moment.
func (s *spot) live() bool {
	s.d.t.Helper()
	seen := map[byte]bool{}
	for began := time.Now(); time.Since(began) < 500*time.Millisecond; {
		root := xproto.Setup(s.conn).DefaultScreen(s.conn).Root
		reply, err := xproto.GetImage(s.conn, xproto.ImageFormatZPixmap, xproto.Drawable(root), s.x, s.y, 1, 1, 0xffffffff).Reply()
		if err != nil {
			s.d.t.Fatal(err)
		}
		if seen[reply.Data[0]] = true; len(seen) > 2 {
			return true
		}
	}
	return false
}
