package hosttest

import (
	"context"
	"io"
	"strings"
	"sync"

	"hither/fusion"
)

// memoryBacklog is how many chunks wait for a viewer; more are left out.
const memoryBacklog = 256

type memoryTerminals struct{ m *Memory }

func (p memoryTerminals) Open(ctx context.Context, machine string, options fusion.TerminalOptions) (fusion.Terminal, error) {
	const op = "machine.console"
	if err := options.Check(); err != nil {
		return nil, err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	v, err := p.m.machine(op, machine)
	switch {
	case err != nil:
		return nil, err
	case machine == fusion.Self && options.ViewOnly:
		return nil, &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrPermission, Hint: "open it to type"}
	case v.State != fusion.Running && v.State != fusion.Paused:
		return nil, &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrInvalid, Detail: "it is off", Hint: "start it first"}
	}
	t := &memoryTerminal{m: p.m, machine: machine, viewOnly: options.ViewOnly, out: make(chan fusion.TerminalChunk, memoryBacklog),
		ended: make(chan struct{}), closed: make(chan struct{})}
	p.m.terminals[t] = struct{}{}
	return t, ctx.Err()
}

// memoryTerminal echoes what is typed: on a machine's console to all its viewers,
// in a shell to its own. A line "exit" ends a shell.
type memoryTerminal struct {
	m        *Memory
	machine  string
	viewOnly bool
	out      chan fusion.TerminalChunk
	skipped  int64 // m.mu guards it
	line     strings.Builder
	why      error // set before ended is closed
	ended    chan struct{}
	closed   chan struct{}
	once     sync.Once
}

func (t *memoryTerminal) Next() (fusion.TerminalChunk, error) {
	select {
	case chunk := <-t.out:
		return chunk, nil
	default:
	}
	select {
	case chunk := <-t.out:
		return chunk, nil
	case <-t.ended:
		select {
		case chunk := <-t.out: // it said that before
			return chunk, nil
		default:
			return fusion.TerminalChunk{}, t.why
		}
	case <-t.closed:
		return fusion.TerminalChunk{}, io.ErrClosedPipe
	}
}

func (t *memoryTerminal) Write(p []byte) (int, error) {
	if t.viewOnly {
		return 0, &fusion.Error{Op: "machine.console", Path: t.machine, Cause: fusion.ErrPermission, Hint: "open it to type"}
	}
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	if _, open := t.m.terminals[t]; !open {
		return 0, io.ErrClosedPipe
	}
	for other := range t.m.terminals {
		if other == t || other.machine == t.machine && t.machine != fusion.Self {
			other.take(p)
		}
	}
	if t.machine == fusion.Self {
		t.line.Write(p)
		if strings.HasSuffix(strings.TrimRight(t.line.String(), "\r\n"), "exit") {
			t.m.endTerminal(t, "the shell ended")
		}
	}
	return len(p), nil
}

// take gives a viewer what comes, or counts it. The caller holds mu.
func (t *memoryTerminal) take(p []byte) {
	select {
	case t.out <- fusion.TerminalChunk{Skipped: t.skipped, Data: append([]byte(nil), p...)}:
		t.skipped = 0
	default:
		t.skipped += int64(len(p))
	}
}

// endTerminal ends one. The caller holds mu.
func (m *Memory) endTerminal(t *memoryTerminal, why string) {
	if _, open := m.terminals[t]; open {
		delete(m.terminals, t)
		t.why = &fusion.Error{Op: "machine.console", Path: t.machine, Cause: io.EOF, Detail: why, Hint: "open it again"}
		close(t.ended)
	}
}

// endTerminals ends those of a machine that is off. The caller holds mu.
func (m *Memory) endTerminals(machine string) {
	for t := range m.terminals {
		if t.machine == machine {
			m.endTerminal(t, "the machine is off")
		}
	}
}

func (t *memoryTerminal) Resize(columns, rows int) error {
	return fusion.CheckTerminalSize(columns, rows)
}

func (t *memoryTerminal) ViewOnly() bool { return t.viewOnly }

func (t *memoryTerminal) Close() error {
	t.once.Do(func() {
		t.m.mu.Lock()
		delete(t.m.terminals, t)
		t.m.mu.Unlock()
		close(t.closed)
	})
	return nil
}
