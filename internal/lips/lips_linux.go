// Package lips tells in tests how far sound and pictures are apart in a
// recording: it has a display flash when a sound begins, and finds both in the
// file.
package lips

import (
	"bytes"
	"math"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"hither/internal/soundserver"
	"hither/mirror/pulse"
)

const (
	black, white = 0, 0xffffff
	hertz        = 1000
	// loud is more than the noise of what was encoded.
	loud = 1000
	// pause is more silence than between two beeps.
	pause = soundserver.Rate * 3 / 10
)

// lamp makes a display white or black.
type lamp struct {
	t    testing.TB
	conn *xgb.Conn
	root xproto.Window
	gc   xproto.Gcontext
}

func newLamp(t testing.TB, display string) *lamp {
	t.Helper()
	conn, err := xgb.NewConnDisplay(display)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		for e, err := conn.WaitForEvent(); e != nil || err != nil; e, err = conn.WaitForEvent() {
		}
	})
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
	all := []xproto.Rectangle{{Width: math.MaxInt16, Height: math.MaxInt16}}
	if err := xproto.PolyFillRectangleChecked(l.conn, xproto.Drawable(l.root), l.gc, all).Check(); err != nil {
		l.t.Fatal(err)
	}
	return time.Now()
}

// Show has a display flash, and a beep begin at the sink "out" of a sound server,
// so many times, and gives by how much the sound was later each time. What the
// server itself needs to hand it over is not in it.
func Show(t testing.TB, display, socket string, times int) (apart []time.Duration) {
	t.Helper()
	l := newLamp(t, display)
	l.turn(black)
	in, err := pulse.Record(t.Context(), socket, pulse.Stream{Title: "test", Channels: 2, Device: "out.monitor"})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	time.Sleep(2 * time.Second) // a recording begins, and is dark and silent for a while
	for range times {
		heard := begins(in)
		wait := soundserver.Play(t, socket, "out", soundserver.Tone(hertz, 8000, 100*time.Millisecond))
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
	time.Sleep(time.Second) // a viewer may be late
	return apart
}

// begins gives when something loud comes, or the zero time.
func begins(r *pulse.Recording) <-chan time.Time {
	at := make(chan time.Time, 1)
	go func() { // it ends with r, at the latest
		defer close(at)
		pcm := make([]int16, 2*soundserver.Rate/100)
		for r.Read(pcm) == nil {
			if i := slices.IndexFunc(pcm, func(v int16) bool { return v > loud }); i >= 0 {
				at <- time.Now().Add(time.Duration(i-len(pcm)) / 2 * time.Second / soundserver.Rate)
				return
			}
		}
	}()
	return at
}

// Later gives by how much the sound of a file is later than its pictures, more
// than it was when they were shown: a value for each flash that has a beep,
// sorted. Three quarters of them must.
func Later(t testing.TB, file string, apart []time.Duration) (later []time.Duration) {
	t.Helper()
	pictures, sounds := Flashes(t, file), Beeps(t, file)
	if len(pictures) != len(apart) {
		t.Fatalf("flashes at %v, of %d", pictures, len(apart))
	}
	for i, was := range apart {
		best := time.Hour
		for _, at := range sounds { // a player that stumbles makes two of one
			if off := at - pictures[i] - was; off.Abs() < best.Abs() {
				best = off
			}
		}
		if best.Abs() < 300*time.Millisecond {
			later = append(later, best)
		}
	}
	if len(later) < len(apart)*3/4 {
		t.Fatalf("beeps at %v, flashes at %v", sounds, pictures)
	}
	slices.Sort(later)
	return later
}

// Flashes gives when a film becomes bright.
func Flashes(t testing.TB, file string) (at []time.Duration) {
	t.Helper()
	const side = 16
	grey := run(t, "ffmpeg", "-i", file, "-map", "0:v", "-vf", "scale=16:16,setsar=1", "-fps_mode", "passthrough", "-enc_time_base", "-1",
		"-pix_fmt", "gray", "-f", "rawvideo", "-")
	times := strings.Fields(string(run(t, "ffprobe", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0", file)))
	if len(grey) != len(times)*side*side {
		t.Fatalf("%d pictures at %d times", len(grey)/side/side, len(times))
	}
	bright := false
	for i, text := range times {
		seconds, err := strconv.ParseFloat(strings.Trim(text, ","), 64)
		if err != nil {
			t.Fatal(err)
		}
		before := bright
		if bright = grey[(i*side+side/2)*side+side/2] > 128; bright && !before {
			at = append(at, time.Duration(seconds*float64(time.Second)))
		}
	}
	return at
}

// Beeps gives when the sound of a film begins after silence.
func Beeps(t testing.TB, file string) []time.Duration {
	t.Helper()
	return Beginnings(Sound(t, file))
}

// Sound decodes what is heard in a film from its beginning on: 48 kHz, two
// channels.
func Sound(t testing.TB, file string) []int16 {
	t.Helper()
	return Samples(run(t, "ffmpeg", "-i", file, "-map", "0:a", "-af", "aresample=async=1:first_pts=0", "-ac", "2", "-ar", "48000", "-f", "s16le", "-"))
}

// Samples are those that a file holds.
func Samples(b []byte) []int16 {
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(uint16(b[2*i]) | uint16(b[2*i+1])<<8)
	}
	return pcm
}

// Loudest gives how much of a tone the 100 ms have that have most of it.
func Loudest(pcm []int16, hertz float64) (most float64) {
	for part := range slices.Chunk(pcm, 2*soundserver.Rate/10) {
		most = max(most, soundserver.Level(part, hertz))
	}
	return most
}

// Beginnings gives when something loud begins after silence.
func Beginnings(pcm []int16) (at []time.Duration) {
	silent := pause + 1
	for i := 0; i+1 < len(pcm); i += 2 {
		if pcm[i] < loud && pcm[i] > -loud {
			silent++
			continue
		}
		if silent > pause {
			at = append(at, time.Duration(i/2)*time.Second/soundserver.Rate)
		}
		silent = 0
	}
	return at
}

// run gives what a program of ffmpeg prints. Browsers put two pictures into one
// millisecond now and then, which ffmpeg says, and goes on.
func run(t testing.TB, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program, append([]string{"-v", "fatal"}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil || said.Len() > 0 {
		t.Fatalf("%s: %v: %s (run build/deps.sh test)", program, err, &said)
	}
	return out
}
