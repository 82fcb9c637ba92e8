package hosttest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"hither/fusion"
)

// testGuests checks what is refused, and what the agent of s.Agent does.
func (s *suite) testGuests(t *testing.T) {
	guests, ctx := s.host.Guests(), s.ctx(t)
	all := func(what, machine string, cause error) {
		t.Helper()
		_, err := guests.Info(ctx, machine)
		refused(t, "info of "+what, err, cause)
		_, err = guests.Exec(ctx, machine, fusion.GuestCommand{Argv: []string{"true"}})
		refused(t, "exec in "+what, err, cause)
		refused(t, "read in "+what, guests.ReadFile(ctx, machine, "/etc/hostname", &bytes.Buffer{}), cause)
		refused(t, "write in "+what, guests.WriteFile(ctx, machine, "/tmp/x", strings.NewReader("x")), cause)
	}
	all("a computer", fusion.Self, fusion.ErrUnsupported)
	all("none", fresh("none"), fusion.ErrNotFound)
	if s.VMs {
		name := s.create(t, fusion.MachineSpec{}).Name
		all("a machine that is off", name, fusion.ErrUnsupported)
		must(t, "start", s.host.Machines().Do(ctx, name, fusion.Start))
		s.until(t, name, fusion.Running)
		all("a machine without an agent", name, fusion.ErrUnsupported)
	}
	for _, bad := range []fusion.GuestCommand{{}, {Argv: []string{""}}, {Argv: []string{strings.Repeat("x", 1<<20)}},
		{Argv: []string{"true"}, Stdin: make([]byte, fusion.MaxGuestInput+1)}, {Argv: []string{"true"}, Timeout: 24 * time.Hour}} {
		_, err := guests.Exec(ctx, fusion.Self, bad)
		refused(t, "a bad command", err, fusion.ErrInvalid)
	}
	for _, bad := range []string{"", "/", "etc/hostname", "/a\nb", "/" + strings.Repeat("x", 5000)} {
		refused(t, "a bad path", guests.ReadFile(ctx, fusion.Self, bad, &bytes.Buffer{}), fusion.ErrInvalid)
		refused(t, "a bad path", guests.WriteFile(ctx, fusion.Self, bad, strings.NewReader("")), fusion.ErrInvalid)
	}
	if s.Agent != "" {
		s.testAgent(t)
	}
}

func (s *suite) testAgent(t *testing.T) {
	guests, ctx := s.host.Guests(), s.ctx(t)
	info, err := guests.Info(ctx, s.Agent)
	must(t, "info", err)
	if info.Agent == "" || info.Interfaces == nil || info.FileSystems == nil {
		t.Errorf("something is missing in %+v", info)
	}
	out, err := guests.Exec(ctx, s.Agent, fusion.GuestCommand{Argv: []string{"echo", "a b", "*"}})
	if err != nil || string(out.Stdout) != "a b *\n" || out.ExitCode != 0 || len(out.Stderr) != 0 || out.Truncated {
		t.Errorf("echo: %+v, %v", out, err)
	}
	out, err = guests.Exec(ctx, s.Agent, fusion.GuestCommand{Argv: []string{"cat"}, Stdin: []byte("in\x00put")})
	if err != nil || string(out.Stdout) != "in\x00put" {
		t.Errorf("cat: %+v, %v", out, err)
	}
	if out, err = guests.Exec(ctx, s.Agent, fusion.GuestCommand{Argv: []string{"false"}}); err != nil || out.ExitCode != 1 {
		t.Errorf("false: %+v, %v", out, err)
	}
	if out, err = guests.Exec(ctx, s.Agent, fusion.GuestCommand{Argv: []string{"no-such-program"}}); err != nil || out.ExitCode != 127 || len(out.Stderr) == 0 {
		t.Errorf("no program: %+v, %v", out, err)
	}
	// Several pieces, and the empty file.
	for _, data := range [][]byte{bytes.Repeat([]byte("hither\x00\n"), 100_000), {}} {
		must(t, "write", guests.WriteFile(ctx, s.Agent, "/tmp/t-file", bytes.NewReader(data)))
		var back bytes.Buffer
		must(t, "read", guests.ReadFile(ctx, s.Agent, "/tmp/t-file", &back))
		if !bytes.Equal(back.Bytes(), data) {
			t.Errorf("%d bytes came back of %d", back.Len(), len(data))
		}
	}
	refused(t, "a file that is not there", guests.ReadFile(ctx, s.Agent, "/no/such/file", &bytes.Buffer{}), fusion.ErrNotFound)
}
