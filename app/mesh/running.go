package mesh

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hither/fusion"
)

// running is the private network while it is on.
type running struct {
	m *Mesh
	// ctx ends with it; work counts its goroutines: one each for the device, the stack, the
	// names and look, those of links, and those of connections that the stack leads on.
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	book    atomic.Pointer[book]
	changed chan struct{} // of one
	stack   *netstack
	tun     device // nil in the user plane
	closers []func()

	// How it is, for Status; set by start.
	plane, device, note, hint string
	dns, nameHint             string
	resolves                  bool

	mu      sync.Mutex // guards the fields below
	ended   bool
	links   map[fusion.HostID]*link
	inbound map[fusion.HostID][]*inbound
	counts  map[fusion.HostID]*counts
	access  map[fusion.HostID]*access
}

// device is a TUN device, as golang.zx2c4.com/wireguard/tun has it.
type device interface {
	Read(bufs [][]byte, sizes []int, offset int) (int, error)
	Write(bufs [][]byte, offset int) (int, error)
	BatchSize() int
	Close() error
}

// counts is what passed between this computer and another one.
type counts struct{ in, out, dropped atomic.Int64 }

// access is what a computer has open at this one and its machines by the stack.
type access struct {
	ctx    context.Context
	cancel context.CancelFunc
	open   int // connections and rows of datagrams; guarded by running.mu
}

// start begins the network: a TUN device where there can be one.
func start(m *Mesh) (*running, error) {
	r := &running{m: m, changed: make(chan struct{}, 1), links: map[fusion.HostID]*link{}, inbound: map[fusion.HostID][]*inbound{},
		counts: map[fusion.HostID]*counts{}, access: map[fusion.HostID]*access{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.book.Store(newBook(m.cfg.Members()))
	r.plane = fusion.MeshTUN
	if err := r.openDevice(); err != nil {
		r.plane = fusion.MeshUser
		r.note, r.hint = fusion.Words(err)
	}
	var err error
	if r.stack, err = newNetstack(r, r.plane == fusion.MeshUser); err != nil {
		r.end()
		return nil, &fusion.Error{Op: "net.up", Cause: err, Hint: "look at the node's log"}
	}
	r.serveNames()
	r.resolve()
	if r.tun != nil {
		r.work.Go(r.pump)
	}
	r.work.Go(r.stack.pump)
	r.work.Go(r.follow)
	return r, nil
}

// end ends it and waits for that.
func (r *running) end() {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	r.cancel()
	for i := len(r.closers) - 1; i >= 0; i-- {
		r.closers[i]()
	}
	if r.stack != nil {
		r.stack.close()
	}
	if r.tun != nil {
		_ = r.tun.Close() // it goes with its file
	}
	r.work.Wait()
}

// begin counts a goroutine that somebody else has started; r.work.Done ends it. After end it
// does not.
func (r *running) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return false
	}
	r.work.Add(1)
	return true
}

// look has follow look at the members.
func (r *running) look() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// lookPause is how long changes are gathered: a thousand machines that start change much.
const lookPause = 100 * time.Millisecond

// follow makes the book anew when members change, and has links take better paths.
func (r *running) follow() {
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-r.changed:
		}
		b := newBook(r.m.cfg.Members())
		r.book.Store(b)
		r.mu.Lock()
		for id, l := range r.links {
			l.moved(b.hosts[id])
		}
		r.mu.Unlock()
		select {
		case <-r.ctx.Done():
			return
		case <-time.After(lookPause):
		}
	}
}

// pump takes what the programs of this computer send from the device, to its end.
func (r *running) pump() {
	bufs := make([][]byte, r.tun.BatchSize())
	sizes := make([]int, len(bufs))
	for i := range bufs {
		bufs[i] = make([]byte, room+MTU)
	}
	for {
		n, err := r.tun.Read(bufs, sizes, room)
		for i := range n {
			packet := bufs[i][room : room+sizes[i]]
			// Only what has the address of this computer; the rest is the system's own
			// (router solicitations, multicast listeners) or nobody's.
			if src, dst, ok := endpoints(packet); ok && src == r.m.own && Prefix.Contains(dst) {
				r.send(packet, dst)
			}
		}
		if r.ctx.Err() != nil {
			return
		}
		if err != nil && !passing(err) {
			r.m.cfg.Log.Error("the network device is gone", "device", r.device, "err", err)
			r.lost()
			return
		}
	}
}

