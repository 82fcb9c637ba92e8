//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// shownWindow is a window of an app as the page shows it, in CSS pixels.
type shownWindow struct {
	ID, Title     string
	Popup, Framed bool
	X, Y, W, H    float64
	Pixels        int // of its picture, across
}

// windows reads what the page shows of the chosen tab, from below to above.
func (b *browser) windows() []shownWindow {
	b.t.Helper()
	var all []shownWindow
	b.do("read the windows", chromedp.Evaluate(`[...document.querySelectorAll('[data-testid=window]')].map((w) => {
		const r = w.getBoundingClientRect();
		return { ID: w.dataset.window, Title: w.dataset.title, Popup: w.dataset.popup === 'true', Framed: w.querySelector('[data-testid=bar]') !== null,
			X: r.x, Y: r.y, W: r.width, H: r.height, Pixels: w.querySelector('canvas').width };
	})`, &all))
	return all
}

// tabs reads the titles of the tabs, the chosen one in brackets.
func (b *browser) tabs() string {
	b.t.Helper()
	var all string
	b.do("read the tabs", chromedp.Evaluate(
		`[...document.querySelectorAll('[role=tab]')].map((t) => t.ariaSelected === 'true' ? '[' + t.textContent.trim() + ']' : t.textContent.trim()).join(' ')`, &all))
	return all
}

// window waits for a window that fits.
func (b *browser) window(what string, fits func(shownWindow) bool) shownWindow {
	b.t.Helper()
	var found shownWindow
	until(b.t, what, func() bool {
		for _, w := range b.windows() {
			if w.Pixels > 0 && fits(w) {
				found = w
				return true
			}
		}
		return false
	})
	return found
}

func titled(part string) func(shownWindow) bool {
	return func(w shownWindow) bool { return strings.Contains(w.Title, part) }
}

func isPopup(w shownWindow) bool { return w.Popup }

// gone waits until no window fits.
func (b *browser) gone(what string, fits func(shownWindow) bool) {
	b.t.Helper()
	until(b.t, what, func() bool {
		for _, w := range b.windows() {
			if fits(w) {
				return false
			}
		}
		return true
	})
}

// compose writes a text as an input method does: what it thinks first, then what was meant.
func (b *browser) compose(thought, meant string) {
	b.t.Helper()
	n := int64(len(thought))
	b.do("compose "+meant, input.ImeSetComposition(thought, n, n), input.InsertText(meant))
}

// fingers puts fingers at places, or takes all away.
func (b *browser) fingers(kind input.TouchType, places ...shownWindow) {
	b.t.Helper()
	points := []*input.TouchPoint{}
	for i, p := range places {
		points = append(points, &input.TouchPoint{X: p.X, Y: p.Y, ID: float64(i)})
	}
	b.do("touch", input.DispatchTouchEvent(kind, points))
}

const (
	enterKey  = 13
	escapeKey = 27
)

// TestTabs uses a real app of another computer in the page: its windows are
// tabs, its menus and dialogs lie over them, and what an input method writes
// is what it saves.
func TestTabs(t *testing.T) {
	a, b := newNode(t, "here", nil), newNode(t, "cloud", nil)
	a.libvirt, b.libvirt = "off", "off"
	a.start()
	b.start()
	pair(t, a, b)
	until(t, "a sees b", func() bool { return a.sees(b) })
	web := chromium(t)
	web.open(a, "/apps/cloud")
	web.do("launch Mousepad", chromedp.Click(`[data-app="org.xfce.mousepad"]`, chromedp.ByQuery))
	web.do("live windows", chromedp.WaitReady(`[data-testid="windows"][data-state="live"][data-transport="webrtc"]`, chromedp.ByQuery))
	first := web.window("the app's window", titled("Mousepad"))

	menuOverItsParent(t, web)
	writesExactly(t, web)
	secondTab(t, web)
	touched(t, web)
	crispPixels(t, a, web)
	comesBack(t, a, b, web, first.ID)
}

// menuOverItsParent opens a menu by a click.
func menuOverItsParent(t *testing.T, web *browser) {
	// It is shown smaller until its app has followed, which is drawn in steps.
	var last shownWindow
	root := web.window("the window fills the page", func(w shownWindow) bool {
		rests := w == last && w.W == float64(w.Pixels)
		last = w
		return rests && w.Y > 100 && w.W > 900
	})
	at := shownWindow{X: root.X + 18, Y: root.Y + 12}
	web.do("click on File", chromedp.MouseClickXY(at.X, at.Y))
	menu := web.window("a menu", isPopup)
	if menu.Framed || menu.X < root.X || menu.X > at.X || menu.Y < at.Y || menu.Y > at.Y+30 || menu.W > root.W/2 {
		t.Errorf("the menu of the word at %v,%v is at %+v", at.X, at.Y, menu)
	}
	web.press("Escape", "Escape", escapeKey, 0)
	web.gone("the menu went", isPopup)
}

