package mirror

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"hither/fusion"
	"hither/mirror/opus"
	"hither/mirror/sound"
	"hither/mirror/wire"
)

// needSound asks for libopus. Where CI says so it must be there.
func needSound(t testing.TB) {
	t.Helper()
	err := opus.Open()
	if err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// instrument is a device that plays a loud frame for each tick, and whose
// microphone pulls once it is woken.
type instrument struct {
	ticks  chan bool
	closed chan bool // a recording ended
	pulled chan []int16
}

func newInstrument() *instrument {
	return &instrument{ticks: make(chan bool), closed: make(chan bool, 8), pulled: make(chan []int16, 64)}
}

type playing struct {
	i    *instrument
	once sync.Once
	done chan struct{}
}

func (i *instrument) Listen(context.Context) (sound.Source, error) {
	return &playing{i: i, done: make(chan struct{})}, nil
}

func (p *playing) Read(pcm []int16) error {
	select {
	case <-p.i.ticks:
	case <-p.done:
		return errors.New("closed")
	}
	for n := range pcm {
		pcm[n] = int16(n * 50)
	}
	return nil
}

func (p *playing) Close() error {
	p.once.Do(func() {
		close(p.done)
		p.i.closed <- true
	})
	return nil
}

type spoken struct {
	i    *instrument
	pull sound.Pull
}

func (i *instrument) Speak(_ context.Context, pull sound.Pull) (sound.Sink, error) {
	return &spoken{i, pull}, nil
}

func (s *spoken) Wake() error {
	pcm := make([]int16, 480)
	s.pull(pcm)
	select {
	case s.i.pulled <- pcm:
	default:
	}
	return nil
}

func (s *spoken) Close() error { return nil }

// soundOf hears until the host says something of sound.
func soundOf(hear func() wire.Message) wire.Message {
	for {
		switch m := hear().(type) {
		case wire.Sound, wire.Listening, wire.Speaking:
			return m
		}
	}
}

func TestViewHearsWhatItAsksFor(t *testing.T) {
	needSound(t)
	s, f, l := serve(t, 64, 64)
	i := newInstrument()
	l.sound = i
	w := watch(t, s, fusion.ViewOptions{ViewOnly: true})
	w.shows(f)
	w.say(wire.Listen{On: true})
	if m := soundOf(w.hear); m != (wire.Listening{State: wire.SoundOn}) {
		t.Fatalf("%#v", m)
	}
	for n := range 3 {
		i.ticks <- true
		if m, ok := soundOf(w.hear).(wire.Sound); !ok || int(m.Number) != n || len(m.Packet) == 0 {
			t.Fatalf("%#v", m)
		}
	}
	w.say(wire.Listen{})
	if m := soundOf(w.hear); m != (wire.Listening{State: wire.SoundOff}) {
		t.Fatalf("%#v", m)
	}
	<-i.closed // the last listener ends the recording
	w.say(wire.Listen{On: true})
	if m := soundOf(w.hear); m != (wire.Listening{State: wire.SoundOn}) {
		t.Fatalf("%#v", m)
	}
	w.pipe.Close()
	<-i.closed
}

// TestSoundOvertakesAFrame sees that sound does not wait until a frame of many
// parts is sent.
func TestSoundOvertakesAFrame(t *testing.T) {
	needSound(t)
	s, f, l := serve(t, 1200, 1000)
	i := newInstrument()
	l.sound = i
	noise(f, 1)
	w := watch(t, s, fusion.ViewOptions{})
	w.say(wire.Listen{On: true})
	heard := false
	for frames := 0; frames == 0; {
		m, err := w.pipe.Read()
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := wire.ParseHost(m)
		if err != nil {
			t.Fatal(err)
		}
		switch m := parsed.(type) {
		case wire.FramePart:
			if m.Part == 0 {
				i.ticks <- true
				i.ticks <- true // the one before was handed over
			}
			if m.Part == m.Parts-1 {
				frames++
			}
		case wire.Sound:
			heard = true
		}
	}
	if !heard {
		t.Error("sound waited for the end of a frame")
	}
}

func TestScreenWithoutSound(t *testing.T) {
	needSound(t)
	s, f, _ := serve(t, 64, 64)
	w := watch(t, s, fusion.ViewOptions{Microphone: true})
	w.shows(f)
	w.say(wire.Listen{On: true})
	m := soundOf(w.hear).(wire.Listening)
	if m.State != wire.SoundFailed || !strings.Contains(m.Text, "no sound") {
		t.Errorf("%#v", m)
	}
	w.say(wire.Listen{})
	f.fill(f.picture.Bounds(), 7)
	w.shows(f) // the view goes on
}

func TestMicrophoneNeedsPermission(t *testing.T) {
	needSound(t)
	for _, options := range []fusion.ViewOptions{{}, {ViewOnly: true, Microphone: true}} {
		s, _, l := serve(t, 64, 64)
		i := newInstrument()
		l.sound = i
		w := watch(t, s, options)
		w.say(wire.Speak{On: true}, wire.Sound{From: wire.ViewerSide, Packet: []byte("opus")})
		m := soundOf(w.hear).(wire.Speaking)
		if m.State != wire.SoundFailed || !strings.Contains(m.Text, "not permitted") || !strings.Contains(m.Text, "\nask") {
			t.Errorf("%#v", m)
		}
		if len(i.pulled) > 0 {
			t.Error("the microphone was heard")
		}
	}
}

func TestMicrophoneIsHeard(t *testing.T) {
	needSound(t)
	s, _, l := serve(t, 64, 64)
	i := newInstrument()
	l.sound = i
	w := watch(t, s, fusion.ViewOptions{Microphone: true})
	encoder, err := opus.NewEncoder(sound.MicrophoneChannels, 48000)
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	if m := soundOf(w.hear); m != (wire.Speaking{State: wire.SoundOff}) {
		t.Fatalf("a viewer that may speak first hears %#v", m)
	}
	w.say(wire.Speak{On: true})
	if m := soundOf(w.hear); m != (wire.Speaking{State: wire.SoundOn}) {
		t.Fatalf("%#v", m)
	}
	loud := make([]int16, 480)
	for n := range loud {
		loud[n] = int16(n%100) * 100
	}
	for n := 0; ; n++ {
		packet, err := encoder.Encode(loud)
		if err != nil {
			t.Fatal(err)
		}
		w.say(wire.Sound{From: wire.ViewerSide, Number: uint16(n), Packet: packet})
		if pcm := <-i.pulled; peak(pcm) > 1000 {
			break
		}
		if n > 1000 {
			t.Fatal("the microphone is not heard")
		}
	}
	w.say(wire.Speak{})
	if m := soundOf(w.hear); m != (wire.Speaking{State: wire.SoundOff}) {
		t.Errorf("%#v", m)
	}
}

func peak(pcm []int16) (most int16) {
	for _, v := range pcm {
		most = max(most, v)
	}
	return most
}

func TestViewOfWindowsHears(t *testing.T) {
	needSound(t)
	s, _, l, _ := serveWindows(t, fusion.ViewOptions{})
	i := newInstrument()
	l.sound = i
	pipe, err := s.Open(t.Context(), "app", fusion.ViewOptions{Windows: true})
	if err != nil {
		t.Fatal(err)
	}
	w := &windowWatcher{talk: talk{t, pipe}, all: map[uint32]*shown{}, ack: true}
	w.say(wire.Desk{Width: 640, Height: 480}, wire.Listen{On: true})
	if m := soundOf(w.hear); m != (wire.Listening{State: wire.SoundOn}) {
		t.Fatalf("%#v", m)
	}
	i.ticks <- true
	if m, ok := soundOf(w.hear).(wire.Sound); !ok {
		t.Fatalf("%#v", m)
	}
	if err := pipe.Close(); err != nil {
		t.Fatal(err)
	}
	<-i.closed
}

// TestOwnSoundIsNotPlayedAgain sees that a viewer on the session's own computer
// makes no loop.
func TestOwnSoundIsNotPlayedAgain(t *testing.T) {
	needSound(t)
	s, _, l := serve(t, 64, 64)
	l.sound, l.session = newInstrument(), true
	w := watch(t, s, fusion.ViewOptions{Here: true, Microphone: true})
	w.say(wire.Listen{On: true})
	if m, ok := soundOf(w.hear).(wire.Listening); !ok || m.State != wire.SoundFailed {
		t.Errorf("%#v", m)
	}
	w.say(wire.Speak{On: true})
	if m, ok := soundOf(w.hear).(wire.Speaking); !ok || m.State != wire.SoundFailed {
		t.Errorf("%#v", m)
	}
	w.say(wire.Listen{On: true, Kept: true}) // a recording plays nothing
	if m := soundOf(w.hear); m != (wire.Listening{State: wire.SoundOn}) {
		t.Errorf("%#v", m)
	}
	other := watch(t, s, fusion.ViewOptions{})
	other.say(wire.Listen{On: true})
	if m := soundOf(other.hear); m != (wire.Listening{State: wire.SoundOn}) {
		t.Errorf("%#v", m)
	}
}
