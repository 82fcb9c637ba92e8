package remoteapp

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hither/fusion"
	"hither/remoteapp/process"
)

// soundTime is how long a sound server may take to answer.
const soundTime = 10 * time.Second

//go:embed sound.pa
var soundPA string

// soundServer is what a display's sound is made by. PipeWire has no program
// that is one by itself.
const soundServer = "pulseaudio"

// startSound starts a sound server for this display alone, if PulseAudio is
// installed. awaitSound waits for it.
func (s *server) startSound() error {
	if _, err := exec.LookPath(soundServer); err != nil {
		return nil
	}
	if most := len(unix.RawSockaddrUnix{}.Path); len(s.sound) >= most {
		return fmt.Errorf("%s: a socket's path must be shorter than %d bytes", s.sound, most)
	}
	script := filepath.Join(s.dir, "sound.pa")
	if err := os.WriteFile(script, []byte(strings.ReplaceAll(soundPA, "SOCKET", s.sound)), 0o600); err != nil {
		return err
	}
	args := []string{soundServer, "-n", "--file=" + script, "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1",
		"--disallow-module-loading=yes", "--realtime=no", "--high-priority=no", "--log-target=stderr"}
	private := filepath.Join(s.dir, "sound")
	var err error
	s.Sound, err = s.launch(args, "sound.log", "", []string{"PULSE_RUNTIME_PATH=" + private, "PULSE_STATE_PATH=" + private,
		"DBUS_SESSION_BUS_ADDRESS=disabled:"}) // it would start a bus
	return err
}

// awaitSound waits until the sound server answers. One that does not is ended.
func (s *server) awaitSound(ctx context.Context) (err error) {
	if s.Sound.PID == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, soundTime)
	defer cancel()
	for {
		conn, err := net.Dial("unix", s.sound)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-time.After(10 * time.Millisecond): // it says nothing when it is ready
			if s.Sound.Alive() {
				continue
			}
			err = fmt.Errorf("the sound server ended: %s", s.tail("sound.log"))
		case <-ctx.Done():
			err = errors.Join(ctx.Err(), err)
		}
		s.Sound.Signal(syscall.SIGKILL)
		ended := s.Sound.Done(context.WithoutCancel(ctx))
		s.Sound = process.ID{}
		return errors.Join(err, ended)
	}
}

// shareSound asks for sound in the session's server where this display has no
// server of its own.
func (s *server) shareSound(ctx context.Context) (err error) {
	if s.Sound.PID != 0 || s.sounds == nil {
		return nil
	}
	if s.Shared, err = s.sounds.Add(ctx, s.Instance); errors.Is(err, fusion.ErrUnsupported) {
		return nil // a viewer that asks for sound is told
	}
	return err
}

// plays gives the sound of this display.
func (s *server) plays() Sound {
	if s.Sound.PID == 0 {
		return s.Shared
	}
	return Sound{Server: s.sound, Sink: "hither", Microphone: "microphone", Speaking: "hither_microphone"} // as in sound.pa
}

// soundEnviron leads the display's programs to its sound, and away from any
// other.
func (s *server) soundEnviron() []string {
	sound := s.plays()
	if sound.Server == "" {
		return nil
	}
	return []string{"PULSE_SERVER=unix:" + sound.Server, "PULSE_SINK=" + sound.Sink, "PULSE_SOURCE=" + sound.Microphone,
		"PIPEWIRE_REMOTE=" + s.dir + "/none"} // programs that could use PipeWire take PulseAudio's protocol then
}
