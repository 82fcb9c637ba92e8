//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/draw"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"hither/internal/xserver"
)

// TestMonitors sees the monitors of another computer one by one, in windows and
// in the page.
func TestMonitors(t *testing.T) {
	there := &display{t: t, name: xserver.Start(t, "-screen", "0", "1240x640x24").Display}
	monitors := map[string]image.Rectangle{"LEFT": image.Rect(0, 0, 640, 640), "RIGHT": image.Rect(640, 80, 1240, 580)}
	there.monitor("LEFT", monitors["LEFT"], "screen")
	there.monitor("RIGHT", monitors["RIGHT"], "none")
	typed := filepath.Join(tempDir(t, nil), "typed")
	for _, args := range [][]string{
		{"xterm", "-geometry", "60x20+20+20", "-e", "sh", "-c", "ls -l /usr/bin; exec sleep 600"},
		{"xterm", "-geometry", "60x20+700+120", "-e", "sh", "-c", "ls /usr/share; exec cat > " + typed},
		{"xeyes", "-geometry", "200x100+560+400"}, // on both
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "DISPLAY="+there.name)
		background(t, cmd)
	}
	a, b := newNode(t, "here", nil), newNode(t, "cloud", nil)
	a.libvirt, b.libvirt, b.display = "off", "off", there.name
	a.start()
	b.start()
	pair(t, a, b)
	until(t, "a sees b", func() bool { return a.sees(b) })

	var screens []struct {
		Address, Kind, Title string
		Width, Height        int
	}
	if err := json.Unmarshal([]byte(a.hither("screen", "ls", "cloud/self", "--json")), &screens); err != nil {
		t.Fatal(err)
	}
	want := "[{cloud/self monitor cloud 0 0} {cloud/self/LEFT monitor LEFT, 640×640 640 640} {cloud/self/RIGHT monitor RIGHT, 600×500 600 500}]"
	if got := fmt.Sprint(screens); got != want {
		t.Errorf("screens %s", got)
	}
	a.refused(3, "not found", "view", "cloud/self/HDMI-9")

	d := newDisplay(t)
	var said bytes.Buffer
	view := a.command("view", "cloud/self/RIGHT")
	view.Env, view.Stderr = append(view.Env, "DISPLAY="+d.name), &said
	if err := view.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = view.Process.Kill() }) // it may have ended
	right := d.window("RIGHT")
	background(t, withDisplay(a.command("view", "cloud/self/LEFT"), d))
	left := d.window("LEFT")
	equal := func(window, monitor string) func() bool {
		return func() bool {
			d.must("xdotool", "windowactivate", "--sync", window) // above the other one
			return differ(d.picture(window), there.part(monitors[monitor])) == 0
		}
	}
	until(t, "the window of RIGHT equals it", equal(right, "RIGHT"))
	until(t, "the window of LEFT equals it", equal(left, "LEFT"))

	until(t, "RIGHT again", equal(right, "RIGHT"))
	d.must("xdotool", "mousemove", "--window", right, "160", "140")
	until(t, "keys arrive on RIGHT", func() bool {
		d.must("xdotool", "key", "w", "Return")
		text, err := os.ReadFile(typed)
		return err == nil && strings.Contains(string(text), "w\n")
	})
	d.must("xdotool", "mousemove", "--window", right, "302", "402")
	until(t, "the pointer is there", func() bool {
		return strings.HasPrefix(there.must("xdotool", "getmouselocation"), "x:940 y:480 ")
	})
	until(t, "what was typed is seen", equal(right, "RIGHT"))

	monitorsInThePage(t, a, there, monitors)

	there.must("xrandr", "--delmonitor", "RIGHT")
	if err := view.Wait(); err == nil {
		t.Error("the view of a monitor that is gone ended as if all were well")
	}
	if text := said.String(); !strings.Contains(text, "RIGHT is not connected") || !strings.Contains(text, "\nhint: open the whole desktop") {
		t.Errorf("it said: %s", text)
	}
	until(t, "LEFT goes on", equal(left, "LEFT"))
	if list := a.hither("screen", "ls", "cloud/self"); strings.Contains(list, "LEFT") {
		t.Errorf("the only monitor is listed by itself: %s", list)
	}
}

// monitorsInThePage changes from the whole desktop to a monitor and back.
func monitorsInThePage(t *testing.T, a *node, there *display, monitors map[string]image.Rectangle) {
	web := chromium(t)
	web.open(a, "/machine/cloud/self")
	shows := func(what string, area image.Rectangle) {
		t.Helper()
		web.screen("webrtc")
		until(t, "the page shows "+what, func() bool { return differ(web.picture(), there.part(area)) == 0 })
	}
	shows("the desktop", image.Rect(0, 0, 1240, 640))
	choose := func(name string) {
		web.do("choose "+name, chromedp.Click(`//label[contains(., "`+name+`")]//input | //label[contains(., "`+name+`")]`, chromedp.BySearch))
	}
	for _, name := range []string{"LEFT", "RIGHT"} {
		choose(name)
		shows(name, monitors[name])
	}
	web.do("reload", chromedp.Reload())
	shows("RIGHT after a reload", monitors["RIGHT"])
	choose("All monitors")
	shows("the desktop again", image.Rect(0, 0, 1240, 640))
}

func withDisplay(cmd *exec.Cmd, d *display) *exec.Cmd {
	cmd.Env = append(cmd.Env, "DISPLAY="+d.name)
	return cmd
}

// monitor makes a part of the display a monitor.
func (d *display) monitor(name string, area image.Rectangle, output string) {
	d.t.Helper()
	geometry := fmt.Sprintf("%d/%dx%d/%d+%d+%d", area.Dx(), area.Dx()/4, area.Dy(), area.Dy()/4, area.Min.X, area.Min.Y)
	d.must("xrandr", "--setmonitor", name, geometry, output)
}

// part is what an area of the display shows.
func (d *display) part(area image.Rectangle) *image.RGBA {
	d.t.Helper()
	file := filepath.Join(d.t.TempDir(), "root.png")
	d.must("import", "-window", "root", file)
	text, err := os.ReadFile(file)
	if err != nil {
		d.t.Fatal(err)
	}
	out := image.NewRGBA(image.Rect(0, 0, area.Dx(), area.Dy()))
	draw.Draw(out, out.Rect, decodePNG(d.t, text), area.Min, draw.Src)
	return out
}
