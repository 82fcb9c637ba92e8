package app

import (
	"context"
	"encoding/hex"
	"errors"
	"sync"

	"hither/fusion"
	"hither/mirror/pulse"
	audio "hither/mirror/sound" // this package has a sound of its own
	"hither/remoteapp"
)

// soundOf is the sound of a private display.
func soundOf(d remoteapp.Display) audio.Device {
	if d.Sound.Server == "" {
		return audio.None{Why: &fusion.Error{Op: "sound", Cause: fusion.ErrUnsupported, Detail: "no sound server runs there",
			Hint: "on that computer, start PipeWire (pipewire-pulse) in its session or install pulseaudio, then start the app again"}}
	}
	return audio.Pulse{Socket: d.Sound.Server, Output: d.Sound.Sink + ".monitor", Microphone: d.Sound.Speaking}
}

// consoleSound is that of a virtual machine's console: its protocol carries none.
func consoleSound(machine string) audio.Device {
	return audio.None{Why: &fusion.Error{Op: "sound", Path: machine, Cause: fusion.ErrUnsupported,
		Detail: "the console of a virtual machine has no sound"}}
}

// sessionSound is that of the session's desktop. Its programs get a microphone
// while a viewer speaks, one for all who do.
type sessionSound struct {
	audio.Pulse
	name string // of this computer

	mu         sync.Mutex // guards the fields below
	microphone *pulse.Microphone
	speaking   int
}

// Speak plays to the session's microphone, which it adds for the first.
func (s *sessionSound) Speak(ctx context.Context, pull audio.Pull) (audio.Sink, error) {
	name, err := s.add(ctx)
	if err != nil {
		return nil, err
	}
	sink, err := audio.Pulse{Microphone: name, Title: s.Title}.Speak(ctx, pull)
	if err != nil {
		return nil, errors.Join(err, s.release())
	}
	return &speaking{Sink: sink, session: s}, nil
}

// device is the microphone's name in the sound server.
func (s *sessionSound) device() string { return deviceName(s.name) }

// deviceName makes a name of letters and digits of any.
func deviceName(name string) string { return "hither_" + hex.EncodeToString([]byte(name)) }

func (s *sessionSound) add(ctx context.Context) (sink string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.microphone == nil {
		socket, err := pulse.Session()
		if err != nil {
			return "", err
		}
		if s.microphone, err = pulse.AddMicrophone(ctx, socket, s.device(), "Hither microphone"); err != nil {
			return "", err
		}
	}
	s.speaking++
	return pulse.SpeakInto(s.device()), nil
}

// release takes the microphone away when nobody speaks any more.
func (s *sessionSound) release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.speaking--; s.speaking > 0 {
		return nil
	}
	microphone := s.microphone
	s.microphone = nil
	return microphone.Close()
}

// speaking is one who speaks into the session's microphone.
type speaking struct {
	audio.Sink
	session *sessionSound
	once    sync.Once
}

func (s *speaking) Close() error {
	err := s.Sink.Close()
	s.once.Do(func() { err = errors.Join(err, s.session.release()) })
	return err
}

// sessionSinks makes the sound of displays in the session's server.
type sessionSinks struct{}

// Add is remoteapp.Sounds.Add.
func (sessionSinks) Add(ctx context.Context, instance string) (remoteapp.Sound, error) {
	socket, err := pulse.Session()
	if err != nil {
		return remoteapp.Sound{}, err
	}
	sink := deviceName(instance)
	microphone := sink + "_microphone"
	err = pulse.AddSink(ctx, socket, sink, "Hither: "+instance)
	if err == nil {
		err = pulse.AddSource(ctx, socket, microphone, "Hither microphone: "+instance)
	}
	if err != nil {
		return remoteapp.Sound{}, err
	}
	return remoteapp.Sound{Server: socket, Sink: sink, Microphone: microphone, Speaking: pulse.SpeakInto(microphone)}, nil
}

// Remove is remoteapp.Sounds.Remove.
func (sessionSinks) Remove(ctx context.Context, _ string, s remoteapp.Sound) error {
	return errors.Join(pulse.RemoveSource(ctx, s.Server, s.Microphone), pulse.RemoveSink(ctx, s.Server, s.Sink))
}
