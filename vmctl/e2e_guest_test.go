//go:build machines && e2e && linux

package vmctl

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	systems "hither/internal/guest"
	"hither/vmctl/domxml"
)

// withAgent runs a kernel of the host's without a disk, a Linux with a guest agent, and waits until that answers.
func withAgent(t *testing.T, s *Store, config Config, name string) {
	t.Helper()
	kernel, initramfs := systems.Agent(t, config.pool())
	p := domxml.Plan{Spec: fusion.MachineSpec{Name: name, MemoryBytes: 768 << 20, CPUs: 1}, UUID: newUUID(), Kind: "qemu", Pool: config.pool(),
		Card: domxml.NewCard("")}
	p.Agent = config.private().AgentSocket(p.UUID)
	root := must(domxml.Parse(must(p.Definition())(t)))(t)
	os := root.Need("os")
	os.Drop("boot")
	for name, value := range map[string]string{"kernel": kernel, "initrd": initramfs, "cmdline": "console=ttyS0 rdinit=/init mitigations=off quiet"} {
		os.Need(name).Data = value
	}
	ok(t, s.do(t.Context(), func(d driver) error { return d.define(root.String()) }))
	start := time.Now()
	ok(t, s.Do(t.Context(), name, fusion.Start))
	term := openConsole(t, s, name, fusion.TerminalOptions{ViewOnly: true})
	reads(t, term, "agent ready")
	eventually(t, "the agent answers", func() bool {
		_, err := s.Guests().Info(t.Context(), name)
		return err == nil
	})
	t.Logf("the agent answered after %v", time.Since(start).Round(time.Millisecond))
}

func TestGuestAgent(t *testing.T) {
	s, config := stage(t, "private")
	withAgent(t, s, config, "linux")
	ctx, guests := t.Context(), s.Guests()
	info := must(guests.Info(ctx, "linux"))(t)
	t.Logf("%+v", info)
	if info.Agent == "" || info.Hostname != "agent-guest" || info.Kernel == "" ||
		len(info.Interfaces) != 1 || info.Interfaces[0].MAC == "" || !slices.Contains(info.Interfaces[0].Addresses, "192.0.2.7/24") {
		t.Errorf("%+v", info)
	}
	run := func(c fusion.GuestCommand) fusion.GuestResult {
		t.Helper()
		start := time.Now()
		r, err := guests.Exec(ctx, "linux", c)
		ok(t, err)
		t.Logf("%q took %v", c.Argv, time.Since(start).Round(time.Millisecond))
		return r
	}
	if r := run(fusion.GuestCommand{Argv: []string{"sh", "-c", "echo out; echo err >&2; exit 7"}}); r.ExitCode != 7 || string(r.Stdout) != "out\n" || string(r.Stderr) != "err\n" {
		t.Errorf("%+v", r)
	}
	if r := run(fusion.GuestCommand{Argv: []string{"cat"}, Stdin: []byte("in\x00put")}); string(r.Stdout) != "in\x00put" {
		t.Errorf("%+v", r)
	}
	if r := run(fusion.GuestCommand{Argv: []string{"no-such-program"}}); r.ExitCode != 127 {
		t.Errorf("%+v", r)
	}
	// Far more than libvirt carries.
	if r := run(fusion.GuestCommand{Argv: []string{"sh", "-c", "dd if=/dev/zero bs=1M count=24; exit 5"}}); !r.Truncated || len(r.Stdout) != fusion.MaxGuestOutput || r.ExitCode != 5 {
		t.Errorf("%d bytes, %v, %d", len(r.Stdout), r.Truncated, r.ExitCode)
	}

	// What takes too long is killed, with what it started.
	_, err := guests.Exec(ctx, "linux", fusion.GuestCommand{Argv: []string{"sh", "-c", "sleep 4321 & wait"}, Timeout: 2 * time.Second})
	refused(t, err, fusion.ErrBusy)
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, err := guests.Exec(short, "linux", fusion.GuestCommand{Argv: []string{"sleep", "4321"}}); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, fusion.ErrBusy) {
		t.Errorf("got %v", err)
	}
	eventually(t, "they are killed", func() bool {
		r := run(fusion.GuestCommand{Argv: []string{"sh", "-c", `grep -l "^sleep" /proc/[0-9]*/cmdline | while read f; do tr '\0' ' ' <$f; done`}})
		return !strings.Contains(string(r.Stdout), "sleep 4321")
	})

	data := bytes.Repeat([]byte("0123456789abcde\n"), 20_000) // several pieces
	start := time.Now()
	ok(t, guests.WriteFile(ctx, "linux", "/tmp/file", bytes.NewReader(data)))
	wrote := time.Since(start)
	var back bytes.Buffer
	ok(t, guests.ReadFile(ctx, "linux", "/tmp/file", &back))
	t.Logf("320 kB written in %v, read in %v", wrote.Round(time.Millisecond), (time.Since(start) - wrote).Round(time.Millisecond))
	if !bytes.Equal(back.Bytes(), data) {
		t.Errorf("%d bytes came back", back.Len())
	}
	refused(t, guests.ReadFile(ctx, "linux", "/no/such/file", &back), fusion.ErrNotFound)
	refused(t, guests.WriteFile(ctx, "linux", "/no/such/dir/file", strings.NewReader("x")), fusion.ErrNotFound)

	ok(t, s.Do(ctx, "linux", fusion.Pause))
	_, err = guests.Info(ctx, "linux")
	refused(t, err, fusion.ErrUnsupported)
}
