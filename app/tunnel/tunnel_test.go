package tunnel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hither/fusion"
	"hither/fusion/hosttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContract(t *testing.T) {
	a, _ := two(t)
	m := hosttest.NewMemory("a", "a")
	hosttest.Tunnels(t, withTunnels{m, a.Store}, "b")
}

type withTunnels struct {
	fusion.Host
	t fusion.Tunnels
}

func (w withTunnels) Tunnels() fusion.Tunnels { return w.t }

func TestForwardWithHalfClose(t *testing.T) {
	a, b := two(t)
	port := shouter(t)
	for _, target := range []fusion.Target{{Port: port}, {Machine: "web", Port: port}, {Machine: fusion.Self, Port: port}, {Address: "127.0.0.1", Port: port}, {Address: "localhost", Port: port}} {
		made := a.add(t, fusion.TunnelSpec{Host: "b", Target: target})
		if got := shout(t, made.Listen, "hello"); got != "HELLOBYE" {
			t.Errorf("%s: %q", target, got)
		}
		until(t, "the count", func() bool { return a.shownAs(t, made.ID).Connections == 0 })
		now := a.shownAs(t, made.ID)
		if now.Total != 1 || now.BytesOut != 5 || now.BytesIn != 8 || now.State != fusion.TunnelOpen {
			t.Errorf("it is %+v", now)
		}
		points, err := a.History(t.Context(), made.ID)
		if err != nil || len(points) > 1 {
			t.Errorf("%v, %v", points, err)
		}
	}
	b.f.mu.Lock()
	defer b.f.mu.Unlock()
	if want := fmt.Sprintf("self/%d", port); b.asked[0] != want {
		t.Errorf("asked for %q", b.asked[0])
	}
}

func TestReverse(t *testing.T) {
	a, b := two(t)
	made := a.add(t, fusion.TunnelSpec{Kind: fusion.ReverseTunnel, Host: "b", Target: fusion.Target{Port: shouter(t)}})
	if got := shout(t, made.Listen, "back"); got != "BACKBYE" {
		t.Errorf("%q", got)
	}
	// Another host of the fabric cannot use it, and b cannot use another's.
	c := a.f.open(t, "c", t.TempDir())
	_, _, err := c.ask(t.Context(), "a", hello{Do: doBack, Tunnel: made.ID})
	refusedWith(t, "c", err, fusion.ErrNotFound)
	// It listens again after a break, and not any more when it is removed.
	a.f.cut(false)
	until(t, "it is back", func() bool { got, err := shoutAt(made.Listen, "x"); return err == nil && got == "XBYE" })
	b.grant("a")
	until(t, "it is refused", func() bool { return a.shownAs(t, made.ID).State == fusion.TunnelFailed })
	b.grant("a", fusion.TunnelCap)
	a.PeerBack("b")
	until(t, "it is allowed", func() bool { got, err := shoutAt(made.Listen, "x"); return err == nil && got == "XBYE" })
	open, err := net.Dial("tcp", made.Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	_ = open.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(open, "x")
	if _, err := io.ReadFull(open, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := a.Remove(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := open.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("what was open goes on: %v", err)
	}
	until(t, "it is closed", func() bool { _, err := shoutAt(made.Listen, "x"); return errors.Is(err, syscall.ECONNREFUSED) })
	// An address of b's that others reach needs admin there.
	_, err = a.Add(t.Context(), fusion.TunnelSpec{Kind: fusion.ReverseTunnel, Host: "b", Listen: "0.0.0.0:0", Open: true, Target: fusion.Target{Port: 1}})
	refusedWith(t, "everybody", err, fusion.ErrPermission)
}

func TestDatagrams(t *testing.T) {
	a, _ := two(t)
	port := echoUDP(t)
	for _, kind := range []fusion.TunnelKind{fusion.ForwardTunnel, fusion.ReverseTunnel} {
		made := a.add(t, fusion.TunnelSpec{Kind: kind, Proto: "udp", Host: "b", Target: fusion.Target{Address: "127.0.0.1", Port: port}})
		for range 3 { // clients
			conn, err := net.Dial("udp", made.Listen)
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range []int{1, 0, 1200, 9000} {
				want := bytes.Repeat([]byte{7}, size)
				got := make([]byte, 10000)
				_ = conn.SetDeadline(time.Now().Add(patience))
				if _, err := conn.Write(want); err != nil {
					t.Fatal(err)
				}
				if n, err := conn.Read(got); err != nil || !bytes.Equal(got[:n], want) {
					t.Fatalf("%s: %d of %d bytes, %v", kind, n, size, err)
				}
			}
			_ = conn.Close()
		}
		if now := a.shownAs(t, made.ID); kind == fusion.ForwardTunnel && (now.Connections != 3 || now.BytesIn != 3*10201) {
			t.Errorf("it is %+v", now)
		}
	}
}

func echoUDP(t *testing.T) (port int) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		buf := make([]byte, 65535)
		for {
			n, from, err := conn.ReadFrom(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				_, _ = conn.WriteTo(buf[:n], from)
			}
		}
	})
	t.Cleanup(func() {
		_ = conn.Close()
		work.Wait()
	})
	return conn.LocalAddr().(*net.UDPAddr).Port
}