// writesExactly types by keys and by an input method, and saves it in a dialog.
func writesExactly(t *testing.T, web *browser) {
	file := filepath.Join(tempDir(t, nil), "text")
	root := web.windows()[0]
	web.do("click into the text", chromedp.MouseClickXY(root.X+root.W/2, root.Y+root.H/2))
	web.letter('a')
	web.compose("ni hao shi jie", "你好，世界 — é ß 😀")
	web.letter('b')
	ctrlS(web)
	web.window("the dialog is over its parent, and all of it in sight", func(w shownWindow) bool {
		root := web.windows()[0]
		return w.Framed && w.X >= root.X-1 && w.Y >= root.Y && w.X+w.W <= root.X+root.W+1 && w.Y+w.H <= root.Y+root.H+1
	})
	web.do("write the name", input.InsertText(file))
	var saved []byte
	until(t, "the text is saved", func() bool {
		web.press("Enter", "Enter", enterKey, 0) // one that comes while the dialog completes the name is lost
		time.Sleep(500 * time.Millisecond)       // between looks at a condition
		saved, _ = os.ReadFile(file)             // not there yet
		return len(saved) > 0
	})
	if want := "a你好，世界 — é ß 😀b"; strings.TrimSpace(string(saved)) != want {
		t.Errorf("saved %q, want %q", saved, want)
	}
	web.gone("the dialog went", func(w shownWindow) bool { return w.Framed })
}

// ctrlS presses Ctrl+S with both keys.
func ctrlS(web *browser) {
	ctrl := func(kind input.KeyType) chromedp.Action {
		return input.DispatchKeyEvent(kind).WithKey("Control").WithCode("ControlLeft").WithWindowsVirtualKeyCode(17)
	}
	web.do("ctrl down", ctrl(input.KeyDown))
	web.press("s", "KeyS", 83, input.ModifierCtrl)
	web.do("ctrl up", ctrl(input.KeyUp))
}

// secondTab opens another window of the app, chooses the first by the keyboard,
// and closes the second.
func secondTab(t *testing.T, web *browser) {
	ctrlN(web)
	until(t, "two tabs, the new one chosen", func() bool {
		tabs := web.tabs()
		return strings.Count(tabs, "Mousepad") == 2 && strings.HasSuffix(tabs, "]")
	})
	web.do("arrow key in the tabs", chromedp.Focus(`[role=tab][aria-selected=true]`, chromedp.ByQuery))
	web.press("ArrowLeft", "ArrowLeft", 37, 0)
	until(t, "the first tab is chosen", func() bool { return strings.HasPrefix(web.tabs(), "[") })
	web.window("the first tab shows its window", titled("text"))
	web.do("close the second", chromedp.Evaluate(`document.querySelectorAll('[data-testid=tab] button:not([role=tab])')[1].click()`, nil))
	until(t, "one tab is left", func() bool { return strings.Count(web.tabs(), "Mousepad") == 1 })
}

// ctrlN presses Shift+Ctrl+N, which opens a window in Mousepad.
func ctrlN(web *browser) {
	web.do("focus the app", chromedp.Focus(`[data-testid=typing]`, chromedp.ByQuery))
	for _, k := range []struct {
		key, code string
		virtual   int64
	}{{"Control", "ControlLeft", 17}, {"Shift", "ShiftLeft", 16}} {
		web.do("hold "+k.key, input.DispatchKeyEvent(input.KeyDown).WithKey(k.key).WithCode(k.code).WithWindowsVirtualKeyCode(k.virtual))
		defer web.do("let go of "+k.key, input.DispatchKeyEvent(input.KeyUp).WithKey(k.key).WithCode(k.code).WithWindowsVirtualKeyCode(k.virtual))
	}
	web.press("N", "KeyN", 78, input.ModifierCtrl|input.ModifierShift)
}

// touched taps with a finger on a phone's screen.
func touched(t *testing.T, web *browser) {
	web.do("a phone", emulation.SetDeviceMetricsOverride(390, 844, 3, true), emulation.SetTouchEmulationEnabled(true).WithMaxTouchPoints(5))
	root := web.window("the window is as narrow as the phone", func(w shownWindow) bool { return w.W < 390 && w.W > 300 && w.H > 400 })
	at := shownWindow{X: root.X + 14, Y: root.Y + 9}
	web.fingers(input.TouchStart, at)
	web.fingers(input.TouchEnd)
	menu := web.window("a tap opens a menu", isPopup)
	if menu.X > at.X || menu.Y < at.Y || menu.Y > at.Y+30 {
		t.Errorf("the menu of the word at %v,%v is at %+v", at.X, at.Y, menu)
	}
	until(t, "a tap beside it closes the menu", func() bool { // GTK closes none that opened within half a second
		web.fingers(input.TouchStart, shownWindow{X: root.X + root.W - 20, Y: root.Y + root.H - 20})
		web.fingers(input.TouchEnd)
		return !slices.ContainsFunc(web.windows(), isPopup)
	})
	web.do("no phone", emulation.SetTouchEmulationEnabled(false), emulation.ClearDeviceMetricsOverride())
}

