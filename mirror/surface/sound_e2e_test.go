//go:build e2e && linux

package surface

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"hither/fusion"
	"hither/internal/lips"
	"hither/internal/soundserver"
	"hither/internal/xserver"
	"hither/mirror"
	"hither/mirror/pulse"
	"hither/mirror/sound"
	"hither/mirror/wire"
)

// farSound is a host's display and sound server.
type farSound struct {
	farDisplay
	device sound.Device
}

func (f farSound) Open(ctx context.Context, name string) (mirror.Located, error) {
	located, err := f.farDisplay.Open(ctx, name)
	located.Sound = f.device
	return located, err
}

// counted counts the bytes of a pipe that are not signs of life.
type counted struct {
	fusion.Pipe
	bytes atomic.Int64
	sound atomic.Int64 // packets
}

func (c *counted) Read() ([]byte, error) {
	b, err := c.Pipe.Read()
	if err == nil {
		switch m, _ := wire.ParseHost(b); m.(type) {
		case wire.Pong:
		case wire.Sound:
			c.sound.Add(1)
			c.bytes.Add(int64(len(b)))
		default:
			c.bytes.Add(int64(len(b)))
		}
	}
	return b, err
}

// viewSound views a host that has a sound server, in a session that has another.
func viewSound(t *testing.T, options fusion.ViewOptions, cfg Config) (there, here *soundserver.Server, d *desk, pipe *counted) {
	t.Helper()
	there = soundserver.Start(t, "module-suspend-on-idle timeout=1", "module-null-sink sink_name=speaking channels=1 norewinds=1",
		"module-remap-source source_name=microphone master=speaking.monitor")
	here = soundserver.Start(t)
	t.Setenv("PULSE_SERVER", "unix:"+here.Socket)
	far := xserver.Start(t, "-screen", "0", "640x480x24")
	d = newDesk(t)
	device := sound.Pulse{Socket: there.Socket, Output: "out.monitor", Microphone: "speaking"}
	s := mirror.NewServer(farSound{farDisplay(far.Display), device}, mirror.Config{})
	t.Cleanup(func() { s.Close() })
	opened, err := s.Open(t.Context(), "far", options)
	if err != nil {
		t.Fatal(err)
	}
	pipe = &counted{Pipe: opened}
	cfg.Host = "nas"
	cfg.Without = func(err error) { t.Errorf("without sound: %v", err) }
	runView(t, d, pipe, cfg)
	outer, _ := d.waitWindow("far — nas")
	d.until("the focus", func() bool { return d.focused() == outer })
	return there, here, d, pipe
}

// monitor records what a server's sink plays, or what a source hears.
func monitor(t *testing.T, server *soundserver.Server, source string) *pulse.Recording {
	t.Helper()
	r, err := pulse.Record(t.Context(), server.Socket, pulse.Stream{Title: "test", Channels: 2, Device: source})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() }) // its server may have ended
	return r
}

// hearTone reads until 100 ms have at least so much of a tone.
func hearTone(t *testing.T, r *pulse.Recording, hertz, least float64) (level float64) {
	t.Helper()
	pcm := make([]int16, 2*soundserver.Rate/10)
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if err := r.Read(pcm); err != nil {
			t.Fatal(err)
		}
		if level = soundserver.Level(pcm, hertz); level >= least {
			return level
		}
	}
	t.Fatalf("%.0f Hz is not heard", hertz)
	return 0
}

func TestSoundOfAProgramIsHeardHere(t *testing.T) {
	there, here, d, pipe := viewSound(t, fusion.ViewOptions{}, Config{})
	r := monitor(t, here, "out.monitor")
	soundserver.Play(t, there.Socket, "out", soundserver.Tone(440, 8000, 2*patience))
	// Where the machine is too busy it stumbles, and some windows have gaps.
	if level := hearTone(t, r, 440, 7600); level > 8400 {
		t.Errorf("the tone has %.0f of 8000", level)
	}

	d.press(keyLeftCtrl, keyLeftAlt, keyM)
	quiet := make([]int16, 2*soundserver.Rate/10)
	d.until("muted", func() bool {
		if err := r.Read(quiet); err != nil {
			t.Fatal(err)
		}
		return soundserver.Level(quiet, 440) < 10
	})
	before := pipe.sound.Load()
	time.Sleep(500 * time.Millisecond) // nothing comes, so there is nothing to wait for
	if more := pipe.sound.Load() - before; more > 0 {
		t.Errorf("muted, %d packets came", more)
	}
	d.press(keyLeftCtrl, keyLeftAlt, keyM)
	soundserver.Play(t, there.Socket, "out", soundserver.Tone(880, 8000, 2*patience))
	hearTone(t, r, 880, 7000)
}