// TestResetPasses: a service that resets, and a client that does, are seen as such.
func TestResetPasses(t *testing.T) {
	a, _ := two(t)
	heard := make(chan error, 1)
	port := serving(t, func(conn net.Conn) {
		var what [1]byte
		_, _ = io.ReadFull(conn, what[:])
		if what[0] == 'r' {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
			return
		}
		_, err := io.ReadAll(conn)
		heard <- err
		_ = conn.Close()
	})
	made := a.add(t, fusion.TunnelSpec{Host: "b", Target: fusion.Target{Port: port}})
	conn, err := net.Dial("tcp", made.Listen)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "r")
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a reset of the service came as %v", err)
	}
	_ = conn.Close()
	if conn, err = net.Dial("tcp", made.Listen); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "x"); err != nil {
		t.Fatal(err)
	}
	until(t, "it is through", func() bool { return a.shownAs(t, made.ID).BytesOut == 2 })
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
	if err := <-heard; err == nil {
		t.Error("a reset of the client came as a good end")
	}
}

// TestKept: tunnels are there again with a new node, but those for once; a port that somebody
// took meanwhile is tried again.
func TestKept(t *testing.T) {
	a, b := two(t)
	port := shouter(t)
	kept := a.add(t, fusion.TunnelSpec{Host: "b", Target: fusion.Target{Port: port}})
	once := a.add(t, fusion.TunnelSpec{Host: "b", Target: fusion.Target{Port: port}, Once: true})
	if _, err := a.Limit(t.Context(), kept.Listen, 5<<20); err != nil {
		t.Error(err)
	}
	a.stop()
	taken, err := net.Listen("tcp", kept.Listen)
	if err != nil {
		t.Fatal(err)
	}
	a = b.f.open(t, "a", a.dir)
	until(t, "the failure", func() bool { return a.shownAs(t, kept.ID).State == fusion.TunnelFailed })
	if now := a.shownAs(t, kept.ID); now.Note != "another program has this port" || now.Hint == "" || now.Limit != 5<<20 {
		t.Errorf("it is %+v", now)
	}
	if list, err := a.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v, beside %s", list, err, once.ID)
	}
	_ = taken.Close()
	until(t, "the port", func() bool { got, err := shoutAt(kept.Listen, "x"); return err == nil && got == "XBYE" })
}

