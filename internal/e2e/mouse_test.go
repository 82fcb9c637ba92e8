//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// withoutTablet is a machine as others make them: its mouse can only be moved. QEMU
// traces what comes.
const withoutTablet = `<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>old</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <graphics type='vnc'><listen type='none'/></graphics>
    <video><model type='vga'/></video>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-D'/><qemu:arg value='%s'/>
    <qemu:arg value='-trace'/><qemu:arg value='input_event_rel'/>
    <qemu:arg value='-trace'/><qemu:arg value='input_event_btn'/>
  </qemu:commandline>
</domain>`

// TestMouseOfAMachine holds the mouse of a machine without a tablet, in the page and in the
// native window, and moves it further than the screen is wide.
func TestMouseOfAMachine(t *testing.T) {
	a, b := newNode(t, "here", nil), newNode(t, "cloud", nil)
	a.libvirt = "off"
	a.start()
	b.start()
	pair(t, a, b)
	until(t, "a sees b", func() bool { return a.sees(b) })
	dir := tempDir(t, nil)
	trace := filepath.Join(dir, "trace")
	definition := filepath.Join(dir, "old.xml")
	if err := os.WriteFile(definition, fmt.Appendf(nil, withoutTablet, trace), 0o600); err != nil {
		t.Fatal(err)
	}
	b.virsh("define", definition)
	until(t, "the machine is listed", func() bool { return strings.Contains(a.hither("machine", "ls", "cloud"), "old") })
	a.hither("machine", "start", "cloud/old")
	a.waitState("cloud/old", "running")
	came := func(what string) func() bool {
		return func() bool {
			log, err := os.ReadFile(trace)
			return err == nil && strings.Contains(string(log), what)
		}
	}

	web := chromium(t)
	web.open(a, "/screen/cloud/old")
	web.screen("webrtc")
	const canvas = `canvas[data-testid="screen"]`
	web.do("the screen takes a mouse", chromedp.WaitReady(canvas+`[data-relative="true"]`, chromedp.ByQuery))
	web.do("click", chromedp.Click(canvas, chromedp.ByQuery))
	locked := func() (held bool) {
		web.do("who has the mouse", chromedp.Evaluate(`document.pointerLockElement !== null`, &held))
		return held
	}
	until(t, "the page holds the mouse", locked)
	for i := range 10 {
		x := float64(300 + 60*(i%2)) // back and forth: a test's browser has a glass with edges
		web.do("move", input.DispatchMouseEvent(input.MouseMoved, x, 300))
	}
	until(t, "it moved by 60", came("axis x, value 60\n"))
	until(t, "and back", came("axis x, value -60\n"))
	web.do("press", input.DispatchMouseEvent(input.MousePressed, 300, 300).WithButton(input.Right).WithClickCount(1),
		input.DispatchMouseEvent(input.MouseReleased, 300, 300).WithButton(input.Right).WithClickCount(1))
	until(t, "its button was pressed", came("button right, down 1\n"))
	web.do("give the keyboard back", chromedp.Evaluate(`document.activeElement.blur()`, nil))
	until(t, "the page lets the mouse go", func() bool { return !locked() })

	d := newDisplay(t)
	view := a.command("view", "cloud/old")
	view.Env = append(view.Env, "DISPLAY="+d.name)
	background(t, view)
	window := d.window("old")
	d.must("xdotool", "windowfocus", "--sync", window)
	until(t, "the window holds the mouse", func() bool {
		d.must("xdotool", "mousemove", "--window", window, "30", "40", "click", "1")
		d.must("xdotool", "mousemove_relative", "--", "0", "17")
		return came("axis y, value 17\n")()
	})
	const by, times = 111, 12 // further than the screen is wide
	before := movedX(t, trace)
	for range times {
		d.must("xdotool", "mousemove_relative", "--", fmt.Sprint(-by), "0")
	}
	until(t, "it moved to the left as far as the hand did", func() bool { return movedX(t, trace)-before == -by*times })
}

// movedX adds up how far the mouse moved to the right.
func movedX(t *testing.T, trace string) (sum int) {
	t.Helper()
	log, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		_, text, is := strings.Cut(strings.TrimSpace(line), "axis x, value ")
		if by, err := strconv.Atoi(text); is && err == nil { // the last line may be half written
			sum += by
		}
	}
	return sum
}
