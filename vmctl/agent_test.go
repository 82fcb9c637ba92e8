package vmctl

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"hither/fusion"
)

// scriptedAgent speaks the protocol of qemu-ga and runs programs here.
type scriptedAgent struct {
	forbids bool // guest-exec is switched off, as some distributions do

	mu   sync.Mutex // guards the fields below
	runs []*exec.Cmd
	outs []string
	late int // questions that are answered with "not yet"
}

func (a *scriptedAgent) answer(command string) string {
	var c struct {
		Execute   string
		Arguments struct {
			Path    string
			Arg     []string
			PID     int
			Capture bool `json:"capture-output"`
		}
	}
	if err := json.Unmarshal([]byte(command), &c); err != nil {
		return `{"error": {"class": "GenericError", "desc": "malformed"}}`
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.forbids:
		return `{"error": {"class": "CommandNotFound", "desc": "Command guest-exec has been disabled"}}`
	case c.Execute == "guest-exec" && c.Arguments.Capture:
		cmd := exec.Command(c.Arguments.Path, c.Arguments.Arg...)
		out, err := cmd.Output()
		if cmd.ProcessState == nil {
			return fmt.Sprintf(`{"error": {"class": "GenericError", "desc": %q}}`, err.Error())
		}
		a.runs, a.outs = append(a.runs, cmd), append(a.outs, string(out))
		return fmt.Sprintf(`{"return": {"pid": %d}}`, len(a.runs))
	case c.Execute == "guest-exec-status":
		if a.late--; a.late >= 0 {
			return `{"return": {"exited": false}}`
		}
		n := c.Arguments.PID - 1
		return fmt.Sprintf(`{"return": {"exited": true, "exitcode": %d, "out-data": %q}}`, a.runs[n].ProcessState.ExitCode(),
			base64.StdEncoding.EncodeToString([]byte(a.outs[n])))
	}
	return `{"error": {"class": "CommandNotFound", "desc": "unknown"}}`
}

func TestGuestRun(t *testing.T) {
	f := newFake()
	f.put(vm("1", "linux", fusion.Running))
	f.put(vm("2", "off", fusion.Off))
	s := store(t, f)
	_, _, err := s.GuestRun(t.Context(), "linux", []string{"/bin/sh"})
	if !errors.Is(err, fusion.ErrUnsupported) || !strings.Contains(fusion.Hint(err), "qemu-guest-agent") || !strings.Contains(fusion.Hint(err), "Hither") {
		t.Errorf("without an agent: %v (%s)", err, fusion.Hint(err))
	}
	f.guest = &scriptedAgent{late: 3}
	out, code, err := s.GuestRun(t.Context(), "linux", []string{"/bin/sh", "-c", `printf '%s\n' "$1"; exit 3`, "sh", "a b"})
	if err != nil || string(out) != "a b\n" || code != 3 {
		t.Errorf("got %q, %d, %v", out, code, err)
	}
	for name, want := range map[string]error{"off": fusion.ErrUnsupported, "none": fusion.ErrNotFound} {
		if _, _, err := s.GuestRun(t.Context(), name, []string{"/bin/sh"}); !errors.Is(err, want) || fusion.Hint(err) == "" {
			t.Errorf("%s: %v (%s)", name, err, fusion.Hint(err))
		}
	}
	f.guest.forbids = true
	if _, _, err := s.GuestRun(t.Context(), "linux", []string{"/bin/sh"}); !errors.Is(err, fusion.ErrUnsupported) || !strings.Contains(fusion.Hint(err), "guest-exec") {
		t.Errorf("forbidden: %v (%s)", err, fusion.Hint(err))
	}
}

// FuzzAnswer: a guest may answer anything.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"return": {"exited": true, "exitcode": 0, "out-data": "YQ=="}}`))
	f.Add([]byte(`{"error": {"class": "x", "desc": "y"}}`))
	f.Add([]byte(`{"return": null}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var e execution
		if err := parseAnswer(text, &e); err == nil && len(e.Out) > len(text) {
			t.Errorf("%d bytes out of %d", len(e.Out), len(text))
		}
	})
}