func TestHostIsAway(t *testing.T) {
	a, _ := two(t)
	port := shouter(t)
	a.f.cut(true)
	made := a.add(t, fusion.TunnelSpec{Host: "b", Target: fusion.Target{Port: port}})
	back := a.add(t, fusion.TunnelSpec{Kind: fusion.ReverseTunnel, Host: "b", Listen: freeAddress(t), Target: fusion.Target{Port: port}})
	for _, id := range []string{made.ID, back.ID} {
		if now := a.shownAs(t, id); now.State != fusion.TunnelWaiting || now.Note == "" || now.Hint == "" {
			t.Errorf("it is %+v", now)
		}
	}
	if _, err := shoutAt(made.Listen, "x"); err == nil {
		t.Error("somebody answered")
	}
	a.f.cut(false)
	a.PeerBack("b")
	if got := shout(t, made.Listen, "x"); got != "XBYE" {
		t.Errorf("%q", got)
	}
	until(t, "the way back", func() bool { got, err := shoutAt(back.Listen, "x"); return err == nil && got == "XBYE" })
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestSockets(t *testing.T) {
	a, b := two(t)
	dir, err := os.MkdirTemp("/tmp", "htun") // short, for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	spec := fusion.TunnelSpec{Kind: fusion.ForwardTunnel, Host: "b", Listen: "unix:" + path, Target: fusion.Target{Port: shouter(t)}}
	made := a.add(t, spec)
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if got := shout(t, made.Listen, "x"); got != "XBYE" {
		t.Errorf("%q", got)
	}
	_, err = b.Add(t.Context(), fusion.TunnelSpec{Kind: fusion.ForwardTunnel, Host: "a", Listen: spec.Listen, Target: spec.Target})
	refusedWith(t, "taken", err, fusion.ErrBusy)
	if err := a.Remove(t.Context(), spec.Listen); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = a.Add(t.Context(), spec)
	refusedWith(t, "a file", err, fusion.ErrExists)
	spec.Listen = "unix:" + filepath.Join(dir, "none", "s")
	_, err = a.Add(t.Context(), spec)
	refusedWith(t, "no directory", err, fusion.ErrNotFound)
}

// TestNothingHalfMade: a full disk, a taken port and a broken file leave things as they were.
func TestNothingHalfMade(t *testing.T) {
	a, _ := two(t)
	spec := fusion.TunnelSpec{Kind: fusion.ForwardTunnel, Host: "b", Listen: freeAddress(t), Target: fusion.Target{Port: 1}}
	if err := os.Mkdir(filepath.Join(a.dir, tunnelsFile+".new"), 0o700); err != nil {
		t.Fatal(err) // what cannot be written over stands for a full disk
	}
	_, err := a.Add(t.Context(), spec)
	if err == nil || fusion.Hint(err) == "" {
		t.Errorf("kept nowhere: %v", err)
	}
	if _, err := net.Dial("tcp", spec.Listen); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("it listens: %v", err)
	}
	if list, _ := a.List(t.Context()); len(list) != 0 {
		t.Errorf("listed %+v", list)
	}
	_ = os.Remove(filepath.Join(a.dir, tunnelsFile+".new"))
	l, err := net.Listen("tcp", spec.Listen)
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Add(t.Context(), spec)
	refusedWith(t, "taken", err, fusion.ErrBusy)
	_ = l.Close()
	path := filepath.Join(a.dir, tunnelsFile)
	if err := os.WriteFile(path, []byte(`[{"id`), 0o600); err != nil {
		t.Fatal(err)
	}
	c := a.f.open(t, "a", a.dir)
	if _, err = c.Add(t.Context(), spec); err == nil || fusion.Hint(err) == "" {
		t.Errorf("over a broken file: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != `[{"id` {
		t.Errorf("it is %q now, %v", text, err)
	}
}

func TestManyAtOnce(t *testing.T) {
	a, _ := two(t)
	made := a.add(t, fusion.TunnelSpec{Host: "b", Target: fusion.Target{Port: shouter(t)}})
	var work sync.WaitGroup
	var bad atomic.Int64
	for i := range 200 {
		work.Go(func() {
			text := strings.Repeat("x", 1+i*100)
			if got, err := shoutAt(made.Listen, text); err != nil || got != strings.ToUpper(text)+"BYE" {
				bad.Add(1)
			}
		})
	}
	work.Wait()
	if bad.Load() != 0 {
		t.Errorf("%d of 200 failed", bad.Load())
	}
}

func TestLimit(t *testing.T) {
	a, _ := two(t)
	const rate, size = 1 << 20, 600 << 10
	made := a.add(t, fusion.TunnelSpec{Host: "b", Target: fusion.Target{Port: shouter(t)}, Limit: rate})
	begin := time.Now()
	if got := shout(t, made.Listen, strings.Repeat("x", size)); len(got) != size+3 {
		t.Errorf("%d bytes", len(got))
	}
	// A tenth of a second's bytes may pass at once.
	if took := time.Since(begin); took < size*8/10*time.Second/rate {
		t.Errorf("%d bytes took %s at %d a second", size, took, rate)
	}
	if now, err := a.Limit(t.Context(), made.ID, 0); err != nil || now.Limit != 0 {
		t.Errorf("%+v, %v", now, err)
	}
	if got := shout(t, made.Listen, "x"); got != "XBYE" {
		t.Errorf("without a limit: %q", got)
	}
}
