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
	"hither/vmctl/guest"
)

// scriptedAgent speaks the protocol of qemu-ga and runs programs here.
type scriptedAgent struct {
	fails string // what libvirt says instead

	mu   sync.Mutex // guards the fields below
	runs []*exec.Cmd
	outs []string
	late int // questions that are answered with "not yet"
}

func (a *scriptedAgent) answer(command string) (string, error) {
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
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.fails != "":
		return "", agentFailure(a.fails)
	case c.Execute == "guest-exec" && c.Arguments.Capture:
		cmd := exec.Command(c.Arguments.Path, c.Arguments.Arg...)
		out, err := cmd.Output()
		if cmd.ProcessState == nil {
			return "", &guest.Refusal{Words: err.Error()}
		}
		a.runs, a.outs = append(a.runs, cmd), append(a.outs, string(out))
		return fmt.Sprintf(`{"return": {"pid": %d}}`, len(a.runs)), nil
	case c.Execute == "guest-exec-status":
		if a.late--; a.late >= 0 {
			return `{"return": {"exited": false}}`, nil
		}
		n := c.Arguments.PID - 1
		return fmt.Sprintf(`{"return": {"exited": true, "exitcode": %d, "out-data": %q}}`, a.runs[n].ProcessState.ExitCode(),
			base64.StdEncoding.EncodeToString([]byte(a.outs[n]))), nil
	}
	return "", &guest.Refusal{Words: "The command " + c.Execute + " has not been found"}
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
	agent := &scriptedAgent{late: 3}
	f.guest = agent
	out, code, err := s.GuestRun(t.Context(), "linux", []string{"/bin/sh", "-c", `printf '%s\n' "$1"; exit 3`, "sh", "a b"})
	if err != nil || string(out) != "a b\n" || code != 3 {
		t.Errorf("got %q, %d, %v", out, code, err)
	}
	for name, want := range map[string]error{"off": fusion.ErrUnsupported, "none": fusion.ErrNotFound} {
		if _, _, err := s.GuestRun(t.Context(), name, []string{"/bin/sh"}); !errors.Is(err, want) || fusion.Hint(err) == "" {
			t.Errorf("%s: %v (%s)", name, err, fusion.Hint(err))
		}
	}
	for _, c := range []struct {
		fails string // what libvirt 9.0 and 11 say
		cause error
		hint  string
	}{
		{"internal error: unable to execute QEMU agent command 'guest-exec': Command guest-exec has been disabled", fusion.ErrUnsupported, "guest-exec"},
		{"guest agent command failed: unable to execute QEMU agent command 'guest-exec': The command guest-exec has not been found", fusion.ErrUnsupported, "guest-exec"},
		{"internal error: unable to execute QEMU agent command 'guest-exec': Guest agent command failed, error was 'Failed to execute child process “/bin/sh” (No such file or directory)'", fusion.ErrUnsupported, "Linux"},
		{"Guest agent is not responding: Guest agent not available for now", fusion.ErrBusy, "again"},
	} {
		agent.fails = c.fails
		if _, _, err := s.GuestRun(t.Context(), "linux", []string{"/bin/sh"}); !errors.Is(err, c.cause) || !strings.Contains(fusion.Hint(err), c.hint) {
			t.Errorf("%s: %v (%s)", c.fails, err, fusion.Hint(err))
		}
	}
}
