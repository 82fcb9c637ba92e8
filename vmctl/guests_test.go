package vmctl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"hither/fusion"
	"hither/vmctl/guest"
)

// hostAgent speaks qemu-ga's protocol for this computer: programs and files are
// real, the rest is a fixed answer.
type hostAgent struct {
	says   map[string]string // answers of other commands
	refuse map[string]string // by command, in the agent's words

	mu    sync.Mutex // guards the fields below
	runs  map[int]*hostProgram
	files map[int]*os.File
}

type hostProgram struct {
	cmd      *exec.Cmd
	out, err bytes.Buffer
	done     chan struct{}
}

func (a *hostAgent) answer(command string) (string, error) {
	var c struct {
		Execute   string
		Arguments struct {
			Path, Mode string
			Arg        []string
			Input      []byte `json:"input-data"`
			PID        int
			Handle     int
			Count      int
			Data       []byte `json:"buf-b64"`
		}
	}
	if err := json.Unmarshal([]byte(command), &c); err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if desc, there := a.refuse[c.Execute]; there {
		return "", &guest.Refusal{Words: desc}
	}
	g := c.Arguments
	switch c.Execute {
	case "guest-exec":
		return a.exec(g.Path, g.Arg, g.Input)
	case "guest-exec-status":
		return a.status(g.PID)
	case "guest-file-open":
		flags := map[string]int{"r": os.O_RDONLY, "w": os.O_WRONLY | os.O_CREATE | os.O_TRUNC}
		f, err := os.OpenFile(g.Path, flags[g.Mode], 0o644)
		if err != nil {
			return "", &guest.Refusal{Words: "failed to open file: No such file or directory"}
		}
		a.files[len(a.files)+1000] = f
		return returns(len(a.files) + 999)
	case "guest-file-read":
		buf := make([]byte, g.Count)
		n, _ := a.files[g.Handle].Read(buf)
		return returns(map[string]any{"count": n, "buf-b64": buf[:n], "eof": n == 0})
	case "guest-file-write":
		n, err := a.files[g.Handle].Write(g.Data[:(len(g.Data)+1)/2]) // never all at once
		if err != nil {
			return "", &guest.Refusal{Words: err.Error()}
		}
		return returns(map[string]any{"count": n})
	case "guest-file-flush":
		return returns(struct{}{})
	case "guest-file-close":
		if err := a.files[g.Handle].Close(); err != nil {
			return "", &guest.Refusal{Words: err.Error()}
		}
		return returns(struct{}{})
	}
	if text, there := a.says[c.Execute]; there {
		return `{"return": ` + text + `}`, nil
	}
	return "", &guest.Refusal{Words: "The command " + c.Execute + " has not been found"}
}

func returns(value any) (string, error) {
	text, err := json.Marshal(map[string]any{"return": value})
	return string(text), err
}

func (a *hostAgent) exec(path string, args []string, input []byte) (string, error) {
	p := &hostProgram{cmd: exec.Command(path, args...), done: make(chan struct{})}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = bytes.NewReader(input), &p.out, &p.err
	if err := p.cmd.Start(); err != nil {
		return "", &guest.Refusal{Words: "Failed to execute child process “" + path + "” (No such file or directory)"}
	}
	go func() {
		_ = p.cmd.Wait() // its state says how
		close(p.done)
	}()
	a.runs[p.cmd.Process.Pid] = p
	return returns(map[string]any{"pid": p.cmd.Process.Pid})
}

func (a *hostAgent) status(pid int) (string, error) {
	p := a.runs[pid]
	select {
	case <-p.done:
		return returns(map[string]any{"exited": true, "exitcode": max(0, p.cmd.ProcessState.ExitCode()), "out-data": p.out.Bytes(), "err-data": p.err.Bytes()})
	default:
		return returns(map[string]any{"exited": false})
	}
}

// agentHost is a Store with the machine "linux", whose guest is this computer.
func agentHost(t *testing.T) (*Store, *hostAgent) {
	t.Helper()
	f := newFake()
	a := &hostAgent{says: map[string]string{}, refuse: map[string]string{}, runs: map[int]*hostProgram{}, files: map[int]*os.File{}}
	f.guest = a
	f.put(vm("1", "linux", fusion.Running))
	f.put(vm("2", "off", fusion.Off))
	t.Cleanup(func() {
		for _, p := range a.runs {
			<-p.done
		}
	})
	return store(t, f), a
}

