package hosttest

import (
	"bytes"
	"context"
	"io"
	"strings"

	"hither/fusion"
)

// GiveAgent lets a machine have a guest agent, which knows the programs echo, cat
// and false, and keeps files.
func (m *Memory) GiveAgent(machine string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.agents[machine] = map[string][]byte{}
}

type memoryGuests struct{ m *Memory }

// agent finds the files of a machine's guest. The caller holds mu.
func (p memoryGuests) agent(op, machine string) (map[string][]byte, error) {
	v, err := p.m.machine(op, machine)
	if err != nil {
		return nil, err
	}
	files, there := p.m.agents[machine]
	if !there || v.State != fusion.Running {
		return nil, &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrUnsupported, Detail: "no guest agent answers in it", Hint: "install one"}
	}
	return files, nil
}

func (p memoryGuests) Info(ctx context.Context, machine string) (fusion.GuestInfo, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if _, err := p.agent("machine.guest", machine); err != nil {
		return fusion.GuestInfo{}, err
	}
	return fusion.GuestInfo{Agent: "1.0", Hostname: machine, OS: "Memory",
		Interfaces:  []fusion.GuestInterface{{Name: "eth0", MAC: "52:54:00:00:00:01", Addresses: []string{"10.0.2.15/24", "fe80::1/64"}}},
		FileSystems: []fusion.GuestFileSystem{{MountPoint: "/", Type: "ext4", TotalBytes: 8 << 30, UsedBytes: 3 << 30}}}, ctx.Err()
}

func (p memoryGuests) Exec(ctx context.Context, machine string, c fusion.GuestCommand) (fusion.GuestResult, error) {
	if err := c.Check(); err != nil {
		return fusion.GuestResult{}, err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if _, err := p.agent("machine.exec", machine); err != nil {
		return fusion.GuestResult{}, err
	}
	var r fusion.GuestResult
	switch c.Argv[0] {
	case "echo":
		r.Stdout = []byte(strings.Join(c.Argv[1:], " ") + "\n")
	case "cat":
		r.Stdout = c.Stdin
	case "false":
		r.ExitCode, r.Stderr = 1, []byte("no\n")
	default:
		r.ExitCode, r.Stderr = 127, []byte(c.Argv[0]+": not found\n")
	}
	return r, ctx.Err()
}

func (p memoryGuests) ReadFile(ctx context.Context, machine, path string, w io.Writer) error {
	if err := fusion.CheckGuestPath(path); err != nil {
		return err
	}
	p.m.mu.Lock()
	files, err := p.agent("machine.read", machine)
	data, there := files[path]
	p.m.mu.Unlock()
	if err == nil && !there {
		err = &fusion.Error{Op: "machine.read", Path: machine, Cause: fusion.ErrNotFound, Hint: "see that the path is right"}
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(w, bytes.NewReader(data))
	return err
}

func (p memoryGuests) WriteFile(ctx context.Context, machine, path string, r io.Reader) error {
	if err := fusion.CheckGuestPath(path); err != nil {
		return err
	}
	p.m.mu.Lock()
	files, err := p.agent("machine.write", machine)
	p.m.mu.Unlock()
	if err != nil {
		return err
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	files[path] = data
	return nil
}