// lost says that the device was taken away; Status tells it.
func (r *running) lost() {
	r.m.work.Go(func() { // it waits for pump
		r.m.changing.Lock()
		defer r.m.changing.Unlock()
		r.m.mu.Lock()
		mine := r.m.run == r
		if mine {
			r.m.run = nil
			r.m.failed = &fusion.Error{Op: "net", Path: r.device, Cause: fusion.ErrNotFound, Detail: "its network device was taken away", Hint: "hither net up makes another one"}
		}
		r.m.mu.Unlock()
		if mine {
			r.end()
		}
	})
}

// send sends a packet of this computer, or of a machine of it, to where it wants to go. It
// never waits, and keeps nothing of the packet.
func (r *running) send(packet []byte, dst netip.Addr) {
	b := r.book.Load()
	if dst == r.m.own {
		r.deliverOwn(packet)
		return
	}
	if _, mine := b.mine[dst]; mine {
		r.stack.inject(packet)
		return
	}
	id, known := b.holder[dst]
	if !known {
		r.unreachable(packet, noRoute)
		return
	}
	r.linkOf(id).put(packet)
}

// deliverOwn gives a packet to this computer.
func (r *running) deliverOwn(packet []byte) {
	if r.tun == nil {
		r.stack.inject(packet)
		return
	}
	_, _ = r.tun.Write([][]byte{append(make([]byte, room, room+len(packet)), packet...)}, room) // a packet that is lost
}

// linkOf gives the link to another computer, and begins it at its first packet.
func (r *running) linkOf(id fusion.HostID) *link {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.links[id]
	if l == nil {
		l = newLink(r, id, r.countsLocked(id))
		r.links[id] = l
		if !r.ended {
			r.work.Go(l.run)
		}
	}
	return l
}

func (r *running) countsLocked(id fusion.HostID) *counts {
	c := r.counts[id]
	if c == nil {
		c = &counts{}
		r.counts[id] = c
	}
	return c
}

// count fills in what passed between this computer and another one, and says why nothing
// goes there.
func (r *running) count(id fusion.HostID, p *fusion.MeshPeer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.countsLocked(id)
	p.BytesIn, p.BytesOut, p.Dropped = c.in.Load(), c.out.Load(), c.dropped.Load()
	if l := r.links[id]; l != nil {
		p.Dropped += l.queue.lost()
		return l.reason()
	}
	return nil
}

// maxAccess bounds what one computer has open here by the stack.
const maxAccess = 1024

// enterAccess counts a connection of a computer. ctx ends when that may not use the network here
// any more; leave uncounts it.
func (r *running) enterAccess(id fusion.HostID) (ctx context.Context, leave func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.access[id]
	if a == nil {
		a = &access{}
		a.ctx, a.cancel = context.WithCancel(r.ctx)
		r.access[id] = a
	}
	if a.open >= maxAccess {
		return nil, nil, &fusion.Error{Op: "net", Path: string(id), Cause: fusion.ErrBusy, Detail: fmt.Sprintf("it has %d connections open here already", maxAccess), Hint: "close some"}
	}
	a.open++
	return a.ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		a.open--
	}, nil
}

// revoked ends what a computer has open here, unless it may still.
func (r *running) revoked(id fusion.HostID) {
	why := r.m.cfg.Allow(id)
	r.mu.Lock()
	if l := r.links[id]; l != nil {
		l.again()
	}
	var streams []*inbound
	if why != nil {
		streams = slices.Clone(r.inbound[id])
		if a := r.access[id]; a != nil {
			a.cancel()
			delete(r.access, id)
		}
	}
	r.mu.Unlock()
	for _, in := range streams { // without mu: end waits for what is being delivered
		in.end(why)
	}
}

// onEnd calls f when the network ends; stop undoes that.
func (r *running) onEnd(f func()) (stop func() bool) { return context.AfterFunc(r.ctx, f) }
