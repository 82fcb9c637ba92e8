//go:build e2e && linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hither/mirror/wire"
)

// capture gives what this program prints until read is called.
func capture(t *testing.T) (read func() string) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stdout
	os.Stdout = f
	t.Cleanup(func() { os.Stdout = old; _ = f.Close() }) // a temporary file
	return func() string {
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
}

// decodes says that ffmpeg finds nothing wrong with a film.
func decodes(t *testing.T, file string) {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "warning", "-i", file, "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v: %s (run build/deps.sh test)", err, out)
	}
}

func TestRecordForAWhile(t *testing.T) {
	out, file := capture(t), filepath.Join(t.TempDir(), "a.webm")
	s := newScene(t, "record", "nas/win11", file, "--for", "700ms", "--json")
	v := s.view(t)
	defer v.Close()
	if v.query != "host=nas&screen=win11&viewOnly=1" {
		t.Errorf("asked for %q", v.query)
	}
	v.hello(t, "win11")
	v.wait(t, "an answer to the frame", isAck)
	s.ends(t, exitOK)
	var said recorded
	if err := json.Unmarshal([]byte(out()), &said); err != nil {
		t.Fatalf("%v: %s", err, out())
	}
	if said.File != file || said.Seconds < 0.6 || said.Seconds > 30 || said.Pictures < 2 || said.Width != 320 || said.Height != 200 {
		t.Errorf("said %+v", said)
	}
	decodes(t, file)
}

func TestInterruptEndsARecordingWell(t *testing.T) {
	out, file := capture(t), filepath.Join(t.TempDir(), "a.webm")
	s := newScene(t, "record", "nas/self/xterm-1", file)
	v := s.view(t)
	defer v.Close()
	v.hello(t, "xterm")
	v.wait(t, "an answer to the frame", isAck)
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	s.ends(t, exitOK)
	if !strings.Contains(out(), "pictures of 320×200") || len(s.node.ended) > 0 {
		t.Errorf("said %q; %d apps were ended", out(), len(s.node.ended))
	}
	decodes(t, file)
}

func TestALostScreenLeavesItsRecording(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.webm")
	s := newScene(t, "record", "nas/win11", file)
	v := s.view(t)
	v.hello(t, "win11")
	v.wait(t, "an answer to the frame", isAck)
	_ = v.Close()
	s.ends(t, exitOffline)
	decodes(t, file)
}

func TestViewRecords(t *testing.T) {
	out, file := capture(t), filepath.Join(t.TempDir(), "a.webm")
	s := newScene(t, "view", "nas/win11", "--record", file)
	v := s.view(t)
	defer v.Close()
	v.hello(t, "win11")
	v.wait(t, "the frame on the glass", isAck)
	if err := v.Write(wire.Closed{Reason: wire.Ended}.Append(nil)); err != nil {
		t.Fatal(err)
	}
	s.ends(t, exitOK)
	if !strings.HasPrefix(out(), file+": ") {
		t.Errorf("said %q", out())
	}
	decodes(t, file)
}
