package vmctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"hither/fusion"
	"hither/vmctl/imagepool"
	"hither/vmctl/proxy"
)

// forwards are the port forwards of a Store. Each is a proxy of the node's own in user
// space: it listens on the host and connects to the guest, so it works for an ordinary
// user and whatever the network is (docs/decisions/0023). They are kept in
// DIR/forwards.json.
//
// run, a goroutine of the Store's, ends those of removed machines. Each forward that
// listens has a goroutine, and each connection two; run ends them all.
type forwards struct {
	s    *Store
	work sync.WaitGroup // listeners and connections

	mu      sync.Mutex // guards the fields below
	entries []*forward
	broken  error // why forwards.json could not be read; then it is not written over
}

var _ fusion.Forwards = (*forwards)(nil)

// forward is one port.
type forward struct {
	fusion.Forward        // without Machine and Note
	UUID           string `json:"uuid"` // of the domain
	URI            string `json:"uri"`  // of the hypervisor that has it

	port *proxy.Port // nil when it does not listen
	why  error       // why not
}

const (
	forwardsFile = "forwards.json"
	// maxForwards bounds the forwards of one host.
	maxForwards = 256
)

// newForwards reads what was kept and listens.
func newForwards(s *Store) *forwards {
	f := &forwards{s: s}
	text, err := os.ReadFile(filepath.Join(s.config.Dir, forwardsFile))
	if err == nil {
		err = json.Unmarshal(text, &f.entries)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		f.broken = err
		s.config.Log.Error("the port forwards cannot be read", "file", forwardsFile, "error", err)
	}
	f.entries = slices.DeleteFunc(f.entries, func(e *forward) bool { return e == nil || e.Check() != nil || e.HostPort == 0 })
	f.listenAll()
	return f
}

// Forwards are the port forwards to this computer's virtual machines.
func (s *Store) Forwards() fusion.Forwards { return s.forwards }

// listenAll tries to listen for those that do not.
func (f *forwards) listenAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.entries {
		if e.port == nil && f.s.ctx.Err() == nil {
			e.port, e.why = f.listen(e)
		}
	}
}

// run ends the forwards of machines that are gone, until the Store closes.
func (f *forwards) run() {
	defer f.s.running.Done()
	w := f.s.subscribe()
	defer f.s.unsubscribe(w)
	for {
		select {
		case <-f.s.ctx.Done():
			f.end(func(*forward) bool { return true })
			f.work.Wait()
			return
		case <-w.wake:
			w.take()
			f.reconcile()
		}
	}
}

// reconcile asks after each machine that is not known any more; what has gone loses
// its forwards.
func (f *forwards) reconcile() {
	uri := f.s.URI()
	gone := map[string]bool{}
	for _, uuid := range f.machines(uri) {
		if uri == "" || !f.s.connected() || f.s.knows(uuid) {
			continue
		}
		_, err := call(f.s.ctx, f.s, func(d driver) (domain, error) { return d.domain(uuid) }, nil)
		if errors.Is(err, fusion.ErrNotFound) {
			gone[uuid] = true
		}
	}
	if len(gone) == 0 {
		return
	}
	f.forget(func(e *forward) bool { return gone[e.UUID] && e.URI == uri })
}

func (f *forwards) machines(uri string) (uuids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.entries {
		if e.URI == uri && !slices.Contains(uuids, e.UUID) {
			uuids = append(uuids, e.UUID)
		}
	}
	return uuids
}

func (s *Store) knows(uuid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[uuid] != nil
}

// end closes the ports of some, and waits for their connections.
func (f *forwards) end(which func(*forward) bool) {
	f.mu.Lock()
	var ports []*proxy.Port
	for _, e := range f.entries {
		if which(e) && e.port != nil {
			ports = append(ports, e.port)
			e.port = nil
		}
	}
	f.mu.Unlock()
	for _, p := range ports {
		p.Close()
	}
}

// saveLocked writes the file whole. mu is held.
func (f *forwards) saveLocked() error {
	if f.broken != nil {
		return &fusion.Error{Op: "machine.forward", Path: forwardsFile, Cause: f.broken, Hint: "repair or remove that file in the node's home, then start the node again"}
	}
	text, err := json.MarshalIndent(f.entries, "", "  ")
	if err != nil {
		return err
	}
	return imagepool.WriteWhole(f.s.config.Dir, forwardsFile, text)
}

// List gives a machine's forwards; one whose port was taken is tried again.
func (f *forwards) List(ctx context.Context, machine string) ([]fusion.Forward, error) {
	r, err := f.s.guestOf(ctx, "machine.forward.ls", machine)
	if err != nil {
		return nil, err
	}
	f.listenAll()
	out := []fusion.Forward{}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.entries {
		if f.ofLocked(e, r.uuid) {
			out = append(out, e.shown(machine))
		}
	}
	slices.SortFunc(out, func(a, b fusion.Forward) int {
		if a.HostPort != b.HostPort {
			return a.HostPort - b.HostPort
		}
		return strings.Compare(a.Proto+a.Listen, b.Proto+b.Listen)
	})
	return out, nil
}

