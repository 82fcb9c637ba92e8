package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"hither/app/client"
	"hither/fusion"
)

// followTime is how long the machine of a lost console is looked for on other hosts.
const followTime = 15 * time.Second

// followed is a serial console that goes along with its machine: when it is lost and the
// machine turns up on another host, it is opened there. What comes is whole, as the host
// there keeps it from the moment when the machine goes on.
type followed struct {
	c       *client.Client
	options fusion.TerminalOptions
	uuid    string // of the machine
	moved   func(m fusion.Machine)
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc

	mu   sync.Mutex // guards the fields below
	host string     // where it is
	now  fusion.Terminal
	end  error         // why it has ended
	next chan struct{} // closed when now or end changes
}

var _ fusion.Terminal = (*followed)(nil)

// openFollowed opens the console of a machine; ctx bounds the opening only.
func openFollowed(ctx context.Context, c *client.Client, at fusion.Address, options fusion.TerminalOptions, moved func(fusion.Machine)) (fusion.Terminal, error) {
	host := c.Host(at.Host)
	t, err := host.Terminals().Open(ctx, at.Machine, options)
	if err != nil || at.Machine == fusion.Self {
		return t, err
	}
	m, err := host.Machines().Get(ctx, at.Machine)
	if err != nil || m.UUID == "" {
		return t, nil // what it is is not known, so that it cannot be found elsewhere
	}
	f := &followed{c: c, options: options, uuid: m.UUID, moved: moved, host: m.Host, now: t, next: make(chan struct{})}
	f.ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return f, nil
}

// present gives the terminal of now and what is closed when that changes.
func (f *followed) present() (fusion.Terminal, <-chan struct{}, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now, f.next, f.end
}

func (f *followed) Next() (fusion.TerminalChunk, error) {
	for {
		t, _, end := f.present()
		if end != nil {
			return fusion.TerminalChunk{}, end
		}
		chunk, err := t.Next()
		if err == nil {
			return chunk, nil
		}
		f.lost(err)
	}
}

// lost goes after the machine, or ends with why.
func (f *followed) lost(why error) {
	var t fusion.Terminal
	var m fusion.Machine
	if errors.Is(why, fusion.ErrOffline) {
		ctx, cancel := context.WithTimeout(f.ctx, followTime)
		defer cancel()
		found := false
		if m, found = f.elsewhere(ctx); found {
			t, why = f.c.Host(m.Host).Terminals().Open(ctx, m.Name, f.options)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.now.Close() // it has ended
	if f.ctx.Err() != nil && t != nil {
		_ = t.Close() // nobody looks any more
		t = nil
	}
	if t == nil {
		f.end = why
	} else {
		f.now, f.host = t, m.Host
		f.moved(m)
	}
	close(f.next)
	f.next = make(chan struct{})
}

// elsewhere waits for the machine on another host than it was on.
func (f *followed) elsewhere(ctx context.Context) (fusion.Machine, bool) {
	for e, err := range f.c.WatchAll(ctx) {
		switch {
		case err != nil:
			return fusion.Machine{}, false
		case e.Machine != nil && !e.Removed && e.Machine.UUID == f.uuid && e.Machine.Host != f.host:
			return *e.Machine, true
		}
	}
	return fusion.Machine{}, false
}

// Write types; what is typed while the machine moves waits until it is there.
func (f *followed) Write(p []byte) (int, error) {
	for {
		t, next, end := f.present()
		if end != nil {
			return 0, end
		}
		n, err := t.Write(p)
		if err == nil || errors.Is(err, fusion.ErrPermission) {
			return n, err
		}
		p = p[n:]
		select {
		case <-next:
		case <-f.ctx.Done():
			return 0, err
		}
	}
}

func (f *followed) Resize(columns, rows int) error {
	t, _, _ := f.present()
	return t.Resize(columns, rows)
}

func (f *followed) ViewOnly() bool {
	t, _, _ := f.present()
	return t.ViewOnly()
}

func (f *followed) Close() error {
	f.cancel()
	t, _, _ := f.present()
	return t.Close()
}
