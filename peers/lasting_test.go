package peers

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"hither/fusion"
	"hither/peers/carry"
)

// proxy stands before a computer's TCP port and can cut what goes through it.
type proxy struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	// mu guards the fields below.
	mu    sync.Mutex
	conns map[net.Conn]bool
	down  bool
	cuts  int
}

// throughProxy pairs two computers so that b reaches a through a proxy only, and
// a never dials.
func throughProxy(t testing.TB, a, b *Network) *proxy {
	t.Helper()
	var target ma.Multiaddr
	for _, addr := range a.listenAddrs() {
		if _, err := addr.ValueForProtocol(ma.P_TCP); err == nil {
			target = addr
		}
	}
	_, at, err := manet.DialArgs(target)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: at, conns: map[net.Conn]bool{}}
	p.running.Go(p.serve)
	t.Cleanup(func() {
		l.Close()
		p.set(true)
		p.running.Wait()
	})
	door, err := manet.FromNetAddr(l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	a.dialOnly(func(peer.ID, ma.Multiaddr) bool { return false })
	b.dialOnly(func(_ peer.ID, addr ma.Multiaddr) bool { return addr.Equal(door) })
	o, err := a.Offer(testContext(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Join(testContext(t), o.Code, door.String()+"/p2p/"+string(a.ID()), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Wait(testContext(t)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *proxy) serve() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.target)
		if err != nil {
			near.Close()
			continue
		}
		p.mu.Lock()
		if p.down {
			p.mu.Unlock()
			near.Close()
			far.Close()
			continue
		}
		p.conns[near], p.conns[far] = true, true
		p.mu.Unlock()
		for _, pair := range [][2]net.Conn{{near, far}, {far, near}} {
			p.running.Go(func() {
				io.Copy(pair[0], pair[1])
				near.Close()
				far.Close()
				p.mu.Lock()
				defer p.mu.Unlock()
				delete(p.conns, near)
				delete(p.conns, far)
			})
		}
	}
}

// cut resets every connection there is.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutLocked()
}

func (p *proxy) cutLocked() {
	p.cuts++
	for c := range p.conns {
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
}

// set says whether the path is away.
func (p *proxy) set(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
	if down {
		p.cutLocked()
	}
}

// lastingPair gives both ends of a lasting stream of b with a.
func lastingPair(t testing.TB, a, b *Network) (near, far *LastingConn) {
	t.Helper()
	l := a.ListenLasting(echoProtocol)
	t.Cleanup(func() { l.Close() })
	n, err := b.DialLasting(t.Context(), a.ID(), echoProtocol)
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if got := f.(*LastingConn).Peer(); got != b.ID() {
		t.Fatalf("a stream of %s, want %s", got, b.ID())
	}
	t.Cleanup(func() { n.Close(); f.Close() })
	return n.(*LastingConn), f.(*LastingConn)
}

func TestLastingStreamGoesOn(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	p := throughProxy(t, a, b)
	near, far := lastingPair(t, a, b)
	line := []byte("hello\n")
	got := make([]byte, len(line))
	for i := range 5 {
		from, to := near, far
		if i%2 == 1 {
			from, to = far, near
		}
		if _, err := from.Write(line); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(to, got); err != nil || !bytes.Equal(got, line) {
			t.Fatal(got, err)
		}
		_, before, _ := near.Path()
		p.cut()
		began := time.Now()
		for moves := before; moves == before; {
			_, now, changed := near.Path()
			if moves = now; moves == before {
				select {
				case <-changed:
				case <-testContext(t).Done():
					t.Fatal("the stream has no path")
				}
			}
		}
		t.Log("carried again after", time.Since(began))
	}
	if err := near.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := far.Read(got); err != io.EOF {
		t.Error(err)
	}
}

// TestLastingCuts: 200 MB while the connection is cut 50 times.
func TestLastingCuts(t *testing.T) {
	const size, cuts = 200 << 20, 50
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	p := throughProxy(t, a, b)
	near, far := lastingPair(t, a, b)
	began, sent := time.Now(), make(chan error, 1)
	go func() {
		source, buf := rand.NewChaCha8([32]byte{1}), make([]byte, 1<<20)
		for range size / len(buf) {
			source.Read(buf)
			if _, err := near.Write(buf); err != nil {
				sent <- err
				return
			}
		}
		sent <- near.Close()
	}()
	source, buf, want := rand.NewChaCha8([32]byte{1}), make([]byte, 1<<20), make([]byte, 1<<20)
	at := 0
	for {
		n, err := far.Read(buf)
		source.Read(want[:n])
		if !bytes.Equal(buf[:n], want[:n]) {
			t.Fatalf("other bytes from %d on", at)
		}
		if at += n; at/(size/(cuts+1)) > p.cuts {
			p.cut()
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%d bytes: %v", at, err)
		}
	}
	if err := <-sent; err != nil || at != size {
		t.Fatalf("%d bytes, %v", at, err)
	}
	_, moves, _ := near.Path()
	t.Logf("%d MiB in %v, cut %d times, carried by %d connections", size>>20, time.Since(began), p.cuts, moves+1)
	if p.cuts < cuts {
		t.Errorf("cut %d times", p.cuts)
	}
}

func TestLastingRefusals(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	if _, err := b.DialLasting(testContext(t), a.ID(), echoProtocol); !errors.Is(err, fusion.ErrUnpaired) {
		t.Error("unpaired:", err)
	}
	pair(t, a, b)
	_, err := b.DialLasting(testContext(t), a.ID(), "/hither/test-none/1")
	wantCause(t, err, fusion.ErrUnsupported, "nas")
	ctx, cancel := context.WithCancel(testContext(t))
	cancel()
	if _, err := b.DialLasting(ctx, a.ID(), echoProtocol); !errors.Is(err, context.Canceled) {
		t.Error("canceled:", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, "offline", offline(b, a.ID()))
	_, err = b.DialLasting(testContext(t), a.ID(), echoProtocol)
	wantCause(t, err, fusion.ErrOffline, "nas")
}

func TestLastingPatience(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	p := throughProxy(t, a, b)
	near, far := lastingPair(t, a, b)
	for _, c := range []*LastingConn{near, far} {
		c.SetPatience(300 * time.Millisecond)
	}
	p.set(true)
	_, err := near.Read(make([]byte, 1))
	wantCause(t, err, fusion.ErrOffline, "nas")
	_, err = far.Read(make([]byte, 1))
	wantCause(t, err, fusion.ErrOffline, "laptop")
}

func TestForgetEndsLastingStreams(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	pair(t, a, b)
	near, far := lastingPair(t, a, b)
	if err := a.Forget(testContext(t), b.ID()); err != nil {
		t.Fatal(err)
	}
	if _, err := far.Read(make([]byte, 1)); !errors.Is(err, fusion.ErrUnpaired) {
		t.Error("at the side that forgot:", err)
	}
	near.SetPatience(time.Second)
	if _, err := near.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Error("at the other:", err)
	}
}

func TestClosedNetworkSaysSo(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	pair(t, a, b)
	near, far := lastingPair(t, a, b)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*LastingConn{near, far} {
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, carry.ErrReset) {
			t.Error(err)
		}
	}
}
