//go:build e2e

package app

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
	"hither/remoteapp"
)

// seenWindow is what a viewer has of a window.
type seenWindow struct {
	wire.Window
	icon   bool
	frames wire.Assembler
	d      codec.Decoder
}

// viewer shows an app's windows as a native viewer would. Its reader ends with
// the view.
type viewer struct {
	t       *testing.T
	display remoteapp.Display
	pipe    fusion.Pipe
	writing sync.Mutex // held over messages that belong together
	ended   chan struct{}

	mu     sync.Mutex // guards the fields below, and the windows
	heard  chan struct{}
	hello  wire.Hello
	on     uint32
	all    map[uint32]*seenWindow
	clip   clipped
	closed bool
	err    error
}

func runApp(t *testing.T, n *Node, app string) string {
	t.Helper()
	screen, err := n.apps.Run(t.Context(), fusion.Self, app, nil)
	if err != nil {
		t.Fatalf("%v (%s)", err, fusion.Hint(err))
	}
	return screen.Name
}

func view(t *testing.T, n *Node, screen string) *viewer {
	t.Helper()
	pipe, err := n.screens.Open(t.Context(), screen, fusion.ViewOptions{Windows: true})
	if err != nil {
		t.Fatal(err)
	}
	display, err := n.apps.Display(screen)
	if err != nil {
		t.Fatal(err)
	}
	v := &viewer{t: t, display: display, pipe: pipe, all: map[uint32]*seenWindow{}, ended: make(chan struct{}), heard: make(chan struct{}, 1)}
	go v.read()
	t.Cleanup(v.leave)
	v.say(wire.Desk{Width: 1600, Height: 1000})
	return v
}

// leave loses the connection.
func (v *viewer) leave() {
	v.pipe.Close()
	<-v.ended
}

func (v *viewer) say(messages ...wire.Message) {
	v.writing.Lock()
	defer v.writing.Unlock()
	for _, m := range messages {
		if err := v.pipe.Write(m.Append(nil)); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			v.t.Error(err)
		}
	}
}

func (v *viewer) read() {
	defer close(v.ended)
	for {
		b, err := v.pipe.Read()
		if err == nil {
			err = v.hear(b)
		}
		select {
		case v.heard <- struct{}{}:
		default:
		}
		if err != nil {
			v.mu.Lock()
			v.err = err
			v.mu.Unlock()
			return
		}
	}
}

// until waits until something is so; it is asked again after each message and
// from time to time, as other programs tell nothing.
func (v *viewer) until(what string, is func() bool) {
	v.t.Helper()
	end := time.After(patience)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		v.mu.Lock()
		ok, err := is(), v.err
		v.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-v.heard:
		case <-tick.C:
		case <-end:
			v.t.Fatalf("not in time: %s (%v); %s", what, err, v.listed())
		}
	}
}

func (v *viewer) listed() (text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, w := range v.all {
		text += fmt.Sprintf("%+v ", w.Window)
	}
	return text
}

// hear takes one message.
func (v *viewer) hear(b []byte) error {
	m, err := wire.ParseHost(b)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	switch m := m.(type) {
	case wire.Hello:
		v.hello = m
	case wire.Window:
		if v.all[m.ID] == nil {
			v.all[m.ID] = &seenWindow{}
		}
		v.all[m.ID].Window = m
	case wire.Icon:
		v.all[m.Window].icon = true
	case wire.Gone:
		delete(v.all, m.Window)
	case wire.On:
		v.on = m.Window
	case wire.Closed:
		v.closed = true
	case wire.FramePart:
		return v.part(m)
	default:
		v.hearClip(m)
	}
	return nil
}

func (v *viewer) part(p wire.FramePart) error {
	w := v.all[v.on]
	frame, err := w.frames.Add(p)
	if err == nil && frame != nil {
		_, err = w.d.Decode(frame)
		v.say(wire.Over{Window: v.on}, wire.Ack{Seq: p.Seq})
	}
	return err
}

// which gives a window that is so, or nil.
func (v *viewer) which(is func(w *seenWindow) bool) *seenWindow {
	for _, w := range v.all {
		if is(w) {
			return w
		}
	}
	return nil
}

func titled(text string) func(w *seenWindow) bool {
	return func(w *seenWindow) bool { return strings.Contains(w.Title, text) }
}

func is(flag wire.WindowFlags) func(w *seenWindow) bool {
	return func(w *seenWindow) bool { return w.Flags&flag != 0 }
}

// await waits for a window that is so and has a picture of its size.
func (v *viewer) await(what string, is func(w *seenWindow) bool) *seenWindow {
	v.t.Helper()
	var found *seenWindow
	v.until(what, func() bool {
		found = v.which(is)
		if found == nil || found.d.Picture() == nil {
			return false
		}
		p := found.d.Picture()
		return p.Width == int(found.Width) && p.Height == int(found.Height)
	})
	return found
}

