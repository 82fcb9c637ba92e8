//go:build linux && e2e

package app

import (
	"os/exec"
	"strings"
	"testing"

	"hither/internal/soundserver"
	audio "hither/mirror/sound"
	"hither/remoteapp"
)

// TestSoundInTheSessionsServer gives two displays sound in the server of the
// session, as where PulseAudio is not installed.
func TestSoundInTheSessionsServer(t *testing.T) {
	t.Run("PulseAudio", func(t *testing.T) { soundInTheSessionsServer(t, soundserver.Start(t)) })
	t.Run("PipeWire", func(t *testing.T) { soundInTheSessionsServer(t, soundserver.StartPipeWire(t)) })
}

func soundInTheSessionsServer(t *testing.T, session *soundserver.Server) {
	t.Helper()
	t.Setenv("PULSE_SERVER", "unix:"+session.Socket)
	before := devices(t, session)
	var sounds []remoteapp.Sound
	for _, instance := range []string{"player-a", "org.example.Player-b"} {
		s, err := sessionSinks{}.Add(t.Context(), instance)
		if err != nil {
			t.Fatal(err)
		}
		sounds = append(sounds, s)
	}
	soundserver.Play(t, session.Socket, sounds[0].Sink, soundserver.Tone(440, 8000, soundserver.Patience))
	soundserver.Heard(t, session.Socket, sounds[0].Sink+".monitor", 440, 7000)
	for _, quiet := range []string{sounds[1].Sink + ".monitor", "out.monitor", sounds[0].Microphone} {
		if level := soundserver.Now(t, session.Socket, quiet, 440); level > 1 {
			t.Errorf("%s hears %.0f", quiet, level)
		}
	}
	soundserver.Play(t, session.Socket, sounds[1].Speaking, soundserver.Tone(880, 8000, soundserver.Patience))
	soundserver.Heard(t, session.Socket, sounds[1].Microphone, 880, 7000)
	for _, s := range sounds {
		for range 2 { // the second time it is gone
			if err := (sessionSinks{}).Remove(t.Context(), "", s); err != nil {
				t.Error(err)
			}
		}
	}
	if after := devices(t, session); after != before {
		t.Errorf("left in the session: %s, before %s", after, before)
	}
}

func devices(t *testing.T, s *soundserver.Server) string {
	t.Helper()
	out, err := exec.Command("pactl", "--server=unix:"+s.Socket, "list", "short", "modules").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestSessionMicrophone gives the session's programs a microphone while somebody
// speaks.
func TestSessionMicrophone(t *testing.T) {
	t.Run("PulseAudio", func(t *testing.T) { sessionMicrophone(t, soundserver.Start(t)) })
	t.Run("PipeWire", func(t *testing.T) { sessionMicrophone(t, soundserver.StartPipeWire(t)) })
}

func sessionMicrophone(t *testing.T, session *soundserver.Server) {
	t.Helper()
	t.Setenv("PULSE_SERVER", "unix:"+session.Socket)
	before := devices(t, session)
	s := &sessionSound{name: "nas"}
	var sinks []audio.Sink
	for range 2 {
		n := 0
		sink, err := s.Speak(t.Context(), func(pcm []int16) bool {
			for i := range pcm {
				pcm[i] = int16(4000 - 8000*(n/50%2)) // 480 Hz
				n++
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		sinks = append(sinks, sink)
	}
	if err := sinks[0].Wake(); err != nil {
		t.Fatal(err)
	}
	soundserver.Heard(t, session.Socket, "@DEFAULT_SOURCE@", 480, 3000)
	for _, sink := range sinks {
		if err := sink.Close(); err != nil {
			t.Error(err)
		}
	}
	if after := devices(t, session); after != before {
		t.Errorf("left in the session: %s, before %s", after, before)
	}
	if out, err := exec.Command("pactl", "--server=unix:"+session.Socket, "get-default-source").Output(); err != nil || strings.TrimSpace(string(out)) != "out.monitor" {
		t.Errorf("the default source is %q, %v", out, err)
	}
}
