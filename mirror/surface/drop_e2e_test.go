//go:build e2e && linux

package surface

import (
	"errors"
	"fmt"
	"image"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"hither/fusion"
	"hither/mirror/files"
	"hither/mirror/wire"
)

// dragger is a program that drags files, as a file manager does.
type dragger struct {
	*desk
	conn   *xgb.Conn
	window xproto.Window
	events chan xgb.Event
	list   []byte
}

func newDragger(d *desk, paths ...string) *dragger {
	d.t.Helper()
	conn, err := xgb.NewConnDisplay(d.name)
	if err != nil {
		d.t.Fatal(err)
	}
	g := &dragger{desk: d, conn: conn, events: make(chan xgb.Event, 100), list: files.URIs(paths)}
	if g.window, err = xproto.NewWindowId(conn); err != nil {
		d.t.Fatal(err)
	}
	err = errors.Join(
		xproto.CreateWindowChecked(conn, 0, g.window, d.root, -1, -1, 1, 1, 0, xproto.WindowClassInputOnly, 0, 0, nil).Check(),
		xproto.SetSelectionOwnerChecked(conn, g.window, d.atom("XdndSelection"), 0).Check())
	if err != nil {
		d.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e, xerr := conn.WaitForEvent(); e != nil || xerr != nil; e, xerr = conn.WaitForEvent() {
			g.events <- e
		}
	}()
	d.t.Cleanup(func() { conn.Close(); <-done })
	return g
}

func (g *dragger) say(to xproto.Window, kind string, data ...uint32) {
	g.t.Helper()
	values := append([]uint32{uint32(g.window)}, append(data, 0, 0, 0, 0)[:4]...)
	e := xproto.ClientMessageEvent{Format: 32, Window: to, Type: g.atom(kind), Data: xproto.ClientMessageDataUnionData32New(values)}
	if err := xproto.SendEventChecked(g.conn, false, to, 0, string(e.Bytes())).Check(); err != nil {
		g.t.Fatal(err)
	}
}

// answer waits for a message of the window, and gives files that it asks for.
func (g *dragger) answer(kind string) []uint32 {
	g.t.Helper()
	for timer := time.After(patience); ; {
		select {
		case e := <-g.events:
			switch e := e.(type) {
			case xproto.SelectionRequestEvent:
				g.give(e)
			case xproto.ClientMessageEvent:
				if e.Type == g.atom(kind) {
					return e.Data.Data32
				}
			}
		case <-timer:
			g.t.Fatalf("no %s", kind)
		}
	}
}

func (g *dragger) give(e xproto.SelectionRequestEvent) {
	xproto.ChangeProperty(g.conn, xproto.PropModeReplace, e.Requestor, e.Property, e.Target, 8, uint32(len(g.list)), g.list)
	n := xproto.SelectionNotifyEvent{Time: e.Time, Requestor: e.Requestor, Selection: e.Selection, Target: e.Target, Property: e.Property}
	xproto.SendEvent(g.conn, false, e.Requestor, 0, string(n.Bytes()))
}

// drag moves over a place of a window; it says whether a drop would be taken.
func (g *dragger) drag(outer, area xproto.Window, at image.Point) bool {
	g.t.Helper()
	corner := g.place(area).Add(at)
	g.say(outer, "XdndEnter", xdndVersion<<24, uint32(g.atom("text/uri-list")))
	g.say(outer, "XdndPosition", 0, uint32(corner.X)<<16|uint32(corner.Y), 0, uint32(g.atom("XdndActionCopy")))
	return g.answer("XdndStatus")[1]&1 != 0
}

// drop drops onto a window that was dragged over.
func (g *dragger) drop(outer xproto.Window) bool {
	g.t.Helper()
	g.say(outer, "XdndDrop")
	return g.answer("XdndFinished")[1]&1 != 0
}

func TestDropOntoAView(t *testing.T) {
	b := viewFiles(t, fusion.ViewOptions{})
	dir := t.TempDir()
	create(t, filepath.Join(dir, "a.txt"), 100)
	for n := range 20 {
		create(t, filepath.Join(dir, "d", fmt.Sprint(n)), 1<<16)
	}
	g := newDragger(b.desk, filepath.Join(dir, "a.txt"), filepath.Join(dir, "d"))
	for n, want := range [][]string{{"a.txt", "d"}, {"a (2).txt", "d (2)"}} {
		if !g.drag(b.outer, b.area, image.Pt(100, 50)) || !g.drop(b.outer) {
			t.Fatal("the drop was not taken")
		}
		b.until("the files in the host's clipboard", func() bool {
			paths := files.Paths(pastes(b.far, "text/uri-list"))
			return slices.EqualFunc(paths, want, func(path, name string) bool { return path == filepath.Join(b.down, name) })
		})
		if n == 0 && !maps.Equal(sums(t, dir), sums(t, b.down)) {
			t.Error("not the same arrived")
		}
	}
	b.until("the note", func() bool { return b.labels(b.area) == 1 })
	if left, err := os.ReadDir(b.down); err != nil || len(left) != 4 {
		t.Errorf("%v, %v", left, err)
	}
	if got := pastes(b.name, "TARGETS"); len(got) > 0 {
		t.Errorf("the drop came back as %q", got)
	}
}

func TestDropIsNotTaken(t *testing.T) {
	dir := t.TempDir()
	create(t, filepath.Join(dir, "a"), 9)
	t.Run("view only", func(t *testing.T) {
		b := viewFiles(t, fusion.ViewOptions{ViewOnly: true})
		if g := newDragger(b.desk, filepath.Join(dir, "a")); g.drag(b.outer, b.area, image.Pt(9, 9)) || g.drop(b.outer) {
			t.Error("a view that only looks takes files")
		}
	})
	t.Run("without the grant", func(t *testing.T) {
		b := viewFiles(t, fusion.ViewOptions{NoDrops: true})
		g := newDragger(b.desk, filepath.Join(dir, "a"))
		if !g.drag(b.outer, b.area, image.Pt(9, 9)) || !g.drop(b.outer) {
			t.Fatal("the window does not ask the host")
		}
		b.until("the note", func() bool { return b.labels(b.area) == 1 })
		if !empty(t, b.down) {
			t.Error("the host took it")
		}
	})
	t.Run("not files", func(t *testing.T) {
		d := newDesk(t)
		s, pipe := newSource(t, 320, 200, "text")
		runView(t, d, pipe, Config{})
		s.paint(320, 200, 1)
		outer, area := d.waitWindow("text")
		g := newDragger(d)
		g.list = []byte("http://example.org/\r\n")
		if !g.drag(outer, area, image.Pt(9, 9)) || g.drop(outer) {
			t.Error("a link was taken for a file")
		}
		for len(s.messages) > 0 {
			if _, is := (<-s.messages).(wire.FileDrop); is {
				t.Error("it was sent")
			}
		}
	})
}