// now gives what a window is, outside of until.
func (v *viewer) now(w *seenWindow) wire.Window {
	v.mu.Lock()
	defer v.mu.Unlock()
	return w.Window
}

// tool runs a program on the app's display.
func (v *viewer) tool(name string, args ...string) []byte {
	v.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+v.display.Name, "XAUTHORITY="+v.display.Xauthority)
	out, err := cmd.Output()
	if err != nil {
		v.t.Fatalf("%v: %v", cmd.Args, err)
	}
	return out
}

// truth gives a window's own pixels as R, G, B, seen by another program.
func (v *viewer) truth(title string) []byte {
	v.t.Helper()
	id := ""
	for line := range strings.Lines(string(v.tool("wmctrl", "-l"))) {
		if strings.HasSuffix(strings.TrimSpace(line), " "+title) {
			id, _, _ = strings.Cut(line, " ")
		}
	}
	dump := v.tool("xwd", "-silent", "-id", id)
	cmd := exec.Command("convert", "xwd:-", "-depth", "8", "rgb:-")
	cmd.Stdin = bytes.NewReader(dump)
	out, err := cmd.Output()
	if err != nil {
		v.t.Fatal(err)
	}
	return out
}

// exact waits until a window's picture is its own bit for bit.
func (v *viewer) exact(w *seenWindow) {
	v.t.Helper()
	for end := time.Now().Add(patience); ; {
		v.mu.Lock()
		title, seen := w.Title, rgb(w.d.Picture())
		v.mu.Unlock()
		if bytes.Equal(seen, v.truth(title)) {
			return
		}
		if time.Now().After(end) {
			v.t.Fatalf("%q is not exact", title)
		}
	}
}

func rgb(p *codec.Picture) []byte {
	out := make([]byte, 0, p.Width*p.Height*3)
	for y := range p.Height {
		row := p.Pix[y*p.Stride:]
		for x := range p.Width {
			out = append(out, row[x*4+2], row[x*4+1], row[x*4])
		}
	}
	return out
}

func colours(p *codec.Picture) int {
	count := map[[3]byte]bool{}
	for i := 0; i+4 <= len(p.Pix); i += 4 {
		count[[3]byte(p.Pix[i:])] = true
	}
	return len(count)
}

func area(w wire.Window) image.Rectangle {
	corner := image.Pt(int(w.X), int(w.Y))
	return image.Rectangle{Min: corner, Max: corner.Add(image.Pt(int(w.Width), int(w.Height)))}
}

func click(id uint32, x, y int) []wire.Message {
	return []wire.Message{wire.Over{Window: id}, wire.Pointer{X: uint16(x), Y: uint16(y)},
		wire.Button{Button: wire.LeftButton, Down: true}, wire.Button{Button: wire.LeftButton}}
}

func press(id uint32, codes ...uint16) (all []wire.Message) {
	all = append(all, wire.Over{Window: id})
	for _, code := range codes {
		all = append(all, wire.Key{Code: code, Down: true})
	}
	for _, code := range codes {
		all = append(all, wire.Key{Code: code})
	}
	return all
}

const (
	keyO, keyCtrl, keyShift, keySlash = 24, 29, 42, 53
)

