//go:build e2e

package remoteapp

import (
	"errors"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hither/fusion"
)

// entries makes a Store of programs of the test's own.
func entries(t *testing.T, lines map[string]string) *Store {
	t.Helper()
	dir := shortDir(t)
	data := filepath.Join(dir, "data", "applications")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, line := range lines {
		text := "[Desktop Entry]\nType=Application\nName=" + name + "\nExec=" + line + "\n"
		if err := os.WriteFile(filepath.Join(data, name+".desktop"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(t.Context(), Config{Dir: filepath.Join(dir, "s"), DataDirs: []string{filepath.Join(dir, "data")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

// seen reads an app's windows.
type seen struct {
	t       *testing.T
	w       *Windows
	display Display
	next    chan []Window
	now     []Window
}

func see(t *testing.T, s *Store, app string) (*seen, string) {
	t.Helper()
	screen, err := s.Run(t.Context(), fusion.Self, app, nil)
	if err != nil {
		t.Fatal(err, fusion.Hint(err))
	}
	return seeAgain(t, s, screen.Name), screen.Name
}

func seeAgain(t *testing.T, s *Store, screen string) *seen {
	t.Helper()
	w, err := s.Windows(t.Context(), screen)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Desk(1600, 1000); err != nil {
		t.Fatal(err)
	}
	d, err := s.Display(screen)
	if err != nil {
		t.Fatal(err)
	}
	v := &seen{t: t, w: w, display: d, next: make(chan []Window)}
	stop := make(chan struct{})
	go func() {
		defer close(v.next)
		for {
			all, err := w.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					t.Error(err)
				}
				return
			}
			select {
			case v.next <- all:
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		w.Close()
		for range v.next {
		}
	})
	return v
}

func (v *seen) until(what string, is func() bool) {
	v.t.Helper()
	deadline := time.After(patience)
	for !is() {
		select {
		case all, ok := <-v.next:
			if !ok {
				v.t.Fatalf("%s: the windows ended", what)
			}
			v.now = all
			for _, w := range all {
				w.Icon = ""
				v.t.Logf("%+v", w)
			}
		case <-deadline:
			v.t.Fatalf("not in time: %s", what)
		}
	}
}

// which gives the first window that is so.
func (v *seen) which(is func(Window) bool) *Window {
	for i := range v.now {
		if is(v.now[i]) {
			return &v.now[i]
		}
	}
	return nil
}

func (v *seen) do(name string, args ...string) {
	v.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+v.display.Name, "XAUTHORITY="+v.display.Xauthority)
	if out, err := cmd.CombinedOutput(); err != nil {
		v.t.Fatalf("%v: %v %s", cmd.Args, err, out)
	}
}

func titled(text string) func(Window) bool {
	return func(w Window) bool { return strings.Contains(w.Title, text) }
}

// whole is all that makes a stand.
var whole = Stand{true, true, true, true}

func TestWindowsOfAnEditor(t *testing.T) {
	t.Setenv("HOME", t.TempDir()) // what the editor remembers
	s := entries(t, map[string]string{"mousepad": "mousepad --disable-server"})
	v, screen := see(t, s, "mousepad")
	var main Window
	v.until("the main window, in the middle", func() bool {
		if w := v.which(titled("Mousepad")); w != nil {
			main = *w
		}
		return main.Active && !main.Popup && !main.Dialog && !main.Maximised && main.Area.Dx() < 1500 &&
			(main.Area.Min.X+main.Area.Max.X)/2 == 800
	})
	if main.Icon == "" {
		t.Error("no icon")
	}
	v.do("xdotool", "key", "alt+f")
	var menu Window
	v.until("its menu", func() bool {
		if w := v.which(func(w Window) bool { return w.Popup }); w != nil {
			menu = *w
		}
		return menu.ID != 0
	})
	if menu.Parent != main.ID || !menu.Area.In(main.Area.Inset(-600)) || menu.Area.Min.X != main.Area.Min.X {
		t.Errorf("menu %+v of %+v", menu, main)
	}
	v.do("xdotool", "key", "Escape")
	v.until("the menu goes", func() bool { return v.which(func(w Window) bool { return w.Popup }) == nil })
	v.do("xdotool", "key", "ctrl+o")
	var dialog Window
	v.until("a dialog", func() bool {
		if w := v.which(titled("Open")); w != nil {
			dialog = *w
		}
		return dialog.Active
	})
	if !dialog.Modal || !dialog.Dialog || dialog.Parent != main.ID || dialog.Popup {
		t.Errorf("dialog %+v", dialog)
	}
	if err := v.w.Shut(dialog.ID); err != nil {
		t.Fatal(err)
	}
	v.until("the dialog goes", func() bool { return v.which(titled("Open")) == nil })
	to := image.Rect(100, 120, 800, 620)
	if err := v.w.Place(main.ID, to); err != nil {
		t.Fatal(err)
	}
	is := func(is func(w Window) bool) func() bool {
		return func() bool { w := v.which(titled("Mousepad")); return w != nil && is(*w) }
	}
	v.until("it is there", is(func(w Window) bool { return w.Area == to }))
	for name, c := range map[string]struct {
		to Stand
		is func(w Window) bool
	}{
		"maximised":   {Stand{Maximised: true, Active: true}, func(w Window) bool { return w.Maximised && w.Area == image.Rect(0, 0, 1600, 1000) }},
		"full screen": {Stand{FullScreen: true, Active: true}, func(w Window) bool { return w.FullScreen && w.Area == image.Rect(0, 0, 1600, 1000) }},
		"minimised":   {Stand{Minimised: true}, func(w Window) bool { return w.Minimised && !w.Active }},
	} {
		if err := v.w.Stand(main.ID, c.to, whole); err != nil {
			t.Fatal(err)
		}
		v.until(name, is(c.is))
		if err := v.w.Stand(main.ID, Stand{Active: true}, whole); err != nil {
			t.Fatal(err)
		}
		v.until("after "+name, is(func(w Window) bool { return w.Stand == Stand{Active: true} && w.Area == to }))
	}
	again := seeAgain(t, s, screen)
	again.until("where it was", func() bool { w := again.which(titled("Mousepad")); return w != nil && w.Area == to })
	for _, id := range []uint32{0, 4711, 1 << 31} { // none has these
		if err := errors.Join(v.w.Place(id, to), v.w.Stand(id, Stand{Maximised: true}, whole), v.w.Shut(id)); err != nil {
			t.Error(err)
		}
	}
	if err := v.w.Shut(main.ID); err != nil {
		t.Fatal(err)
	}
	until(t, "the app ended with its last window", func() bool { return len(s.Screens()) == 0 })
}

// TestWindowsStayApart: a restarted node finds the windows where they were.
func TestWindowsStayApart(t *testing.T) {
	dir := shortDir(t)
	s := open(t, dir)
	v, screen := see(t, s, "xcalc")
	to := image.Rect(300, 200, 600, 620)
	var calc *Window
	v.until("a calculator", func() bool { calc = v.which(titled("Calculator")); return calc != nil })
	if err := v.w.Place(calc.ID, to); err != nil {
		t.Fatal(err)
	}
	there := func(v *seen) func() bool {
		return func() bool { w := v.which(titled("Calculator")); return w != nil && w.Area.Min == to.Min }
	}
	v.until("it is placed", there(v))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer shut(t, s)
	v = seeAgain(t, s, screen)
	v.until("it is there again", there(v))
}

// TestAPlacedWindowKeepsItsSizeWithAnotherShadow: browsers drop their shadow
// while they are maximised, and have it again a moment after.
func TestAPlacedWindowKeepsItsSizeWithAnotherShadow(t *testing.T) {
	s := entries(t, map[string]string{"xclock": "xclock"})
	v, _ := see(t, s, "xclock")
	var clock *Window
	is := func(area image.Rectangle) func() bool {
		return func() bool { clock = v.which(titled("xclock")); return clock != nil && clock.Area == area }
	}
	v.until("a clock", func() bool { clock = v.which(titled("xclock")); return clock != nil })
	id := clock.ID
	to := image.Rect(300, 200, 600, 500)
	if err := v.w.Place(id, to); err != nil {
		t.Fatal(err)
	}
	v.until("it is placed", is(to))
	v.do("xprop", "-name", "xclock", "-f", "_GTK_FRAME_EXTENTS", "32c", "-set", "_GTK_FRAME_EXTENTS", "10, 20, 30, 40")
	v.until("as large as before, and known for its own decorations", func() bool { return is(to)() && clock.SelfDecorated })
	v.do("xprop", "-name", "xclock", "-remove", "_GTK_FRAME_EXTENTS")
	v.until("an ordinary window", func() bool { clock = v.which(titled("xclock")); return clock != nil && !clock.SelfDecorated })
	v.do("xprop", "-name", "xclock", "-f", "_MOTIF_WM_HINTS", "32c", "-set", "_MOTIF_WM_HINTS", "2, 0, 0, 0, 0")
	v.until("one without decorations", func() bool { clock = v.which(titled("xclock")); return clock != nil && clock.SelfDecorated })
}
