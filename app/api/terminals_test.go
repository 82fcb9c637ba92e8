package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hither/fusion"
	"hither/fusion/hosttest"
	pb "hither/proto/hither/v1"
)

// openShell opens a shell and closes it.
func openShell(ctx context.Context, host fusion.Host) error {
	term, err := host.Terminals().Open(ctx, fusion.Self, fusion.TerminalOptions{})
	if err != nil {
		return err
	}
	return term.Close()
}

// withVM makes the machine "vm" on the scene's host, with a guest agent.
func (s *scene) withVM() {
	s.t.Helper()
	memory := s.node.host.(*hosttest.Memory)
	if _, err := memory.Machines().Create(s.t.Context(), fusion.MachineSpec{Name: "vm", Start: true}); err != nil {
		s.t.Fatal(err)
	}
	memory.GiveAgent("vm")
}

// nextOf reads one chunk or the end.
func nextOf(t *testing.T, term fusion.Terminal) (string, error) {
	t.Helper()
	cut := time.AfterFunc(patience, func() { _ = term.Close() })
	defer cut.Stop()
	chunk, err := term.Next()
	return string(chunk.Data), err
}

func TestTerminalsNeedControlToType(t *testing.T) {
	s := newScene(t)
	s.withVM()
	host := hostOf(s.peer("laptop"), "")
	for grant, want := range map[fusion.Capability]string{fusion.ViewCap: "looks", fusion.ControlCap: "types", fusion.AdminCap: "types",
		fusion.AppsCap: "looks", fusion.FilesCap: "nothing", fusion.MeshCap: "nothing"} {
		s.node.grant("laptop", grant)
		shell := openShell(t.Context(), host)
		if got := errors.Is(shell, fusion.ErrPermission); got == (want == "types") || got && fusion.Hint(shell) == "" {
			t.Errorf("%s: a shell gives %v (%s)", grant, shell, fusion.Hint(shell))
		}
		term, err := host.Terminals().Open(t.Context(), "vm", fusion.TerminalOptions{})
		if want == "nothing" {
			if !errors.Is(err, fusion.ErrPermission) {
				t.Errorf("%s: a console gives %v", grant, err)
			}
			continue
		}
		if err != nil || term.ViewOnly() != (want == "looks") {
			t.Errorf("%s: %v", grant, err)
			continue
		}
		if err := term.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestGrantsChangedEndsTerminals(t *testing.T) {
	s := newScene(t)
	s.withVM()
	host := hostOf(s.peer("laptop"), "")
	s.node.grant("laptop", fusion.ControlCap)
	types, err := host.Terminals().Open(t.Context(), "vm", fusion.TerminalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer types.Close()
	looks, err := host.Terminals().Open(t.Context(), "vm", fusion.TerminalOptions{ViewOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer looks.Close()
	s.waitViews(2)
	s.node.grant("laptop", fusion.ViewCap)
	s.server.GrantsChanged("laptop")
	if _, err := nextOf(t, types); !errors.Is(err, fusion.ErrPermission) || !strings.Contains(err.Error(), "taken away") {
		t.Errorf("it ended with %v", err)
	}
	s.waitViews(1)
}

func TestTerminalIsPassedOnForTheOwner(t *testing.T) {
	s := newScene(t)
	owner := s.owner()
	term, err := hostOf(owner, "nas").Terminals().Open(t.Context(), fusion.Self, fusion.TerminalOptions{Columns: 80, Rows: 24, Term: "xterm"})
	if err != nil {
		t.Fatal(err)
	}
	defer term.Close()
	if _, err := term.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if got, err := nextOf(t, term); got != "hello" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	s.node.grant("laptop", fusion.AdminCap)
	if err := openShell(t.Context(), hostOf(s.peer("laptop"), "nas")); !errors.Is(err, fusion.ErrPermission) {
		t.Errorf("passed on for another computer: %v", err)
	}
}

func TestTerminalOverAWebSocket(t *testing.T) {
	w := newWeb(t)
	dial := func(first any) *websocket.Conn {
		t.Helper()
		conn, _, err := websocket.Dial(t.Context(), "ws://"+w.addr+"/terminal", &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"http://" + w.addr}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.CloseNow() }) // it may have ended
		text, err := json.Marshal(first)
		if err == nil {
			err = conn.Write(t.Context(), websocket.MessageText, text)
		}
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	read := func(conn *websocket.Conn) []byte {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, m, err := conn.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, first := range []any{map[string]any{"machine": "self"}, map[string]any{"bearer": "wrong", "machine": "self"}, map[string]any{"bearer": w.bearer()}, 5} {
		var said pb.Error
		if err := json.Unmarshal(read(dial(first)), &said); err != nil || said.Hint == "" {
			t.Errorf("%v: %+v, %v", first, &said, err)
		}
	}
	conn := dial(map[string]any{"bearer": w.bearer(), "machine": "self", "columns": 80, "rows": 24})
	if m := read(conn); !bytes.Equal(m, []byte{1, 1, 0}) {
		t.Errorf("the hello is %x", m)
	}
	if err := conn.Write(t.Context(), websocket.MessageBinary, append([]byte{0x81}, "exit\n"...)); err != nil {
		t.Fatal(err)
	}
	if m := read(conn); string(m) != "\x02exit\n" {
		t.Errorf("echoed %q", m)
	}
	if m := read(conn); string(m) != "\x05\x00the shell ended\nopen it again" {
		t.Errorf("closed by %q", m)
	}
	other, res, err := websocket.Dial(t.Context(), "ws://"+w.addr+"/terminal", &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"http://evil.example"}}})
	if err == nil || res == nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("another origin: %v, %v", other, err)
	}
}

func TestGuestsOverTheAPI(t *testing.T) {
	s := newScene(t)
	s.withVM()
	owner := hostOf(s.owner(), "")
	info, err := owner.Guests().Info(t.Context(), "vm")
	if err != nil || info.Hostname != "vm" || len(info.Interfaces) != 1 || len(info.Interfaces[0].Addresses) != 2 || info.FileSystems[0].TotalBytes != 8<<30 {
		t.Errorf("info: %+v, %v", info, err)
	}
	r, err := owner.Guests().Exec(t.Context(), "vm", fusion.GuestCommand{Argv: []string{"false"}, Timeout: time.Second})
	if err != nil || r.ExitCode != 1 || string(r.Stderr) != "no\n" {
		t.Errorf("exec: %+v, %v", r, err)
	}
	if r, err = owner.Guests().Exec(t.Context(), "vm", fusion.GuestCommand{Argv: []string{"cat"}, Stdin: []byte("a\x00b")}); err != nil || string(r.Stdout) != "a\x00b" {
		t.Errorf("exec with input: %+v, %v", r, err)
	}
	for _, data := range [][]byte{bytes.Repeat([]byte("hither"), 200_000), {}} {
		var back bytes.Buffer
		if err := errors.Join(owner.Guests().WriteFile(t.Context(), "vm", "/tmp/a b?&", bytes.NewReader(data)), owner.Guests().ReadFile(t.Context(), "vm", "/tmp/a b?&", &back)); err != nil || !bytes.Equal(back.Bytes(), data) {
			t.Errorf("%d of %d bytes came back: %v", back.Len(), len(data), err)
		}
	}
	for what, err := range map[string]error{
		"no file":    owner.Guests().ReadFile(t.Context(), "vm", "/none", io.Discard),
		"no machine": owner.Guests().ReadFile(t.Context(), "none", "/none", io.Discard),
	} {
		if !errors.Is(err, fusion.ErrNotFound) || fusion.Hint(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	laptop := hostOf(s.peer("laptop"), "")
	s.node.grant("laptop", fusion.ViewCap)
	if _, err := laptop.Guests().Info(t.Context(), "vm"); err != nil {
		t.Errorf("info with view: %v", err)
	}
	for what, err := range map[string]error{
		"read":  laptop.Guests().ReadFile(t.Context(), "vm", "/tmp/x", io.Discard),
		"write": laptop.Guests().WriteFile(t.Context(), "vm", "/tmp/x", strings.NewReader("x")),
	} {
		if !errors.Is(err, fusion.ErrPermission) || fusion.Hint(err) == "" {
			t.Errorf("%s with view: %v", what, err)
		}
	}
	broken := errors.New("the line broke")
	if err := owner.Guests().WriteFile(t.Context(), "vm", "/tmp/x", io.MultiReader(strings.NewReader("begin"), readError{broken})); !errors.Is(err, broken) {
		t.Errorf("a source that breaks: %v", err)
	}
}

type readError struct{ err error }

func (r readError) Read([]byte) (int, error) { return 0, r.err }
