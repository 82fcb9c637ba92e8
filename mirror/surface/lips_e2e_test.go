//go:build e2e && linux

package surface

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"hither/fusion"
	"hither/internal/soundserver"
	"hither/internal/xserver"
	"hither/mirror"
	"hither/mirror/pulse"
	"hither/mirror/record"
	"hither/mirror/sound"
)

// lamp makes a display white or black.
type lamp struct {
	t    *testing.T
	conn *xgb.Conn
	root xproto.Window
	gc   xproto.Gcontext
}

func newLamp(t *testing.T, display string) *lamp {
	t.Helper()
	conn, err := xgb.NewConnDisplay(display)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); waitClosed(conn) })
	l := &lamp{t: t, conn: conn, root: xproto.Setup(conn).DefaultScreen(conn).Root}
	if l.gc, err = xproto.NewGcontextId(conn); err != nil {
		t.Fatal(err)
	}
	if err := xproto.CreateGCChecked(conn, l.gc, xproto.Drawable(l.root), 0, nil).Check(); err != nil {
		t.Fatal(err)
	}
	return l
}

// turn gives when the display was drawn.
func (l *lamp) turn(color uint32) time.Time {
	l.t.Helper()
	xproto.ChangeGC(l.conn, l.gc, xproto.GcForeground, []uint32{color})
	err := xproto.PolyFillRectangleChecked(l.conn, xproto.Drawable(l.root), l.gc, []xproto.Rectangle{{Width: 640, Height: 480}}).Check()
	if err != nil {
		l.t.Fatal(err)
	}
	return time.Now()
}

const black, white = 0, 0xffffff

// ran gives what a program prints; it must have nothing to complain about.
func ran(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program, append([]string{"-v", "warning"}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil || said.Len() > 0 {
		t.Fatalf("%s: %v: %s (run build/deps.sh test)", program, err, &said)
	}
	return out
}

// flashes gives when a film becomes bright.
func flashes(t *testing.T, file string) (at []time.Duration) {
	t.Helper()
	var times []time.Duration
	for _, line := range strings.Fields(string(ran(t, "ffprobe", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0", file))) {
		seconds, err := strconv.ParseFloat(strings.Trim(line, ","), 64)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, time.Duration(seconds*float64(time.Second)))
	}
	const side = 16
	grey := ran(t, "ffmpeg", "-i", file, "-map", "0:v", "-vf", "scale=16:16,setsar=1", "-fps_mode", "passthrough", "-enc_time_base", "-1",
		"-pix_fmt", "gray", "-f", "rawvideo", "-")
	if len(grey) != len(times)*side*side {
		t.Fatalf("%d pictures at %d times", len(grey)/side/side, len(times))
	}
	bright := false
	for i, time := range times {
		before := bright
		if bright = grey[i*side*side] > 128; bright && !before {
			at = append(at, time)
		}
	}
	return at
}

// beeps gives when the sound of a film begins after at least 300 ms of silence.
func beeps(t *testing.T, file string) (at []time.Duration) {
	t.Helper()
	b := ran(t, "ffmpeg", "-i", file, "-map", "0:a", "-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", "48000", "-f", "s16le", "-")
	silent := soundserver.Rate
	for i := 0; i+1 < len(b); i += 2 {
		if v := int16(uint16(b[i]) | uint16(b[i+1])<<8); v < 1000 && v > -1000 {
			silent++
			continue
		}
		if silent > soundserver.Rate*3/10 {
			at = append(at, time.Duration(i/2)*time.Second/soundserver.Rate)
		}
		silent = 0
	}
	return at
}

// begins gives when a recording hears something loud; a sound server that ends
// closes the channel.
func begins(r *pulse.Recording) <-chan time.Time {
	at := make(chan time.Time, 1)
	go func() {
		pcm := make([]int16, 2*soundserver.Rate/100)
		for r.Read(pcm) == nil {
			for i, v := range pcm {
				if v > 1000 {
					at <- time.Now().Add(time.Duration(i-len(pcm)) / 2 * time.Second / soundserver.Rate)
					return
				}
			}
		}
		close(at)
	}()
	return at
}

// TestLipsInARecording has a display flash when a sound begins, and compares how
// far apart the two are in a recording with how far they were.
func TestLipsInARecording(t *testing.T) {
	there := soundserver.Start(t)
	far := xserver.Start(t, "-screen", "0", "640x480x24")
	device := sound.Pulse{Socket: there.Socket, Output: "out.monitor"}
	s := mirror.NewServer(farSound{farDisplay(far.Display), device}, mirror.Config{})
	t.Cleanup(func() { s.Close() })
	pipe, err := s.Open(t.Context(), "far", fusion.ViewOptions{ViewOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a.webm")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan kept, 1)
	go func() {
		summary, err := record.Screen(ctx, pipe, file, 0, true)
		ended <- kept{summary, err}
	}()
	l := newLamp(t, far.Display)
	l.turn(black)
	in := monitor(t, there, "out.monitor")
	time.Sleep(2 * time.Second) // the recording begins, and is dark and silent for a while
	var apart []time.Duration
	for range 12 {
		heard := begins(in)
		wait := soundserver.Play(t, there.Socket, "out", soundserver.Tone(1000, 8000, 100*time.Millisecond))
		flash := l.turn(white)
		at := <-heard
		if at.IsZero() {
			t.Fatal("the sound server ended")
		}
		apart = append(apart, at.Sub(flash))
		wait()
		time.Sleep(400 * time.Millisecond)
		l.turn(black)
		time.Sleep(300 * time.Millisecond)
	}
	stop()
	k := <-ended
	if !errors.Is(k.err, context.Canceled) || !k.Sound {
		t.Fatalf("%+v", k)
	}
	pictures, sounds := flashes(t, file), beeps(t, file)
	if len(pictures) != len(apart) || len(sounds) != len(apart) {
		t.Fatalf("%d flashes and %d beeps of %d", len(pictures), len(sounds), len(apart))
	}
	var off []time.Duration
	for i, was := range apart {
		off = append(off, sounds[i]-pictures[i]-was)
	}
	slices.Sort(off)
	t.Logf("sound after the picture, more than it was: p50 %v, from %v to %v; the file has %d bytes", off[len(off)/2], off[0], off[len(off)-1], k.Bytes)
	if middle := off[len(off)/2]; middle.Abs() > 50*time.Millisecond {
		t.Errorf("sound and pictures are %v apart", middle)
	}
}
