//go:build e2e && linux

package mirror

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"hither/fusion"
	"hither/internal/xserver"
	"hither/mirror/capture"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// display is an Xvfb as the screen of "self".
type display string

func xvfb(t testing.TB) display {
	t.Helper()
	return display(xserver.Start(t, "-screen", "0", "1920x1080x24").Display)
}

// run starts a program and kills it when the test ends.
func run(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func (d display) xterm(t testing.TB, command string) {
	t.Helper()
	cmd := exec.Command("xterm", "-geometry", "150x60+0+0", "-e", "sh", "-c", command)
	cmd.Env = append(os.Environ(), "DISPLAY="+string(d))
	run(t, cmd)
}

func (d display) List(context.Context, string) ([]fusion.Screen, error) { return nil, nil }

func (d display) Open(ctx context.Context, _ string) (Located, error) {
	s, err := capture.X11(ctx, capture.X11Config{Display: string(d)})
	return Located{Screen: fusion.Screen{Title: "self"}, Source: s}, err
}

// looker is a viewer over a stream, with what it got counted.
type looker struct {
	t      testing.TB
	pipe   fusion.Pipe
	frames wire.Assembler
	d      codec.Decoder
	bytes  int
	count  int
}

func look(t testing.TB, d display) *looker {
	t.Helper()
	s := NewServer(d, Config{})
	t.Cleanup(func() { s.Close() })
	pipe, err := s.Open(t.Context(), "self", fusion.ViewOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pipe.Close() })
	return &looker{t: t, pipe: pipe}
}

func (l *looker) say(m wire.Message) {
	l.t.Helper()
	if err := l.pipe.Write(m.Append(nil)); err != nil {
		l.t.Fatal(err)
	}
}

// frame waits for the next frame, shows and acknowledges it.
func (l *looker) frame() {
	l.t.Helper()
	for {
		b, err := l.pipe.Read()
		if err != nil {
			l.t.Fatal(err)
		}
		l.bytes += len(b)
		m, err := wire.ParseHost(b)
		if err != nil {
			l.t.Fatal(err)
		}
		part, ok := m.(wire.FramePart)
		if !ok {
			continue
		}
		frame, err := l.frames.Add(part)
		if err != nil {
			l.t.Fatal(err)
		}
		if frame == nil {
			continue
		}
		if _, err := l.d.Decode(frame); err != nil {
			l.t.Fatal(err)
		}
		l.count++
		l.say(wire.Ack{Seq: part.Seq})
		return
	}
}

// lit counts the pixels of the screen that are not black.
func (l *looker) lit() (n int) {
	p := l.d.Picture()
	for i := 0; i < len(p.Pix); i += 4 {
		if p.Pix[i]|p.Pix[i+1]|p.Pix[i+2] != 0 {
			n++
		}
	}
	return n
}

func TestDesktopIsSeenAndTypedInto(t *testing.T) {
	d := xvfb(t)
	d.xterm(t, "cat")
	l := look(t, d)
	const enough = 100 * 100 // the terminal's white window
	for l.d.Picture() == nil || l.lit() < enough {
		l.frame()
	}
	l.say(wire.Pointer{X: 300, Y: 300})
	before, seen := l.lit(), time.Now().Add(time.Minute)
	for l.lit() > before-100 { // black letters appear
		l.say(wire.Key{Code: 50, Down: true})
		l.say(wire.Key{Code: 50})
		l.frame()
		if time.Now().After(seen) {
			t.Fatal("typed letters do not appear")
		}
	}
}

// BenchmarkKeyToPixel is the time from a key's message to the frame that shows
// its letter decoded.
func BenchmarkKeyToPixel(b *testing.B) {
	d := xvfb(b)
	d.xterm(b, "cat")
	l := look(b, d)
	for l.d.Picture() == nil || l.lit() < 10000 {
		l.frame()
	}
	l.say(wire.Pointer{X: 300, Y: 300})
	var all []time.Duration
	for range b.N {
		count := l.count
		began := time.Now()
		l.say(wire.Key{Code: 50, Down: true})
		l.say(wire.Key{Code: 50})
		for l.count == count {
			l.frame()
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkScrollingTerminal counts the bytes of a terminal that prints 60
// lines a second.
func BenchmarkScrollingTerminal(b *testing.B) {
	const lines = 600
	d := xvfb(b)
	for range b.N {
		done := b.TempDir() + "/done"
		d.xterm(b, fmt.Sprintf("sleep 1; i=0; while [ $i -lt %d ]; do i=$((i+1)); echo \"$i: the quick brown fox jumps over the lazy dog and back again $((i*7919)) of /usr/share/doc\"; sleep 0.016; done; touch %s; while sleep 1; do echo; done", lines, done))
		l := look(b, d)
		for {
			if _, err := os.Stat(done); err == nil {
				break
			}
			l.frame()
		}
		b.ReportMetric(float64(l.bytes), "bytes")
		b.ReportMetric(float64(l.count), "frames")
	}
}
