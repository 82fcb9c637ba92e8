package mesh

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hither/fusion"
)

func TestComputersReachEachOther(t *testing.T) {
	hosts := some(t, "a", "b")
	port := echo(t)
	for _, name := range []string{"b.hither", "B.Hither.", HostAddress("b").String()} {
		if err := says(hosts[0].reach("tcp", name, port)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := says(hosts[0].reach("udp", "b.hither", port)); err != nil {
		t.Errorf("datagrams: %v", err)
	}
	if err := says(hosts[1].reach("tcp", "a.hither", port)); err != nil {
		t.Errorf("the other way: %v", err)
	}
	if err := says(hosts[0].reach("tcp", "a.hither", port)); err != nil {
		t.Errorf("itself: %v", err)
	}
	if p := hosts[0].peer("b"); p.State != fusion.MeshOpen || p.BytesIn == 0 || p.BytesOut == 0 || p.Dropped != 0 {
		t.Errorf("%+v", p)
	}
	_, err := hosts[0].reach("tcp", "b.hither", freePort(t))
	wants(t, "nobody listens", err, fusion.ErrNotFound)
	_, err = hosts[0].reach("tcp", "c.hither", port)
	wants(t, "nobody's name", err, fusion.ErrNotFound)
	began := time.Now()
	if _, err = hosts[0].reach("tcp", HostAddress("c").String(), port); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("nobody's address: %v after %v", err, time.Since(began))
	}
}

// TestPortsOfTheNode: the node's own ports, and libvirt's, are reached by its owner only.
func TestPortsOfTheNode(t *testing.T) {
	hosts := some(t, "a", "b")
	port := echo(t)
	hosts[1].own = []int{port}
	_, err := hosts[0].reach("tcp", "b.hither", port)
	wants(t, "the node's port", err, fusion.ErrNotFound)
	if err := says(hosts[1].reach("tcp", "b.hither", port)); err != nil {
		t.Errorf("by its owner: %v", err)
	}
}

// TestBytesArrive: a stream has every byte, also while paths change.
func TestBytesArrive(t *testing.T) {
	hosts := some(t, "a", "b")
	a, b := hosts[0], hosts[1]
	conn, err := a.reach("tcp", "b.hither", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(3 * patience)); err != nil {
		t.Fatal(err)
	}
	streams := func() int {
		a.f.mu.Lock()
		defer a.f.mu.Unlock()
		return b.opened
	}
	const most = 1 << 30
	changed := make(chan struct{}) // closed when the path has changed often enough
	sent, got := sha256.New(), sha256.New()
	wrote := make(chan error, 1)
	go func() {
		part := make([]byte, 64<<10)
		var err error
		for size := 0; size < most && err == nil; size += len(part) {
			select {
			case <-changed:
				size = most
			default:
			}
			for i := range part {
				part[i] = byte(rand.Uint32())
			}
			sent.Write(part)
			_, err = conn.Write(part)
		}
		wrote <- errors.Join(err, conn.(interface{ CloseWrite() error }).CloseWrite())
	}()
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(got, conn)
		read <- err
	}()
	for i := range 6 {
		before := streams()
		a.f.set("b", func(m *Member) { m.Path = []string{"relay", "direct"}[i%2] })
		until(t, "the better path is taken", func() bool { return streams() > before })
	}
	close(changed)
	for _, done := range []chan error{wrote, read} {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
		t.Error("other bytes arrived")
	}
}

