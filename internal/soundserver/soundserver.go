// Package soundserver starts sound servers for tests, and tells whether a tone
// is heard. A test that needs sound asks for a server of its own, which ends with
// the test: no device and no server of the user is touched.
package soundserver

import (
	"bytes"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Rate is how many samples a second each channel has.
const Rate = 48000

// Patience bounds how long a server may take to start, and a tone to be heard.
const Patience = time.Minute

// Server is a running sound server with one null sink, "out".
type Server struct {
	// Socket is its path; PULSE_SERVER is "unix:" and it.
	Socket   string
	bus      string // address of its D-Bus; "" is none
	programs []*program
}

// Start runs pulseaudio, with further modules if any are named, each with its
// arguments. It fails the test when that does not work.
func Start(t testing.TB, modules ...string) *Server {
	t.Helper()
	dir := directory(t)
	s := &Server{Socket: filepath.Join(dir, "native")}
	args := []string{"-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--realtime=no", "--high-priority=no",
		"--log-target=stderr", "--log-level=info", "--disable-shm=yes",
		"-L", "module-null-sink " + out,
		"-L", "module-native-protocol-unix auth-cookie-enabled=0 socket=" + s.Socket}
	for _, m := range modules {
		args = append(args, "-L", m)
	}
	s.run(t, dir, "pulseaudio", args...)
	s.until(t, "PulseAudio", func() bool { return strings.Contains(s.Said(), "Daemon startup complete") })
	return s
}

// out are the arguments of the sink that each server has.
const out = "sink_name=out rate=48000 channels=2 norewinds=1"

// directory makes one for a server, which goes with the test.
func directory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sound") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Said is what the server logged.
func (s *Server) Said() string {
	var all strings.Builder
	for _, p := range s.programs {
		all.WriteString(p.said.String())
	}
	return all.String()
}

// Kill ends the server as a crash does, and waits for it. It may be called
// again.
func (s *Server) Kill() {
	for _, p := range s.programs {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
	}
}

// Play lets pacat, a program that nobody here wrote, play samples into a sink of
// the server whose socket is given; "" is the default one. It ends with the test
// at the latest; wait waits until all is played.
func Play(t testing.TB, socket, sink string, pcm []int16) (wait func()) {
	t.Helper()
	args := []string{"--server=unix:" + socket, "--playback", "--raw", "--rate=48000", "--channels=2", "--format=s16le",
		"--latency-msec=20"}
	if sink != "" {
		args = append(args, "--device="+sink)
	}
	cmd := exec.Command("pacat", args...)
	cmd.Stdin = bytes.NewReader(Bytes(pcm))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatalf("pacat (install what is missing: build/deps.sh test): %v", err)
	}
	var once sync.Once
	var err error
	end := func() { once.Do(func() { err = cmd.Wait() }) }
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		end()
	})
	return func() {
		t.Helper()
		if end(); err != nil {
			t.Errorf("pacat: %v: %s", err, out.String())
		}
	}
}

// Bytes are samples as files hold them.
func Bytes(pcm []int16) []byte {
	b := make([]byte, 0, 2*len(pcm))
	for _, v := range pcm {
		b = append(b, byte(v), byte(uint16(v)>>8))
	}
	return b
}

// Tone is a sine of both channels, from the first sample.
func Tone(hertz, amplitude float64, lasts time.Duration) []int16 {
	n := int(lasts.Seconds() * Rate)
	pcm := make([]int16, 2*n)
	for i := range n {
		v := int16(amplitude * math.Sin(2*math.Pi*hertz*float64(i)/Rate))
		pcm[2*i], pcm[2*i+1] = v, v
	}
	return pcm
}

// Level is the amplitude of a frequency in the left of two channels (Goertzel,
// for any frequency).
func Level(pcm []int16, hertz float64) float64 {
	var re, im float64
	for i := 0; i < len(pcm); i += 2 {
		sin, cos := math.Sincos(2 * math.Pi * hertz * float64(i/2) / Rate)
		re += float64(pcm[i]) * cos
		im += float64(pcm[i]) * sin
	}
	return 2 * math.Hypot(re, im) / max(1, float64(len(pcm)/2))
}

// Heard records a source until 100 ms of it have at least so much of a tone, and
// gives how much. It does so with parec, a program that nobody here wrote.
func Heard(t testing.TB, socket, source string, hertz, least float64) (level float64) {
	t.Helper()
	read := record(t, socket, source)
	for end := time.Now().Add(Patience); time.Now().Before(end); {
		if level = Level(read(), hertz); level >= least {
			return level
		}
	}
	t.Fatalf("%.0f Hz is not heard at %s of %s", hertz, source, socket)
	return 0
}

// Now gives how much of a tone a source has in the second half of a second.
func Now(t testing.TB, socket, source string, hertz float64) (level float64) {
	t.Helper()
	read := record(t, socket, source)
	for range 5 {
		read()
	}
	for range 5 {
		level = max(level, Level(read(), hertz))
	}
	return level
}

// record gives 100 ms of a source with each call, until the test ends.
func record(t testing.TB, socket, source string) (read func() []int16) {
	t.Helper()
	cmd := exec.Command("parec", "--server=unix:"+socket, "--device="+source, "--raw", "--rate=48000", "--channels=2", "--format=s16le",
		"--latency-msec=20")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("parec (install what is missing: build/deps.sh test): %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	b := make([]byte, 2*2*Rate/10)
	return func() []int16 {
		t.Helper()
		if _, err := io.ReadFull(out, b); err != nil {
			t.Fatalf("parec: %v: %s", err, said.String())
		}
		pcm := make([]int16, len(b)/2)
		for i := range pcm {
			pcm[i] = int16(uint16(b[2*i]) | uint16(b[2*i+1])<<8)
		}
		return pcm
	}
}
