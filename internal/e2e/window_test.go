//go:build e2e

package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// nativeWindow opens the guest's screen in a window of this desktop, compares
// its pixels with libvirt's screenshot, and types into it. What it gives types
// again and waits until the window shows it.
func nativeWindow(t *testing.T, a *node, guest string) (stillLive func()) {
	d := newDisplay(t)
	view := a.command("view", guest)
	view.Env = append(view.Env, "DISPLAY="+d.name)
	background(t, view)
	name := strings.TrimPrefix(guest, "cloud/")
	window := d.window(name)
	a.hither("machine", "pause", guest)
	a.waitState(guest, "paused")
	want := a.screenshot(guest)
	until(t, "the native window equals libvirt's screenshot", func() bool { return differ(d.picture(window), want) == 0 })
	t.Logf("native window %v: 0 pixels differ from libvirt's screenshot", want.Rect.Size())
	a.hither("machine", "resume", guest)
	a.waitState(guest, "running")

	d.must("xdotool", "windowfocus", "--sync", window)
	before := lit(d.picture(window))
	typeW(d)
	until(t, "keys typed in the native window show up in the guest", func() bool { return lit(a.screenshot(guest)) > before+60 })
	return func() {
		before := lit(d.picture(window))
		// What is typed before the view is open again is lost, as on a cable.
		until(t, "the native window went on by itself", func() bool {
			typeW(d)
			return lit(d.picture(window)) > before+60
		})
	}
}

func typeW(d *display) {
	d.t.Helper()
	d.must("xdotool", "key", "--clearmodifiers", "w", "w", "w", "w")
}

// TestApp launches a real app on one computer and uses its one window on the
// other.
func TestApp(t *testing.T) {
	for _, tc := range []struct {
		name string
		as   *account
	}{{"root", nil}, {"ordinary_user", ordinaryUser(t)}} {
		t.Run(tc.name, func(t *testing.T) { appStory(t, tc.as) })
	}
}

func appStory(t *testing.T, as *account) {
	a, b := newNode(t, "here", as), newNode(t, "cloud", as)
	a.libvirt, b.libvirt = "off", "off"
	a.start()
	b.start()
	pair(t, a, b)
	until(t, "a sees b", func() bool { return a.sees(b) })
	if list := a.hither("app", "ls", "cloud/self", "--json"); !strings.Contains(list, `"cloud/self/xcalc"`) {
		t.Fatalf("xcalc of the other computer is not listed: %s", list)
	}
	d := newDisplay(t)

	// Closing the window ends the app there.
	view := viewOf(t, a, d, "app", "run", "cloud/self", "xcalc")
	window := d.window("alculator")
	if list := a.hither("screen", "ls", "cloud/self", "--json"); !strings.Contains(list, `"xcalc"`) {
		t.Errorf("the running app is not among the screens: %s", list)
	}
	d.must("wmctrl", "-i", "-c", window)
	if err := view.Wait(); err != nil {
		t.Errorf("closing the window: %v", err)
	}
	until(t, "the app ended with its window", func() bool {
		return !strings.Contains(a.hither("screen", "ls", "cloud/self", "--json"), "xcalc")
	})

	// The app's own end closes the window here, with exit 0.
	view = viewOf(t, a, d, "app", "run", "cloud/self", "xterm")
	window = d.window("cloud")
	d.must("xdotool", "windowfocus", "--sync", window)
	d.must("xdotool", "type", "--delay", "30", "exit")
	d.must("xdotool", "key", "Return")
	if err := view.Wait(); err != nil {
		t.Errorf("the app's own end: %v", err)
	}
}

// viewOf runs a hither command that opens a window on a display.
func viewOf(t *testing.T, n *node, d *display, args ...string) *exec.Cmd {
	t.Helper()
	cmd := n.command(args...)
	cmd.Env = append(cmd.Env, "DISPLAY="+d.name)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it may have ended
	return cmd
}