// TestGrants: without the grant nothing passes; taken away, what is open ends at once.
func TestGrants(t *testing.T) {
	hosts := some(t, "a", "b")
	a, b := hosts[0], hosts[1]
	port := echo(t)
	b.grant("a", false)
	if _, err := a.reach("tcp", "b.hither", port); err == nil {
		t.Error("it was reached without a grant")
	}
	until(t, "a knows why", func() bool {
		p := a.peer("b")
		return p.State == fusion.MeshRefused && strings.Contains(p.Note, "did not grant") && p.Hint != ""
	})
	b.grant("a", true)
	a.GrantsChanged("b") // it would try again by itself, a little later
	conn, err := a.reach("tcp", "b.hither", port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := saysOver(conn); err != nil {
		t.Fatal(err)
	}
	b.grant("a", false)
	in := b.peer("a").BytesIn
	if _, err := conn.Write([]byte("more")); err == nil {
		_ = conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if n, err := conn.Read(make([]byte, 8)); n > 0 || err == nil {
			t.Errorf("%d bytes came after the grant was gone", n)
		}
	}
	if now := b.peer("a"); now.BytesIn != in || now.State != fusion.MeshRefused {
		t.Errorf("%+v, before %d bytes", now, in)
	}
	// One way is not enough: what answers is a packet too.
	b.grant("a", true)
	a.grant("b", false)
	if _, err := a.Dial(short(t), "tcp", "b.hither", port); err == nil {
		t.Error("it was reached although b may not answer")
	}
}

// TestOffAndOn: who is off is not reached, and the setting is kept.
func TestOffAndOn(t *testing.T) {
	hosts := some(t, "a", "b")
	a, b := hosts[0], hosts[1]
	port := echo(t)
	if _, err := b.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.reach("tcp", "b.hither", port); err == nil {
		t.Error("it was reached while it is off")
	}
	until(t, "a knows why", func() bool { return strings.Contains(a.peer("b").Note, "off") })
	_, err := b.Dial(t.Context(), "tcp", "a.hither", port)
	wants(t, "off", err, fusion.ErrNotFound)
	b.up()
	a.GrantsChanged("b") // it would try again by itself, a little later
	until(t, "b is reached again", func() bool { return says(a.reach("tcp", "b.hither", port)) == nil })
	b.stop()
	again := b.f.open(t, "b", b.dir)
	for _, other := range []fusion.HostID{"a", "b"} {
		again.grant(other, true)
	}
	if s := again.status(); !s.Up || s.Address != HostAddress("b").String() || s.Name != "b.hither" || s.Plane != fusion.MeshUser || s.DNS == "" || s.Hint == "" {
		t.Errorf("after a restart: %+v", s)
	}
	until(t, "b is reached after its restart", func() bool { return says(a.reach("tcp", "b.hither", port)) == nil })
	if _, err := again.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	again.stop()
	if s := b.f.open(t, "b", b.dir).status(); s.Up {
		t.Errorf("after another: %+v", s)
	}
}

// TestABrokenFile is kept, told, and not written over.
func TestABrokenFile(t *testing.T) {
	f, dir := newFabric(), t.TempDir()
	path := filepath.Join(dir, meshFile)
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := f.open(t, "a", dir)
	if s := h.status(); s.Up || s.Note == "" {
		t.Errorf("%+v", s)
	}
	if _, err := h.Up(t.Context()); err == nil || fusion.Hint(err) == "" {
		t.Errorf("up: %v", err)
	}
	if s := h.status(); s.Up {
		t.Error("it is half on")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "{" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestMachines: a machine is reached at its own name, and keeps it where it goes.
func TestMachines(t *testing.T) {
	hosts := some(t, "a", "b", "c")
	a, f := hosts[0], hosts[0].f
	port := echo(t)
	web := Machine{UUID: "6b1c", Name: "web", Running: true}
	f.set("b", func(m *Member) { m.Machines = []Machine{web} })
	until(t, "it has a name", func() bool { return len(a.status().Machines) == 1 })
	at := a.status().Machines[0]
	if at.Name != "web.hither" || at.Address != MachineAddress("6b1c").String() || at.Host != "b" {
		t.Errorf("%+v", at)
	}
	for _, name := range []string{"web.hither", "web.b.hither"} {
		until(t, name, func() bool { return says(a.reach("tcp", name, port)) == nil })
	}
	if err := says(hosts[1].reach("tcp", "web.hither", port)); err != nil {
		t.Errorf("from its own computer: %v", err)
	}
	if err := says(a.reach("udp", "web.hither", port)); err != nil {
		t.Errorf("datagrams: %v", err)
	}
	// While it moves both have it; it runs on one.
	f.set("c", func(m *Member) { m.Machines = []Machine{{UUID: web.UUID, Name: web.Name}} })
	f.set("c", func(m *Member) { m.Machines = []Machine{web} })
	f.set("b", func(m *Member) { m.Machines = nil })
	until(t, "all know where it is", func() bool {
		for _, h := range hosts {
			if list := h.status().Machines; len(list) != 1 || list[0].Host != "c" {
				return false
			}
		}
		return true
	})
	if now := a.status().Machines[0]; now.Name != at.Name || now.Address != at.Address {
		t.Errorf("it was %+v and is %+v", at, now)
	}
	if err := says(a.reach("tcp", "web.hither", port)); err != nil {
		t.Errorf("after its move: %v", err)
	}
	if _, err := a.reach("tcp", "web.b.hither", port); !errors.Is(err, fusion.ErrNotFound) {
		t.Errorf("where it was: %v", err)
	}
}

// TestALargeDatagram goes in fragments, as the stack makes and takes them.
func TestALargeDatagram(t *testing.T) {
	hosts := some(t, "a", "b")
	conn, err := hosts[0].reach("udp", "b.hither", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sent := bytes.Repeat([]byte("0123456789"), 4000)
	got := make([]byte, 65536)
	until(t, "it comes back", func() bool { // a fragment may be lost
		if _, err := conn.Write(sent); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		n, err := conn.Read(got)
		return err == nil && bytes.Equal(got[:n], sent)
	})
}

// TestAConnectionThatRests after it carried much goes on.
func TestAConnectionThatRests(t *testing.T) {
	hosts := some(t, "a", "b")
	conn, err := hosts[0].reach("tcp", "b.hither", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = conn.Write(make([]byte, 1<<20)) }() // what comes back tells
	if _, err := io.CopyN(io.Discard, conn, 1<<20); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second) // longer than proxy.Join keeps its large buffers
	if err := saysOver(conn); err != nil {
		t.Error(err)
	}
}

// TestTooManyConnections: what one computer has open here is bounded, and others go on.
func TestTooManyConnections(t *testing.T) {
	hosts := some(t, "a", "b", "c")
	port := echo(t)
	r := hosts[1].running()
	var leaves []func()
	for range maxAccess {
		_, leave, err := r.enterAccess("a")
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leave)
	}
	if _, err := hosts[0].reach("tcp", "b.hither", port); err == nil {
		t.Error("one more was let in")
	}
	if err := says(hosts[2].reach("tcp", "b.hither", port)); err != nil {
		t.Errorf("another computer: %v", err)
	}
	for _, leave := range leaves {
		leave()
	}
	if err := says(hosts[0].reach("tcp", "b.hither", port)); err != nil {
		t.Errorf("after some were closed: %v", err)
	}
}
