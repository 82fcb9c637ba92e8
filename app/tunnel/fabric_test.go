package tunnel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"hither/fusion"
)

// patience bounds each wait.
const patience = 20 * time.Second

// fabric joins Stores by loopback connections in the place of paired hosts' streams.
type fabric struct {
	mu     sync.Mutex // guards the fields below
	hosts  map[fusion.HostID]*host
	broken bool // no stream is opened
}

// host is one Store and what it may.
type host struct {
	*Store
	id      fusion.HostID
	f       *fabric
	dir     string
	grants  map[fusion.HostID][]fusion.Capability // guarded by f.mu
	asked   []string                              // objects, guarded by f.mu
	objects []fusion.Grant                        // what everybody may, likewise
	names   map[string][]netip.Addr
	own     []int
	work    sync.WaitGroup
	conns   map[net.Conn]bool // streams that stand, guarded by f.mu
}

// two gives hosts that have granted each other tunnel.
func two(t *testing.T) (a, b *host) {
	f := &fabric{hosts: map[fusion.HostID]*host{}}
	a, b = f.open(t, "a", t.TempDir()), f.open(t, "b", t.TempDir())
	a.grant("b", fusion.TunnelCap)
	b.grant("a", fusion.TunnelCap)
	return a, b
}

func (f *fabric) open(t *testing.T, id fusion.HostID, dir string) *host {
	t.Helper()
	h := &host{id: id, f: f, dir: dir, grants: map[fusion.HostID][]fusion.Capability{}, conns: map[net.Conn]bool{}, names: map[string][]netip.Addr{}}
	f.mu.Lock()
	if old := f.hosts[id]; old != nil {
		h.grants = old.grants
	}
	f.hosts[id] = h
	f.mu.Unlock()
	var err error
	h.Store, err = Open(Config{Dir: dir, Dial: h.dial, Find: h.find, Allow: h.allow, Own: func() []int { return h.own }, resolver: h,
		Guest: func(ctx context.Context, machine, proto string, port int) (net.Conn, error) {
			if machine != "web" {
				return nil, fusion.NoMachine("tunnel", machine)
			}
			return (&net.Dialer{}).DialContext(ctx, proto, fmt.Sprintf("127.0.0.1:%d", port))
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.stop)
	return h
}

func (h *host) stop() {
	if err := h.Store.Close(); err != nil {
		panic(err)
	}
	h.f.mu.Lock()
	for conn := range h.conns {
		_ = conn.Close()
	}
	h.f.mu.Unlock()
	h.work.Wait()
}

func (h *host) grant(to fusion.HostID, caps ...fusion.Capability) {
	h.f.mu.Lock()
	h.grants[to] = caps
	h.f.mu.Unlock()
	if h.Store != nil {
		h.GrantsChanged(to)
	}
}

func (h *host) find(name string) (fusion.HostInfo, error) {
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	if h.f.hosts[fusion.HostID(name)] == nil {
		return fusion.HostInfo{}, &fusion.Error{Op: "host", Path: name, Cause: fusion.ErrNotFound, Hint: "pair it"}
	}
	return fusion.HostInfo{ID: fusion.HostID(name), Name: name, Online: !h.f.broken, Local: fusion.HostID(name) == h.id}, nil
}

func (h *host) allow(from fusion.HostID, want fusion.Capability, object string) error {
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	h.asked = append(h.asked, object)
	if !fusion.AllowsOn(append(fusion.Whole(h.grants[from]...), h.objects...), want, object) {
		return &fusion.Error{Op: "tunnel", Path: object, Cause: fusion.ErrPermission, Detail: "not granted", Hint: "grant it"}
	}
	return nil
}

func (h *host) LookupNetIP(_ context.Context, _, name string) ([]netip.Addr, error) {
	if found := h.names[name]; found != nil {
		return found, nil
	}
	return nil, &net.DNSError{Name: name, IsNotFound: true}
}

func (h *host) dial(ctx context.Context, id fusion.HostID) (net.Conn, error) {
	h.f.mu.Lock()
	other, broken := h.f.hosts[id], h.f.broken
	h.f.mu.Unlock()
	if other == nil || broken || other.ctx.Err() != nil {
		return nil, &fusion.Error{Op: "dial", Path: string(id), Cause: fusion.ErrOffline, Hint: "wake it"}
	}
	near, far, err := pair()
	if err != nil {
		return nil, err
	}
	for _, end := range []struct {
		h *host
		c net.Conn
	}{{h, near}, {other, far}} {
		h.f.mu.Lock()
		end.h.conns[end.c] = true
		h.f.mu.Unlock()
	}
	other.work.Go(func() {
		defer far.Close()
		_ = other.Serve(h.id, far) // tests look at what comes of it
	})
	return near, nil
}

// cut breaks all streams between the hosts, and while off new ones too.
func (f *fabric) cut(off bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = off
	for _, h := range f.hosts {
		for conn := range h.conns {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
			delete(h.conns, conn)
		}
	}
}

// pair gives the two ends of a connection.
func pair() (a, b net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		return nil, nil, err
	}
	b, err = l.Accept()
	return a, b, err
}

// shouter is a service that answers in capitals until it is told all, and says BYE.
func shouter(t *testing.T) (port int) {
	t.Helper()
	return serving(t, func(conn net.Conn) {
		defer conn.Close()
		buf := make([]byte, 1000)
		for {
			n, err := conn.Read(buf)
			if err == io.EOF {
				_, _ = io.WriteString(conn, "BYE")
				return
			}
			if err != nil {
				return
			}
			_, _ = conn.Write(bytes.ToUpper(buf[:n]))
		}
	})
}

func serving(t *testing.T, serve func(net.Conn)) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() { serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		work.Wait()
	})
	return l.Addr().(*net.TCPAddr).Port
}

func (h *host) add(t *testing.T, spec fusion.TunnelSpec) fusion.Tunnel {
	t.Helper()
	if spec.Listen == "" {
		spec.Listen = "127.0.0.1:0"
	}
	if spec.Kind == "" {
		spec.Kind = fusion.ForwardTunnel
	}
	added, err := h.Add(t.Context(), spec)
	if err != nil {
		t.Fatal(err, fusion.Hint(err))
	}
	return added
}

// shout says something and its end, and gives all that comes back.
func shout(t *testing.T, listen, text string) string {
	t.Helper()
	got, err := shoutAt(listen, text)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func shoutAt(listen, text string) (string, error) {
	network := "tcp"
	if path, unix := strings.CutPrefix(listen, "unix:"); unix {
		network, listen = "unix", path
	}
	conn, err := net.Dial(network, listen)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, text); err != nil {
		return "", err
	}
	if err := closeHalf(conn); err != nil {
		return "", err
	}
	got, err := io.ReadAll(conn)
	return string(got), err
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
	}
}

func (h *host) shownAs(t *testing.T, id string) fusion.Tunnel {
	t.Helper()
	e, err := h.Store.find("", id)
	if err != nil {
		t.Fatal(err)
	}
	return h.shown(e)
}

// refusedWith checks an error's cause and that it has a hint.
func refusedWith(t *testing.T, what string, err, cause error) {
	t.Helper()
	if !errors.Is(err, cause) || fusion.Hint(err) == "" {
		t.Errorf("%s: %v (%q), want %v", what, err, fusion.Hint(err), cause)
	}
}
