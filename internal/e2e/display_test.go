//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"image"
	"image/draw"
	"os"
	"os/exec"
	"strings"
	"testing"

	"hither/internal/xserver"
)

// display is an X server with a window manager, as a person's desktop.
type display struct {
	t    *testing.T
	name string
}

// newDisplay starts Xvfb and openbox, which end with the test.
func newDisplay(t *testing.T) *display {
	t.Helper()
	server := xserver.Start(t, "-screen", "0", "1280x900x24", "-ac")
	server.Manage(t)
	return &display{t: t, name: server.Display}
}

// background runs a program until the test ends.
func background(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %v, and it said: %s", cmd.Args[0], cmd.ProcessState, said.String())
		}
	})
}

// run runs a program of this display.
func (d *display) run(name string, args ...string) (string, error) {
	// import and xdotool wait for ever when a window is gone.
	ctx, cancel := context.WithTimeout(context.Background(), patience/2)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+d.name)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// windows gives the visible windows whose title contains a text.
func (d *display) windows(title string) []string {
	out, err := d.run("xdotool", "search", "--onlyvisible", "--name", title)
	if err != nil {
		return nil // xdotool fails when it finds none
	}
	return strings.Fields(out)
}

// window waits for the one window with a title.
func (d *display) window(title string) string {
	d.t.Helper()
	until(d.t, "a window named "+title, func() bool { return len(d.windows(title)) == 1 })
	return d.windows(title)[0]
}

// must runs a program that has to work.
func (d *display) must(name string, args ...string) string {
	d.t.Helper()
	out, err := d.run(name, args...)
	if err != nil {
		d.t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// frame is the width of the line in the host's colour around a picture.
const frame = 2

// picture gives what a mirrored window shows, without its frame.
func (d *display) picture(window string) *image.RGBA {
	d.t.Helper()
	file := d.t.TempDir() + "/window.png"
	d.must("import", "-window", window, file)
	text, err := os.ReadFile(file)
	if err != nil {
		d.t.Fatal(err)
	}
	whole := decodePNG(d.t, text)
	inner := whole.Rect.Inset(frame)
	out := image.NewRGBA(image.Rect(0, 0, inner.Dx(), inner.Dy()))
	draw.Draw(out, out.Rect, whole, inner.Min, draw.Src)
	return out
}