// TestWindowsOfAnApp is the story of an editor with menus and dialogs.
func TestWindowsOfAnApp(t *testing.T) {
	t.Setenv("DISPLAY", "")
	t.Setenv("HOME", t.TempDir()) // what programs remember
	n := startNode(t, "here")
	screen := runApp(t, n, "org.xfce.mousepad")
	v := view(t, n, screen)
	main := v.await("the editor", titled("Mousepad"))
	v.until("a hello that says windows", func() bool { return v.hello.Windows && v.hello.Title != "" })
	if at := v.now(main); at.Flags != wire.Active || at.Parent != 0 || at.MinWidth == 0 || int(at.X)+int(at.Width)/2 != 800 {
		t.Errorf("%+v", at)
	}
	v.exact(main)
	v.until("its icon", func() bool { return main.icon })

	v.say(click(v.now(main).ID, 20, 12)...)
	menu := v.await("its menu", is(wire.Popup))
	if m, of := v.now(menu), v.now(main); m.Parent != of.ID || m.X != of.X || !area(m).Overlaps(area(of)) {
		t.Errorf("menu %+v of %+v", m, of)
	}
	v.exact(main)            // covered by the menu
	v.say(click(0, 0, 0)...) // beside all windows
	v.until("the menu goes", func() bool { return v.which(is(wire.Popup)) == nil })

	v.say(press(v.now(main).ID, keyCtrl, keyO)...)
	dialog := v.await("a dialog", titled("Open"))
	id := v.now(main).ID
	if d, want := v.now(dialog), wire.Modal|wire.Dialog; d.Flags&want != want || d.Parent != id {
		t.Errorf("%+v", d)
	}
	v.exact(main) // covered by the dialog
	v.exact(dialog)
	v.say(wire.Shut{Window: v.now(dialog).ID})
	v.until("the dialog goes", func() bool { return v.which(titled("Open")) == nil })

	to := image.Rect(-40, 700, 660, 1150) // partly off the desktop
	v.say(wire.Place{Window: v.now(main).ID, X: -40, Y: 700, Width: 700, Height: 450})
	v.until("it is placed", func() bool { return area(main.Window) == to && main.d.Picture().Width == 700 })
	v.say(wire.Place{Window: v.now(main).ID, X: 50, Y: 60, Width: 700, Height: 450})
	to = image.Rect(50, 60, 750, 510)
	v.until("it is back", func() bool { return area(main.Window) == to })
	v.exact(main)

	// The connection is lost; the app lives on.
	v.leave()
	v = view(t, n, screen)
	main = v.await("the editor again", titled("Mousepad"))
	if at := area(v.now(main)); at != to {
		t.Errorf("%v, want %v", at, to)
	}
	v.exact(main)
	v.say(wire.State{Window: v.now(main).ID, Flags: wire.Maximized | wire.Maximized<<8})
	v.until("it is maximised", func() bool {
		return main.Flags&wire.Maximized != 0 && area(main.Window) == image.Rect(0, 0, 1600, 1000)
	})
	v.exact(main)
	v.say(wire.Shut{Window: v.now(main).ID})
	v.until("the end", func() bool { return v.closed && errors.Is(v.err, io.EOF) })
}

// TestWindowsOfGTK4: popovers are windows there.
func TestWindowsOfGTK4(t *testing.T) {
	t.Setenv("DISPLAY", "")
	t.Setenv("HOME", t.TempDir()) // what programs remember
	n := startNode(t, "here")
	v := view(t, n, runApp(t, n, "org.gtk.WidgetFactory4"))
	main := v.await("the window", titled("Widget Factory"))
	v.until("it is drawn", func() bool { return colours(main.d.Picture()) > 100 })
	v.say(click(v.now(main).ID, int(v.now(main).Width)-155, 27)...) // its menu button
	menu := v.await("its menu", is(wire.Popup))
	if m, of := v.now(menu), v.now(main); m.Parent != of.ID || !area(m).Overlaps(area(of)) {
		t.Errorf("menu %+v of %+v", m, of)
	}
	v.say(wire.Bye{})
	v.until("the end", func() bool { return v.closed })
}

// TestWindowsSideBySide: two windows of one terminal's display that cover each
// other, each with its own pixels and keys.
func TestWindowsSideBySide(t *testing.T) {
	t.Setenv("DISPLAY", "")
	t.Setenv("HOME", t.TempDir()) // what programs remember
	n := startNode(t, "here")
	v := view(t, n, runApp(t, n, "debian-xterm"))
	v.await("the first", is(wire.Active))
	first := v.await("the first", func(*seenWindow) bool { return true })
	cmd := exec.Command("xterm", "-T", "second", "-bg", "navy", "-fg", "white", "-geometry", "120x50+0+0")
	cmd.Env = append(os.Environ(), "DISPLAY="+v.display.Name, "XAUTHORITY="+v.display.Xauthority)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	second := v.await("the second", titled("second"))
	v.say(wire.Place{Window: v.now(second).ID, X: v.now(first).X - 20, Y: v.now(first).Y - 20, Width: v.now(second).Width, Height: v.now(second).Height})
	v.until("it covers the first", func() bool { return area(first.Window).In(area(second.Window)) })
	var before []byte
	v.until("its picture", func() bool { before = rgb(first.d.Picture()); return true })
	v.say(press(v.now(first).ID, keyShift, keySlash)...)
	v.until("a key goes to the covered one", func() bool {
		return !bytes.Equal(before, rgb(first.d.Picture()))
	})
	v.exact(second)
	v.say(wire.Over{Window: v.now(first).ID}, wire.Pointer{X: 9, Y: 8})
	where := fmt.Sprintf("x:%d y:%d ", int(v.now(first).X)+9, int(v.now(first).Y)+8)
	v.until("the pointer is there", func() bool { return strings.HasPrefix(string(v.tool("xdotool", "getmouselocation")), where) })
	v.say(wire.State{Window: v.now(second).ID, Flags: wire.Active})
	v.until("the second is active", func() bool { return is(wire.Active)(second) && !is(wire.Active)(first) })
}