func (f *forwards) ofLocked(e *forward, uuid string) bool {
	return e.UUID == uuid && e.URI == f.s.URI()
}

func (e *forward) shown(machine string) fusion.Forward {
	out := e.Forward
	out.Machine = machine
	if e.why != nil {
		out.Note = portDetail(e.why)
	}
	return out
}

// Add begins a forward.
func (f *forwards) Add(ctx context.Context, machine string, spec fusion.Forward) (fusion.Forward, error) {
	const op = "machine.forward.add"
	spec = spec.WithDefaults()
	if err := spec.Check(); err != nil {
		var inner *fusion.Error
		errors.As(err, &inner)
		return spec, &fusion.Error{Op: op, Path: fusionClip(machine), Cause: fusion.ErrInvalid, Detail: inner.Detail, Hint: inner.Hint}
	}
	spec.Listen = netip.MustParseAddr(spec.Listen).Unmap().String() // Check has parsed it
	r, err := f.s.guestOf(ctx, op, machine)
	if err != nil {
		return spec, err
	}
	e := &forward{Forward: fusion.Forward{Proto: spec.Proto, Listen: spec.Listen, HostPort: spec.HostPort, GuestPort: spec.GuestPort}, UUID: r.uuid, URI: f.s.URI()}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.s.Leaving(machine) {
		return spec, inWork(op, machine)
	}
	if err := f.vacantLocked(op, machine, e); err != nil {
		return spec, err
	}
	if e.port, err = f.listen(e); err != nil {
		return spec, portError(op, machine, err)
	}
	e.HostPort = e.port.Number()
	f.entries = append(f.entries, e)
	if err := f.saveLocked(); err != nil {
		f.entries = f.entries[:len(f.entries)-1]
		e.port.Shut()
		return spec, fail(op, machine, err)
	}
	f.s.config.Log.Info("port forwarded", "machine", machine, "proto", e.Proto, "listen", e.Listen, "port", e.HostPort, "to", e.GuestPort, "trace", fusion.Trace(ctx))
	return e.shown(machine), nil
}

// vacantLocked refuses a port that is forwarded already, and too many.
func (f *forwards) vacantLocked(op, machine string, e *forward) error {
	if f.s.ctx.Err() != nil {
		return errClosed
	}
	if len(f.entries) >= maxForwards {
		return invalid(op, machine, fmt.Sprintf("this computer has %d port forwards already", maxForwards), "remove some that are not needed")
	}
	for _, other := range f.entries {
		if other.Same(e.Forward) && e.HostPort != 0 {
			return &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrExists,
				Detail: fmt.Sprintf("port %d is forwarded already", e.HostPort), Hint: "take another port, or remove that forward first"}
		}
	}
	return nil
}

// Remove ends a forward.
func (f *forwards) Remove(ctx context.Context, machine string, spec fusion.Forward) error {
	const op = "machine.forward.rm"
	spec = spec.WithDefaults()
	if a, err := netip.ParseAddr(spec.Listen); err == nil {
		spec.Listen = a.Unmap().String()
	}
	r, err := f.s.guestOf(ctx, op, machine)
	if err != nil {
		return err
	}
	if f.s.Leaving(machine) {
		return inWork(op, machine)
	}
	f.mu.Lock()
	at := slices.IndexFunc(f.entries, func(e *forward) bool { return f.ofLocked(e, r.uuid) && e.Same(spec) })
	if at < 0 {
		f.mu.Unlock()
		return &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrNotFound, Detail: fmt.Sprintf("port %d is not forwarded to it", spec.HostPort),
			Hint: "hither machine forward ls shows its forwards"}
	}
	e := f.entries[at]
	f.entries = slices.Delete(f.entries, at, at+1)
	err = f.saveLocked()
	if err != nil {
		f.entries = append(f.entries, e)
		f.mu.Unlock()
		return fail(op, machine, err)
	}
	p := e.port
	f.mu.Unlock()
	if p != nil {
		p.Close()
	}
	f.s.config.Log.Info("port forward ended", "machine", machine, "port", e.HostPort, "trace", fusion.Trace(ctx))
	return nil
}

// portError says why a port cannot be had.
func portError(op, machine string, err error) error {
	e := &fusion.Error{Op: op, Path: machine, Cause: err, Detail: portDetail(err)}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		e.Cause, e.Hint = fusion.ErrBusy, "take another port, or end the program that has it"
	case errors.Is(err, syscall.EACCES):
		e.Cause, e.Hint = fusion.ErrPermission, "take a port of 1024 or more"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		e.Cause, e.Hint = fusion.ErrInvalid, "listen on 127.0.0.1 for that computer alone, or on 0.0.0.0 for everybody"
	}
	return e
}

func portDetail(err error) (detail string) {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		detail = "another program has this port"
	case errors.Is(err, syscall.EACCES):
		detail = "ports below 1024 are for root"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		detail = "that computer does not have this address"
	default:
		detail = err.Error()
	}
	return detail
}

// fwAddr is where the guest's side of a forward is reached.
type fwAddr struct {
	ip   string
	port int
}

func (a fwAddr) String() string { return net.JoinHostPort(a.ip, strconv.Itoa(a.port)) }
