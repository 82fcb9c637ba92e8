package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"hither/fusion"
	"hither/vmctl/proxy"
)

// far is what this computer does for others: connections that it made for them, and doors
// where it listens for them.
type far struct {
	mu   sync.Mutex // guards ways and of
	ways map[*farWay]struct{}
	of   map[fusion.HostID]int // ways, by host

	doors held[*proxy.Port]
	sites held[*heldSite]
}

// farWay is a connection that was made for another host.
type farWay struct {
	from   fusion.HostID
	object string // as people write it
	grant  string // as grants name it
	cancel context.CancelFunc
}

// maxFar bounds the connections for one host.
const maxFar = 1500

func (f *far) init() {
	f.ways, f.of = map[*farWay]struct{}{}, map[fusion.HostID]int{}
	f.doors.init()
	f.sites.init()
}

// begin counts a connection for a host; end takes it back.
func (f *far) begin(w *farWay) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[w.from] >= maxFar {
		return &fusion.Error{Op: "tunnel", Path: w.object, Cause: fusion.ErrBusy, Detail: fmt.Sprintf("that computer has %d connections here already", maxFar), Hint: "end some of them"}
	}
	f.of[w.from]++
	f.ways[w] = struct{}{}
	return nil
}

func (f *far) end(w *farWay) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.ways, w)
	if f.of[w.from]--; f.of[w.from] == 0 {
		delete(f.of, w.from)
	}
}

// ports are those on which other hosts listen here.
func (f *far) ports() (ports []int) {
	for _, p := range f.doors.where(func(doorKey) bool { return true }) {
		ports = append(ports, p.Number())
	}
	return ports
}

// Serve answers a stream that another host opened; the caller closes it.
func (s *Store) Serve(from fusion.HostID, conn net.Conn) error {
	if err := conn.SetReadDeadline(time.Now().Add(helloTime)); err != nil {
		return err
	}
	var h hello
	if err := readFrame(conn, &h); err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	switch h.Do {
	case doOpen:
		return s.open(from, conn, h)
	case doListen:
		return s.hold(from, conn, h)
	case doSite:
		return s.site(from, conn, h)
	case doBack:
		return s.back(from, conn, h)
	}
	return refuse(conn, &fusion.Error{Op: "tunnel", Cause: fusion.ErrUnsupported, Detail: "this computer does not know " + printable(h.Do), Hint: "update Hither on that computer"})
}

// about tells what a stream is for, where somebody keeps an eye on streams.
func about(conn net.Conn, object string) {
	if watched, ok := conn.(interface{ About(object string) }); ok {
		watched.About(object)
	}
}

// open connects another host to a target.
func (s *Store) open(from fusion.HostID, conn net.Conn, h hello) error {
	object := objectOf(h.Target)
	about(conn, object)
	way := &farWay{from: from, object: object, grant: h.Target.Object()}
	var ctx context.Context
	ctx, way.cancel = context.WithCancel(s.ctx)
	defer way.cancel()
	target, err := s.connect(ctx, way, h)
	if err != nil {
		return errors.Join(err, refuse(conn, err))
	}
	defer s.far.end(way)
	return s.join(ctx, conn, target, h.Proto, nil)
}

// connect counts the way and makes its connection, or does neither.
func (s *Store) connect(ctx context.Context, way *farWay, h hello) (net.Conn, error) {
	if h.Proto != "tcp" && h.Proto != "udp" {
		return nil, &fusion.Error{Op: "tunnel", Cause: fusion.ErrInvalid, Detail: "there is no such protocol", Hint: "tcp or udp"}
	}
	if err := h.Target.Check(); err != nil {
		return nil, err
	}
	// Counted first: a grant that is taken away meanwhile finds it.
	if err := s.far.begin(way); err != nil {
		return nil, err
	}
	err := s.cfg.Allow(way.from, fusion.TunnelCap, way.grant)
	var target net.Conn
	if err == nil {
		target, err = s.dialTarget(ctx, h.Proto, h.Target)
	}
	if err != nil {
		s.far.end(way)
		return nil, err
	}
	return target, nil
}

// objectOf is a target as people write it, at the computer that reaches it.
func objectOf(t fusion.Target) string {
	if t.Machine == "" && t.Address == "" {
		t.Address = "localhost"
	}
	return t.String()[1:]
}

// join agrees to a stream, and connects it until both sides have said all.
func (s *Store) join(ctx context.Context, conn, target net.Conn, proto string, g *proxy.Gauge) error {
	if err := writeFrame(conn, answer{}); err != nil {
		return errors.Join(err, target.Close())
	}
	if proto == "udp" {
		proxy.Relay(ctx, datagrams{conn}, target, g)
		return nil
	}
	proxy.Join(ctx, conn, target, g)
	return nil
}

// GrantsChanged ends what a host may not have any more.
func (s *Store) GrantsChanged(id fusion.HostID) {
	s.far.mu.Lock()
	var ways []*farWay
	for w := range s.far.ways {
		if w.from == id {
			ways = append(ways, w)
		}
	}
	s.far.mu.Unlock()
	its := func(key doorKey) bool { return key.from == id }
	for _, held := range s.far.sites.where(its) {
		if s.maySite(id, held.site) != nil {
			held.end()
		}
	}
	for _, w := range ways {
		if s.cfg.Allow(id, fusion.TunnelCap, w.grant) != nil {
			w.cancel()
		}
	}
	for _, port := range s.far.doors.where(its) {
		listen := port.Addr().String()
		want := fusion.TunnelCap
		if !fusion.Loopback(listen) {
			want = fusion.AdminCap
		}
		if s.cfg.Allow(id, want, "listen "+listen) != nil {
			port.Shut()
		}
	}
}
