//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// windowPatience is for WebKit's first start on a machine that does much else.
const windowPatience = 90 * time.Second

// TestDesktopWindow runs the real window beside a real node: the page inside
// it watches the node and is drawn, it comes back by itself after the node was
// away, and a second start raises it instead of opening another.
func TestDesktopWindow(t *testing.T) {
	n := newNode(t, "desk", nil)
	n.libvirt = "off"
	n.start()
	d := newDisplay(t)
	ended := desktopProgram(t, n, d, "hither-desktop")
	window := d.window("^Hither$")
	watches := func() int { return strings.Count(n.log(), "method=/hither.v1.NodeService/Session ") }
	patiently(t, "the page has a session", func() bool { return watches() == 1 })
	patiently(t, "the library is drawn", func() bool { return d.colours(window) > 40 })

	n.hither("down")
	n.waitEnded()
	patiently(t, "the title says that the node is away", func() bool { return len(d.windows("node is not running")) == 1 })
	n.start()
	patiently(t, "the page has a new session", func() bool { return watches() == 2 })
	patiently(t, "the library is drawn again", func() bool { return d.colours(d.window("^Hither$")) > 40 })

	second := desktopProgram(t, n, d, "hither-desktop")
	ends(t, "the second start", second)
	if open := d.windows("^Hither$"); len(open) != 1 {
		t.Errorf("after the second start there are %d windows", len(open))
	}
	d.must("wmctrl", "-i", "-c", window)
	ends(t, "the window's program", ended)
}

// TestTrayStartsANode runs the real tray on a session bus without a tray: it
// starts the node of its home and ends when it is asked to.
func TestTrayStartsANode(t *testing.T) {
	n := newNode(t, "desk", nil)
	d := newDisplay(t)
	bus := "unix:path=" + filepath.Join(filepath.Dir(n.home), "bus")
	background(t, exec.Command("dbus-daemon", "--session", "--nofork", "--nopidfile", "--address="+bus))
	cmd, ended := program(t, n, d, "hither-tray", "DBUS_SESSION_BUS_ADDRESS="+bus)
	patiently(t, "the tray started the node", func() bool {
		_, _, code := n.try("status")
		return code == 0
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ends(t, "the tray", ended)
	n.hither("down", "--machines")
}

func desktopProgram(t *testing.T, n *node, d *display, name string) <-chan struct{} {
	t.Helper()
	_, ended := program(t, n, d, name, "GDK_BACKEND=x11")
	return ended
}

// program runs one of the desktop's programs; ended is closed when it has ended.
func program(t *testing.T, n *node, d *display, name string, env ...string) (cmd *exec.Cmd, ended <-chan struct{}) {
	t.Helper()
	binary(t, "hither") // lies beside it
	cmd = exec.Command(binary(t, name))
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HITHER_HOME=" + n.home, "HOME=" + filepath.Dir(n.home),
		"DISPLAY=" + d.name, "LANG=en_US.UTF-8"}, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }() // killed, or told to end
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // with WebKit's own processes
		<-done
	})
	return cmd, done
}

func patiently(t *testing.T, what string, met func() bool) {
	t.Helper()
	for began := time.Now(); !met(); {
		if time.Since(began) > windowPatience {
			t.Fatalf("waited in vain for: %s", what)
		}
		time.Sleep(200 * time.Millisecond) // between looks at a condition
	}
}

func ends(t *testing.T, what string, ended <-chan struct{}) {
	t.Helper()
	select {
	case <-ended:
	case <-time.After(windowPatience):
		t.Fatalf("%s did not end", what)
	}
}

// log gives what the node has logged so far.
func (n *node) log() string {
	n.t.Helper()
	text, err := os.ReadFile(n.logFile())
	if err != nil {
		n.t.Fatal(err)
	}
	return string(text)
}

// colours counts the colours of a window's picture, 0 when it cannot be taken.
func (d *display) colours(window string) int {
	file := filepath.Join(d.t.TempDir(), "window.png")
	if _, err := d.run("import", "-window", window, file); err != nil {
		return 0 // it is being resized or redrawn
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	picture := decodePNG(d.t, text)
	seen := map[[3]byte]bool{}
	for i := 0; i+3 < len(picture.Pix); i += 4 {
		seen[[3]byte(picture.Pix[i:i+3])] = true
	}
	return len(seen)
}