// TestSilenceCostsNothing looks at a view whose host plays silence.
func TestSilenceCostsNothing(t *testing.T) {
	there, here, d, pipe := viewSound(t, fusion.ViewOptions{}, Config{})
	r := monitor(t, here, "out.monitor")
	wait := soundserver.Play(t, there.Socket, "out", soundserver.Tone(440, 8000, 5*time.Second))
	hearTone(t, r, 440, 3000)
	wait()
	silent := make([]int16, 2*soundserver.Rate*10)
	soundserver.Play(t, there.Socket, "out", silent)
	last := int64(-1)
	d.until("the end of the tone", func() bool {
		time.Sleep(300 * time.Millisecond) // more than a sound's silent end
		now := pipe.bytes.Load()
		same := now == last
		last = now
		return same
	})
	time.Sleep(2 * time.Second) // nothing may come
	if more := pipe.bytes.Load() - last; more > 0 {
		t.Errorf("silence cost %d bytes", more)
	}
}

func TestMicrophoneIsHeardThere(t *testing.T) {
	there, here, _, _ := viewSound(t, fusion.ViewOptions{Microphone: true}, Config{Microphone: true})
	r := monitor(t, there, "microphone")
	// The default source here is the monitor of the only sink.
	soundserver.Play(t, here.Socket, "out", soundserver.Tone(440, 8000, 2*patience))
	if level := hearTone(t, r, 440, 6500); level > 8400 {
		t.Errorf("the tone has %.0f of 8000", level)
	}
}

// heardAt waits for a sound to begin.
func heardAt(t *testing.T, begins <-chan time.Time) time.Time {
	t.Helper()
	select {
	case at, ok := <-begins:
		if !ok {
			t.Fatal("a sound server ended")
		}
		return at
	case <-time.After(patience):
		t.Fatal("a click is not heard")
	}
	return time.Time{}
}

// TestDelayOfSound measures how long a sound takes from a sink of the host to one
// here, which leaves out what programs and loudspeakers add.
func TestDelayOfSound(t *testing.T) {
	there, here, _, pipe := viewSound(t, fusion.ViewOptions{}, Config{})
	in, out := monitor(t, there, "out.monitor"), monitor(t, here, "out.monitor")
	begins := func(r *pulse.Recording) <-chan time.Time {
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
	var delays []time.Duration
	for range 15 {
		from, to := begins(in), begins(out)
		wait := soundserver.Play(t, there.Socket, "out", soundserver.Tone(1000, 8000, 100*time.Millisecond))
		a, b := heardAt(t, from), heardAt(t, to)
		delays = append(delays, b.Sub(a))
		wait()
		time.Sleep(600 * time.Millisecond) // the two clicks are apart
	}
	slices.Sort(delays)
	t.Logf("from sink to sink: p50 %v, least %v, most %v; %d packets", delays[len(delays)/2], delays[0], delays[len(delays)-1], pipe.sound.Load())
	if middle := delays[len(delays)/2]; middle < 0 || middle > 300*time.Millisecond {
		t.Errorf("sound takes %v", middle)
	}
}

func TestNoSoundServerHere(t *testing.T) {
	there := soundserver.Start(t)
	t.Setenv("PULSE_SERVER", "unix:"+there.Socket+".none")
	far := xserver.Start(t, "-screen", "0", "640x480x24")
	d := newDesk(t)
	s := mirror.NewServer(farSound{farDisplay(far.Display), sound.Pulse{Socket: there.Socket}}, mirror.Config{})
	t.Cleanup(func() { s.Close() })
	pipe, err := s.Open(t.Context(), "far", fusion.ViewOptions{})
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 8)
	runView(t, d, pipe, Config{Without: func(err error) { told <- err }})
	d.waitWindow("far")
	soundserver.Play(t, there.Socket, "out", soundserver.Tone(440, 8000, 2*patience)) // the view may listen late
	select {
	case err := <-told:
		if fusion.Hint(err) == "" {
			t.Errorf("%v has no hint", err)
		}
	case <-time.After(patience):
		t.Fatal("nothing was told")
	}
	time.Sleep(500 * time.Millisecond) // more sound comes
	if len(told) > 0 {
		t.Errorf("told twice: %v", <-told)
	}
}

// TestAWindowsRecordingHasItsSound records what is heard in a window.
func TestAWindowsRecordingHasItsSound(t *testing.T) {
	dir := t.TempDir()
	cfg, ended := recordings(dir, "", "a.webm")
	there, here, d, _ := viewSound(t, fusion.ViewOptions{}, Config{Record: cfg})
	r := monitor(t, here, "out.monitor")
	soundserver.Play(t, there.Socket, "out", soundserver.Tone(440, 8000, 2*patience))
	hearTone(t, r, 440, 4000)
	d.press(keyLeftCtrl, keyLeftAlt, keyR)
	time.Sleep(1500 * time.Millisecond) // a recording of some length
	d.press(keyLeftCtrl, keyLeftAlt, keyR)
	k := <-ended
	if k.err != nil || !k.Sound || k.Length < time.Second {
		t.Fatalf("%+v", k)
	}
	pcm := lips.Sound(t, k.File)
	lasts, best := time.Duration(len(pcm)/2)*time.Second/soundserver.Rate, lips.Loudest(pcm, 440)
	if t.Logf("%v of sound in %v, with %.0f of 8000", lasts, k.Length, best); best < 6000 || (lasts-k.Length).Abs() > 50*time.Millisecond {
		t.Errorf("%v of sound in %v, with %.0f of 8000", lasts, k.Length, best)
	}
}