// crispPixels compares what is on the glass with the pictures, on displays of
// several densities.
func crispPixels(t *testing.T, a *node, web *browser) {
	var path string
	web.do("where the page is", chromedp.Evaluate(`location.pathname`, &path))
	for _, c := range []struct {
		density float64
		side    int // device pixels of a source pixel
	}{{1, 1}, {1.5, 1}, {2, 2}} {
		web.do("a display", emulation.SetDeviceMetricsOverride(1280, 800, c.density, false))
		web.open(a, path) // a page hears of a display's change, but not of an emulated one's
		root := web.window("the window fills it", func(w shownWindow) bool {
			return w.W > 1000 && int(w.W*c.density+0.5) == w.Pixels*c.side
		})
		until(t, "the glass shows each pixel", func() bool {
			glass, picture := web.glass(), web.windowPicture(root.ID)
			corner := image.Pt(int(root.X*c.density+0.5), int(root.Y*c.density+0.5))
			return equalScaled(glass, corner, picture, c.side)
		})
		t.Logf("density %v: %v pixels are %d×%d device pixels each", c.density, root.Pixels, c.side, c.side)
	}
	web.do("the display as before", emulation.ClearDeviceMetricsOverride())
}

func (b *browser) shot() []byte {
	var shot []byte
	b.do("screenshot", chromedp.ActionFunc(func(ctx context.Context) (err error) {
		shot, err = page.CaptureScreenshot().WithFormat(page.CaptureScreenshotFormatPng).Do(ctx)
		return err
	}))
	return shot
}

// glass takes a picture of the page in device pixels.
func (b *browser) glass() *image.RGBA {
	b.t.Helper()
	m, err := png.Decode(bytes.NewReader(b.shot()))
	if err != nil {
		b.t.Fatal(err)
	}
	out := image.NewRGBA(m.Bounds())
	draw.Draw(out, out.Rect, m, m.Bounds().Min, draw.Src)
	return out
}

// windowPicture reads the canvas of a window.
func (b *browser) windowPicture(id string) *image.RGBA {
	b.t.Helper()
	var url string
	b.do("read a canvas", chromedp.Evaluate(`document.querySelector('[data-testid=window][data-window="`+id+`"] canvas').toDataURL()`, &url))
	data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(url, "data:image/png;base64,"))
	if err != nil {
		b.t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		b.t.Fatal(err)
	}
	out := image.NewRGBA(m.Bounds())
	draw.Draw(out, out.Rect, m, m.Bounds().Min, draw.Src)
	return out
}

// equalScaled says whether a picture is on the glass at a corner, each of its
// pixels side×side of the glass'.
func equalScaled(glass *image.RGBA, corner image.Point, picture *image.RGBA, side int) bool {
	for y := range picture.Rect.Dy() * side {
		for x := range picture.Rect.Dx() * side {
			if glass.RGBAAt(corner.X+x, corner.Y+y) != picture.RGBAAt(x/side, y/side) {
				return false
			}
		}
	}
	return true
}

// comesBack kills the app's node as a power cut does: the windows wait, and are
// the same ones when it is back.
func comesBack(t *testing.T, a, b *node, web *browser, id string) {
	until(t, "nothing is unsaved", func() bool { // an Enter too many is a line in the text, and closing would ask
		root := web.window("the window", titled("text"))
		if strings.HasPrefix(root.Title, "*") {
			web.do("focus the app", chromedp.Focus(`[data-testid=typing]`, chromedp.ByQuery))
			ctrlS(web)
		}
		return !strings.HasPrefix(root.Title, "*")
	})
	tabs := web.tabs()
	b.kill()
	web.do("the view is offline", chromedp.WaitReady(`[data-testid="windows"][data-state="offline"]`, chromedp.ByQuery))
	if now := web.tabs(); now != tabs {
		t.Errorf("offline there are the tabs %s, before %s", now, tabs)
	}
	b.start()
	web.do("the view is back", chromedp.WaitReady(`[data-testid="windows"][data-state="live"]`, chromedp.ByQuery))
	web.window("the window is back", titled("text"))
	until(t, "the tabs are back", func() bool { return web.tabs() == tabs })
	t.Logf("windows after the restart: %+v, at first %s", web.windows(), id)
	web.do("end the app's window", chromedp.Evaluate(`document.querySelector('[data-testid=tab] button:not([role=tab])').click()`, nil))
	until(t, "the app ended with its last window", func() bool {
		return !strings.Contains(a.hither("screen", "ls", "cloud/self", "--json"), "mousepad")
	})
}
