package folder

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hither/fusion"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreCurrent(), // what Syncthing's packages start before main
		// One set per process, started with the first folder and never ended.
		goleak.IgnoreAnyFunction("github.com/syncthing/notify.(*inotify).loop"),
		goleak.IgnoreAnyFunction("github.com/syncthing/notify.(*inotify).send"),
		goleak.IgnoreAnyFunction("github.com/syncthing/syncthing/lib/fs.(*caseFilesystemRegistry).cleaner"),
		// Left behind, one per folder at most, when a folder was just starting or
		// restarting as its engine was stopped: they wait to tell a service that
		// is gone.
		goleak.IgnoreAnyFunction("github.com/thejerf/suture/v4.(*Supervisor).removeService.func1.1"),
		goleak.IgnoreAnyFunction("github.com/syncthing/syncthing/lib/watchaggregator.(*aggregator).mainLoop"),
		// Ends by itself within half a minute after its database was closed.
		goleak.IgnoreAnyFunction("github.com/syndtr/goleveldb/leveldb.(*DB).mpoolDrain"),
	)
}

// patience bounds every wait of a test; it is long for loaded machines.
const patience = 90 * time.Second

// network connects the stores of a test over loopback sockets.
type network struct {
	mu     sync.Mutex
	hosts  map[fusion.HostID]*hostListener
	paired map[[2]fusion.HostID]bool // to own
	cut    bool
	conns  []net.Conn
}

func newNetwork() *network {
	return &network{hosts: map[fusion.HostID]*hostListener{}, paired: map[[2]fusion.HostID]bool{}}
}

// pair makes two hosts know each other; own is whether they share files.
func (n *network) pair(a, b fusion.HostID, own bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.paired[[2]fusion.HostID{a, b}] = own
	n.paired[[2]fusion.HostID{b, a}] = own
}

func (n *network) unpair(a, b fusion.HostID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.paired, [2]fusion.HostID{a, b})
	delete(n.paired, [2]fusion.HostID{b, a})
}

// setCut breaks every stream and refuses new ones, or lets them through again.
func (n *network) setCut(cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = cut
	if cut {
		for _, c := range n.conns {
			c.Close()
		}
		n.conns = nil
	}
}

func (n *network) dial(from, to fusion.HostID) (net.Conn, error) {
	n.mu.Lock()
	l, cut := n.hosts[to], n.cut
	n.mu.Unlock()
	if l == nil || cut {
		return nil, &fusion.Error{Op: "dial", Path: string(to), Cause: fusion.ErrOffline}
	}
	return l.dial(n, from)
}

// hostListener is a node's stream listener: its conns tell whose they are.
type hostListener struct {
	socket net.Listener
	conns  chan net.Conn
	done   chan struct{}
	once   sync.Once
}

type peerConn struct {
	net.Conn
	peer fusion.HostID
}

func (c peerConn) Peer() fusion.HostID { return c.peer }

func (l *hostListener) dial(n *network, from fusion.HostID) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	near, err := net.Dial("tcp", l.socket.Addr().String())
	if err != nil {
		return nil, err
	}
	far, err := l.socket.Accept() // the one just dialed: dials take turns
	if err != nil {
		near.Close()
		return nil, err
	}
	n.conns = append(n.conns, near, far)
	select {
	case l.conns <- peerConn{far, from}:
		return near, nil
	case <-l.done:
		near.Close()
		far.Close()
		return nil, net.ErrClosed
	}
}

func (l *hostListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *hostListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.socket.Close()
}

func (l *hostListener) Addr() net.Addr { return l.socket.Addr() }

// node is one store of a test and the directory it lives in.
type node struct {
	*Store
	t    *testing.T
	net  *network
	id   fusion.HostID
	home string
}

func (n *network) open(t *testing.T, id fusion.HostID) *node {
	t.Helper()
	d := &node{t: t, net: n, id: id, home: t.TempDir()}
	d.start()
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close %s: %v", id, err)
		}
	})
	return d
}

func (d *node) start() {
	d.t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		d.t.Fatal(err)
	}
	l := &hostListener{socket: socket, conns: make(chan net.Conn), done: make(chan struct{})}
	d.net.mu.Lock()
	d.net.hosts[d.id] = l
	d.net.mu.Unlock()
	var log *slog.Logger
	if os.Getenv("FOLDER_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", d.id)
	}
	d.Store, err = Open(context.Background(), Config{
		Dir: filepath.Join(d.home, "sync"), Root: filepath.Join(d.home, "folders"), Self: d.id, Name: string(d.id),
		Dial: func(_ context.Context, host fusion.HostID) (net.Conn, error) { return d.net.dial(d.id, host) },
		Paired: func(host fusion.HostID) (string, bool, bool) {
			d.net.mu.Lock()
			defer d.net.mu.Unlock()
			own, ok := d.net.paired[[2]fusion.HostID{d.id, host}]
			return string(host), own, ok
		},
		Listener: l, Log: log,
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// add keeps a new directory of the node under name, and gives its path.
func (d *node) add(name string) string {
	d.t.Helper()
	path := filepath.Join(d.home, "files", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.Add(d.t.Context(), name, path); err != nil {
		d.t.Fatal(err)
	}
	return path
}

// until waits for a folder to be as wanted, woken by its changes.
func (d *node) until(name, what string, ok func(fusion.Folder) bool) fusion.Folder {
	d.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		f, err := d.Get(d.t.Context(), name)
		if err == nil && ok(f) {
			return f
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("%s: %s did not become %s: %+v, %v", d.id, name, what, f, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (d *node) untilIdle(name string, files int64) fusion.Folder {
	d.t.Helper()
	return d.until(name, "idle", func(f fusion.Folder) bool {
		return f.State == "idle" && f.GlobalFiles == files && f.NeedFiles == 0
	})
}

func (d *node) untilShared(name string, with fusion.HostID) {
	d.t.Helper()
	d.until(name, "linked", func(f fusion.Folder) bool { return f.State == "idle" && f.Note == "" && len(f.Hosts) > 0 })
}

// meet makes both nodes believe that the other is online, or not.
func meet(a, b *node, online bool) {
	a.net.setCut(!online)
	a.SetOnline(b.id, online)
	b.SetOnline(a.id, online)
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func untilFile(t *testing.T, dir, name, text string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && string(got) == text {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s/%s did not arrive: %q, %v", dir, name, got, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// eventually asks until the answer is yes or patience ends.
func eventually(ok func() bool) bool {
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}