func TestExec(t *testing.T) {
	s, a := agentHost(t)
	sh := func(script string) fusion.GuestResult {
		t.Helper()
		return must(s.Guests().Exec(t.Context(), "linux", fusion.GuestCommand{Argv: []string{"sh", "-c", script}}))(t)
	}
	if r := sh("echo out; echo err >&2; exit 7"); r.ExitCode != 7 || string(r.Stdout) != "out\n" || string(r.Stderr) != "err\n" || r.Truncated {
		t.Errorf("%+v", r)
	}
	if r := sh("kill -TERM $$"); r.ExitCode != 128+15 {
		t.Errorf("killed: %+v", r)
	}
	if r := must(s.Guests().Exec(t.Context(), "linux", fusion.GuestCommand{Argv: []string{"cat"}, Stdin: []byte("a\x00b")}))(t); string(r.Stdout) != "a\x00b" {
		t.Errorf("cat: %q", r.Stdout)
	}
	if r := must(s.Guests().Exec(t.Context(), "linux", fusion.GuestCommand{Argv: []string{"printf", "%s|", "a b", "$HOME", "*"}}))(t); string(r.Stdout) != "a b|$HOME|*|" {
		t.Errorf("a shell looked at the arguments: %q", r.Stdout)
	}
	if r := must(s.Guests().Exec(t.Context(), "linux", fusion.GuestCommand{Argv: []string{"no-such-program"}}))(t); r.ExitCode != 127 || len(r.Stderr) == 0 {
		t.Errorf("%+v", r)
	}
	big := sh("head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2; exit 3")
	if !big.Truncated || len(big.Stdout) != fusion.MaxGuestOutput || len(big.Stderr) != fusion.MaxGuestOutput || big.ExitCode != 3 {
		t.Errorf("%d and %d bytes, %v, %d", len(big.Stdout), len(big.Stderr), big.Truncated, big.ExitCode)
	}
	for name, want := range map[string]error{"off": fusion.ErrUnsupported, "none": fusion.ErrNotFound, fusion.Self: fusion.ErrUnsupported} {
		_, err := s.Guests().Exec(t.Context(), name, fusion.GuestCommand{Argv: []string{"true"}})
		refused(t, err, want)
	}
	a.refuse["guest-exec"] = "Command guest-exec has been disabled"
	_, err := s.Guests().Exec(t.Context(), "linux", fusion.GuestCommand{Argv: []string{"true"}})
	refused(t, err, fusion.ErrUnsupported)
	a.refuse["guest-exec"] = "Failed to execute child process “setsid”"
	_, err = s.Guests().Exec(t.Context(), "linux", fusion.GuestCommand{Argv: []string{"cmd.exe"}})
	refused(t, err, fusion.ErrInvalid)
}

// A program that takes too long, or that nobody waits for any more, is killed with
// what it started.
func TestExecKills(t *testing.T) {
	s, a := agentHost(t)
	sleep := fusion.GuestCommand{Argv: []string{"sh", "-c", "sleep 3600 & wait"}, Timeout: 300 * time.Millisecond}
	_, err := s.Guests().Exec(t.Context(), "linux", sleep)
	refused(t, err, fusion.ErrBusy)
	if !strings.Contains(err.Error(), "killed") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	sleep.Timeout = 0
	time.AfterFunc(300*time.Millisecond, cancel)
	if _, err := s.Guests().Exec(ctx, "linux", sleep); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	a.mu.Lock()
	runs := a.runs
	a.mu.Unlock()
	for _, p := range runs {
		select {
		case <-p.done: // its outputs are closed, so nothing it started is left
		case <-time.After(patience):
			t.Errorf("%v goes on", p.cmd.Args)
		}
	}
}

