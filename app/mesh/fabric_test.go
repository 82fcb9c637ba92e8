package mesh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hither/fusion"
)

// patience bounds each wait.
const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fabric joins Meshes by loopback connections in the place of paired hosts' streams.
type fabric struct {
	mu      sync.Mutex // guards the fields below
	hosts   map[fusion.HostID]*host
	members map[fusion.HostID]Member
	broken  bool // no stream is opened
}

// host is one Mesh and what it may.
type host struct {
	*Mesh
	t      *testing.T
	id     fusion.HostID
	f      *fabric
	dir    string
	grants map[fusion.HostID]bool // guarded by f.mu
	opened int                    // streams to it, guarded by f.mu
	own    []int
	work   sync.WaitGroup
}

func newFabric() *fabric {
	return &fabric{hosts: map[fusion.HostID]*host{}, members: map[fusion.HostID]Member{}}
}

// some gives hosts of one owner that take part.
func some(t *testing.T, ids ...fusion.HostID) []*host {
	t.Helper()
	f := newFabric()
	var all []*host
	for _, id := range ids {
		all = append(all, f.open(t, id, t.TempDir()))
	}
	for _, h := range all {
		for _, other := range ids {
			h.grant(other, true)
		}
		h.up()
	}
	return all
}

func (f *fabric) open(t *testing.T, id fusion.HostID, dir string) *host {
	t.Helper()
	h := &host{t: t, id: id, f: f, dir: dir, grants: map[fusion.HostID]bool{}}
	f.mu.Lock()
	if _, known := f.members[id]; !known {
		f.members[id] = Member{ID: id, Name: string(id), Own: true, Online: true, Path: "direct"}
	}
	f.mu.Unlock()
	f.changed()
	var err error
	h.Mesh, err = Open(Config{Dir: dir, ID: id, Dial: h.dial, Members: h.members, Allow: h.allow, Guest: h.guest, Own: func() []int { return h.own },
		noTUN: true, reachable: func() []netip.Addr { return []netip.Addr{netip.MustParseAddr("127.0.0.1")} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.stop)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hosts[id] = h // now it can be dialed
	return h
}

func (h *host) stop() {
	if err := h.Mesh.Close(); err != nil {
		panic(err)
	}
	h.work.Wait()
}

// dial gives a stream that the other host serves, as a node does.
func (h *host) dial(ctx context.Context, id fusion.HostID) (net.Conn, error) {
	h.f.mu.Lock()
	other, broken := h.f.hosts[id], h.f.broken
	h.f.mu.Unlock()
	if broken || other == nil {
		return nil, &fusion.Error{Op: "dial", Path: string(id), Cause: fusion.ErrOffline, Hint: "wake it"}
	}
	near, far := pipe(h.t)
	h.f.mu.Lock()
	other.opened++
	h.f.mu.Unlock()
	other.work.Go(func() {
		_ = other.Serve(h.id, far) // tests look at what comes of it
		_ = far.Close()
	})
	return near, nil
}

// pipe gives the two ends of a connection over the loopback.
func pipe(t *testing.T) (near, far net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return near, far
}

func (h *host) members() []Member {
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	var list []Member
	for _, m := range h.f.members {
		m.Local = m.ID == h.id
		list = append(list, m)
	}
	return list
}

// set changes a member as all see it.
func (f *fabric) set(id fusion.HostID, change func(*Member)) {
	f.mu.Lock()
	m := f.members[id]
	change(&m)
	f.members[id] = m
	f.mu.Unlock()
	f.changed()
}

func (f *fabric) changed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range f.hosts {
		if h.Mesh != nil {
			h.Changed()
		}
	}
}

var errNotGranted = &fusion.Error{Op: "net", Cause: fusion.ErrPermission, Detail: `it did not grant "mesh"`, Hint: "hither host grant"}

func (h *host) allow(id fusion.HostID) error {
	h.f.mu.Lock()
	defer h.f.mu.Unlock()
	if !h.grants[id] {
		return errNotGranted
	}
	return nil
}

func (h *host) grant(id fusion.HostID, may bool) {
	h.f.mu.Lock()
	h.grants[id] = may
	h.f.mu.Unlock()
	if h.Mesh != nil {
		h.GrantsChanged(id)
	}
}

// guest is a machine at the loopback; its name in lower case says that it is there.
func (h *host) guest(ctx context.Context, machine, proto string, port int) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, proto, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

func (h *host) up() fusion.MeshStatus {
	h.t.Helper()
	s, err := h.Up(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *host) status() fusion.MeshStatus {
	h.t.Helper()
	s, err := h.Status(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// peer gives how a host sees another one.
func (h *host) peer(id fusion.HostID) fusion.MeshPeer {
	h.t.Helper()
	for _, p := range h.status().Peers {
		if p.HostID == id {
			return p
		}
	}
	h.t.Fatalf("%s is not listed", id)
	return fusion.MeshPeer{}
}

// reach dials with the test's patience.
func (h *host) reach(proto, name string, port int) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	return h.Dial(ctx, proto, name, port)
}

// until waits for a condition.
func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	for began := time.Now(); !met(); {
		if time.Since(began) > patience {
			t.Fatalf("waited in vain for: %s", what)
		}
		time.Sleep(5 * time.Millisecond) // between looks at a condition
	}
}

// echo is a service that says what it hears, over TCP and UDP.
func echo(t *testing.T) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = l.Addr().(*net.TCPAddr).Port
	u, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	work.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			mu.Unlock()
			work.Go(func() {
				_, _ = io.Copy(conn, conn) // until the other side has said all
				_ = conn.Close()
			})
		}
	})
	work.Go(func() {
		buf := make([]byte, 65536)
		for {
			n, from, err := u.ReadFrom(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				_, _ = u.WriteTo(buf[:n], from)
			}
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		_ = u.Close()
		mu.Lock()
		for conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		work.Wait()
	})
	return port
}

// says says something and wants it back.
func says(conn net.Conn, err error) error {
	if err != nil {
		return err
	}
	defer conn.Close()
	return saysOver(conn)
}

func saysOver(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "hello"); err != nil {
		return err
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
		return fmt.Errorf("%q, %w", got, err)
	}
	return nil
}
