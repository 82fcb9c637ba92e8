package hosttest

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"hither/fusion"
)

// terminal opens one that the test closes.
func (s *suite) terminal(t *testing.T, machine string, options fusion.TerminalOptions) fusion.Terminal {
	t.Helper()
	term, err := s.host.Terminals().Open(s.ctx(t), machine, options)
	must(t, "open", err)
	t.Cleanup(func() { _ = term.Close() }) // it may have ended
	return term
}

// readUntil reads until want has come, or the end, whose error it gives.
func (s *suite) readUntil(t *testing.T, term fusion.Terminal, want string) error {
	t.Helper()
	cut := time.AfterFunc(s.Patience, func() { _ = term.Close() })
	defer cut.Stop()
	var all []byte
	for {
		chunk, err := term.Next()
		if err != nil {
			if want != "" {
				t.Fatalf("%q did not come, only %q: %v", want, all, err)
			}
			return err
		}
		if len(chunk.Data) == 0 || len(chunk.Data) > fusion.MaxTerminalChunk {
			t.Fatalf("a chunk of %d bytes", len(chunk.Data))
		}
		if all = append(all, chunk.Data...); want != "" && bytes.Contains(all, []byte(want)) {
			return nil
		}
	}
}

// ended checks an end that somebody wanted.
func ended(t *testing.T, err error) {
	t.Helper()
	var e *fusion.Error
	if !errors.As(err, &e) || !errors.Is(err, io.EOF) || e.Detail == "" {
		t.Errorf("it ended with %v", err)
	}
}

// testShell types into a shell of the computer, and leaves it.
func (s *suite) testShell(t *testing.T) {
	term := s.terminal(t, fusion.Self, fusion.TerminalOptions{Columns: 100, Rows: 30})
	if term.ViewOnly() {
		t.Error("it is for looking only")
	}
	word := fresh("word")
	if _, err := term.Write([]byte("echo " + word + "\n")); err != nil {
		t.Fatal(err)
	}
	_ = s.readUntil(t, term, word)
	must(t, "resize", term.Resize(80, 24))
	refused(t, "a size that makes no sense", term.Resize(-1, 24), fusion.ErrInvalid)
	if _, err := term.Write([]byte("exit\n")); err != nil {
		t.Fatal(err)
	}
	ended(t, s.readUntil(t, term, ""))

	terminals, ctx := s.host.Terminals(), s.ctx(t)
	_, err := terminals.Open(ctx, fusion.Self, fusion.TerminalOptions{ViewOnly: true})
	refused(t, "a shell to look at", err, fusion.ErrPermission)
	for _, bad := range []fusion.TerminalOptions{{Columns: -1}, {Rows: 5000}, {Term: "../x"}} {
		_, err := terminals.Open(ctx, fusion.Self, bad)
		refused(t, "bad options", err, fusion.ErrInvalid)
	}
	_, err = terminals.Open(ctx, fresh("none"), fusion.TerminalOptions{})
	refused(t, "no machine", err, fusion.ErrNotFound)
	closed := s.terminal(t, fusion.Self, fusion.TerminalOptions{})
	must(t, "close", closed.Close())
	if err := s.readUntil(t, closed, ""); err == nil {
		t.Error("a closed terminal goes on")
	}
}

// testSerial has two viewers of one console, which ends with its machine.
func (s *suite) testSerial(t *testing.T) {
	machines := s.host.Machines()
	name := s.create(t, fusion.MachineSpec{}).Name
	_, err := s.host.Terminals().Open(s.ctx(t), name, fusion.TerminalOptions{})
	refused(t, "of a machine that is off", err, fusion.ErrInvalid)
	must(t, "start", machines.Do(s.ctx(t), name, fusion.Start))
	s.until(t, name, fusion.Running)
	types, looks := s.terminal(t, name, fusion.TerminalOptions{}), s.terminal(t, name, fusion.TerminalOptions{ViewOnly: true})
	if types.ViewOnly() || !looks.ViewOnly() {
		t.Errorf("view only: %v and %v", types.ViewOnly(), looks.ViewOnly())
	}
	if _, err := types.Write([]byte("\n")); err != nil {
		t.Errorf("type: %v", err)
	}
	_, err = looks.Write([]byte("x"))
	refused(t, "type into a view for looking", err, fusion.ErrPermission)
	must(t, "resize", types.Resize(132, 43))
	must(t, "force off", machines.Do(s.ctx(t), name, fusion.ForceOff))
	ended(t, s.readUntil(t, types, ""))
	ended(t, s.readUntil(t, looks, ""))
}