func TestGuestFiles(t *testing.T) {
	s, a := agentHost(t)
	path := t.TempDir() + "/file"
	for _, data := range [][]byte{bytes.Repeat([]byte("0123456789\x00"), 60_000), {}, []byte("short")} {
		ok(t, s.Guests().WriteFile(t.Context(), "linux", path, bytes.NewReader(data)))
		if got := must(os.ReadFile(path))(t); !bytes.Equal(got, data) {
			t.Errorf("%d bytes of %d are in the file", len(got), len(data))
		}
		var back bytes.Buffer
		ok(t, s.Guests().ReadFile(t.Context(), "linux", path, &back))
		if !bytes.Equal(back.Bytes(), data) {
			t.Errorf("%d bytes of %d came back", back.Len(), len(data))
		}
	}
	refused(t, s.Guests().ReadFile(t.Context(), "linux", "/no/such/file", &bytes.Buffer{}), fusion.ErrNotFound)
	refused(t, s.Guests().ReadFile(t.Context(), "linux", "relative", &bytes.Buffer{}), fusion.ErrInvalid)
	broken := errors.New("the disk here is full")
	if err := s.Guests().ReadFile(t.Context(), "linux", path, failing{broken}); err != broken {
		t.Errorf("got %v", err)
	}
	small := guests{s, 1 << 20}
	refused(t, small.ReadFile(t.Context(), "linux", "/dev/zero", io.Discard), fusion.ErrInvalid)
	refused(t, small.WriteFile(t.Context(), "linux", path, endlessly{}), fusion.ErrInvalid)
	a.refuse["guest-file-open"] = "Command guest-file-open has been disabled"
	refused(t, s.Guests().WriteFile(t.Context(), "linux", path, strings.NewReader("x")), fusion.ErrUnsupported)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.files {
		if err := f.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s stays open", f.Name())
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

type endlessly struct{}

func (endlessly) Read(p []byte) (int, error) { return len(p), nil }

func TestGuestInfo(t *testing.T) {
	s, a := agentHost(t)
	a.says["guest-info"] = `{"version": "7.2.19", "supported_commands": []}`
	a.says["guest-get-host-name"] = `{"host-name": "web\u001b[31m1"}`
	a.says["guest-get-osinfo"] = `{"pretty-name": "Debian GNU/Linux 12 (bookworm)", "kernel-release": "6.1.0-9-amd64"}`
	a.says["guest-network-get-interfaces"] = `[{"name": "lo", "ip-addresses": [{"ip-address": "127.0.0.1", "prefix": 8}]},
		{"name": "lo", "hardware-address": "00:00:00:00:00:00"},
		{"name": "eth0", "hardware-address": "52:54:00:12:34:56", "ip-addresses": [{"ip-address": "10.0.2.15", "prefix": 24},
		{"ip-address": "<script>", "prefix": 24}, {"ip-address": "fe80::1", "prefix": 999}, {"ip-address": "fec0::2", "prefix": 64}]}]`
	a.says["guest-get-fsinfo"] = `[{"mountpoint": "/home", "type": "ext4", "used-bytes": 3, "total-bytes": 2},
		{"mountpoint": "/", "type": "ext4", "used-bytes": 1e3, "total-bytes": 9007199254740993}, {"mountpoint": "/boot", "type": "vfat"}]`
	info := must(s.Guests().Info(t.Context(), "linux"))(t)
	want := `{7.2.19 web[31m1 Debian GNU/Linux 12 (bookworm) 6.1.0-9-amd64 ` +
		`[{eth0 52:54:00:12:34:56 [10.0.2.15/24 fec0::2/64]}] [{/ ext4 9007199254740993 0} {/boot vfat 0 0} {/home ext4 2 2}]}`
	if got := fmt.Sprint(info); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// An agent of which most is switched off.
	a.says = map[string]string{"guest-info": `{"version": "5.1"}`}
	if info := must(s.Guests().Info(t.Context(), "linux"))(t); info.Agent != "5.1" || info.Interfaces == nil || info.FileSystems == nil {
		t.Errorf("%+v", info)
	}
	a.says["guest-network-get-interfaces"] = `"nonsense"`
	if _, err := s.Guests().Info(t.Context(), "linux"); err == nil {
		t.Error("nonsense was taken")
	}
}
