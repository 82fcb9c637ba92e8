package peers

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"hither/fusion"
)

const echoProtocol = "/hither/test-echo/1"

// echo serves echoProtocol until the test ends.
func echo(t *testing.T, n *Network, opts ...ListenOption) {
	l := n.Listen(echoProtocol, opts...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
}

func said(t *testing.T, n *Network, id fusion.HostID, text string) error {
	t.Helper()
	c, err := n.Dial(testContext(t), id, echoProtocol)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patient))
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return err
	}
	back, err := io.ReadAll(c)
	if err == nil && string(back) != text {
		return errors.New("got " + string(back))
	}
	return err
}

// watchOne collects the changes that n sees until the test ends.
func watchOne(t *testing.T, n *Network) <-chan change {
	ctx, cancel := context.WithCancel(context.Background())
	changes, done := make(chan change, 1000), make(chan struct{})
	go func() {
		defer close(done)
		n.Watch(ctx, func(p Peer, removed bool) { changes <- change{p, removed} })
	}()
	t.Cleanup(func() { cancel(); <-done })
	for _, p := range n.Peers() {
		next(t, changes, func(c change) bool { return c.peer.ID == p.ID && !c.removed }) // what there is now
	}
	return changes
}

func next(t *testing.T, changes <-chan change, ok func(change) bool) {
	t.Helper()
	for {
		select {
		case c := <-changes:
			if ok(c) {
				return
			}
		case <-testContext(t).Done():
			t.Fatal("the change did not come")
		}
	}
}

func TestRestartIsOfflineThenOnline(t *testing.T) {
	cfg := testConfig(t, "nas")
	a, b := openTest(t, cfg), openTest(t, testConfig(t, "laptop"))
	pair(t, a, b)
	echo(t, b)
	if err := said(t, a, b.ID(), "hello"); err != nil {
		t.Fatal(err)
	}
	id := a.ID()
	changes := watchOne(t, b)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	next(t, changes, func(c change) bool { return !c.peer.Online && !c.removed })
	_, err := b.Dial(testContext(t), id, echoProtocol)
	wantCause(t, err, fusion.ErrOffline, "nas")
	a = openTest(t, cfg)
	next(t, changes, func(c change) bool { return c.peer.Online && c.peer.Path == "direct" })
	until(t, "a sees b", online(a, b.ID()))
	if err := said(t, a, b.ID(), "again"); err != nil {
		t.Error(err)
	}
}

func TestNewPortIsFound(t *testing.T) {
	cfg := testConfig(t, "nas")
	a, b := openTest(t, cfg), openTest(t, testConfig(t, "laptop"))
	pair(t, a, b)
	id := a.ID()
	a.Close()
	until(t, "offline", offline(b, id))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Listen = free.Addr().String()
	free.Close()
	a = openTest(t, cfg) // it knows where b is
	until(t, "online", online(b, id))
	until(t, "the new address is kept", func() bool {
		r, _ := b.Lookup("nas")
		port, _ := a.listenAddrs()[0].ValueForProtocol(6)
		return slices.ContainsFunc(r.Addrs, func(addr string) bool { return addr == "/ip4/127.0.0.1/tcp/"+port })
	})
}

func TestNoAnswerIsOffline(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	var deaf atomic.Bool
	b.deaf = deaf.Load
	pair(t, a, b)
	deaf.Store(true)
	began := time.Now()
	until(t, "offline", offline(a, b.ID()))
	t.Logf("offline after %v", time.Since(began))
	deaf.Store(false)
	until(t, "online", online(a, b.ID()))
}

func TestStrangersStreams(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "guest"))
	echo(t, a)
	// The reset may come while the protocol is still being agreed on.
	c, err := b.DialAddr(testContext(t), a.Addrs()[0], echoProtocol)
	if err == nil {
		c.SetDeadline(time.Now().Add(patient))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("an unpaired stream got %v", err)
		}
		c.Close()
	}
	_, err = b.Dial(testContext(t), a.ID(), echoProtocol)
	wantCause(t, err, fusion.ErrUnpaired, "")

	open := a.Listen("/hither/test-open/1", AllowUnpaired)
	defer open.Close()
	c, err = b.DialAddr(testContext(t), a.Addrs()[0], "/hither/test-open/1")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in, err := open.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if id := in.(interface{ Peer() fusion.HostID }).Peer(); id != b.ID() {
		t.Errorf("from %s", id)
	}
	if _, ok := a.Grants(b.ID()); ok {
		t.Error("a stranger has grants")
	}
}

func TestUnknownProtocol(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	pair(t, a, b)
	_, err := a.Dial(testContext(t), b.ID(), "/hither/from-the-future/9")
	wantCause(t, err, fusion.ErrUnsupported, "laptop")
}

func TestForget(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	pair(t, a, b)
	echo(t, a)
	c, err := b.Dial(testContext(t), a.ID(), echoProtocol)
	if err != nil {
		t.Fatal(err)
	}
	changes := watchOne(t, a)
	if err := a.Forget(testContext(t), b.ID()); err != nil {
		t.Fatal(err)
	}
	next(t, changes, func(c change) bool { return c.removed && c.peer.Name == "laptop" && !c.peer.Online })
	c.SetDeadline(time.Now().Add(patient))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("the open stream got %v", err)
	}
	until(t, "b hears of it", func() bool { p, _ := b.Lookup("nas"); return p.Refused })
	_, err = b.Dial(testContext(t), a.ID(), echoProtocol)
	wantCause(t, err, fusion.ErrUnpaired, "nas")
	wantCause(t, a.Forget(testContext(t), b.ID()), fusion.ErrUnpaired, "")
	pair(t, a, b) // the old record on b is no obstacle
	until(t, "online again", online(b, a.ID()))
	if err := said(t, b, a.ID(), "hello"); err != nil {
		t.Error(err)
	}
}

func TestSetGrants(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	pair(t, a, b)
	changes := watchOne(t, a)
	if err := a.SetGrants(testContext(t), b.ID(), fusion.Whole("view", "view")); err != nil {
		t.Fatal(err)
	}
	next(t, changes, func(c change) bool { return slices.Equal(c.peer.Grants, fusion.Whole("view")) })
	wantCause(t, a.SetGrants(testContext(t), b.ID(), fusion.Whole("fly")), fusion.ErrInvalid, "fly")
	if err := a.SetGrants(testContext(t), b.ID(), nil); err != nil {
		t.Fatal(err)
	}
	if g, ok := a.Grants(b.ID()); !ok || len(g) != 0 {
		t.Errorf("%v %v", g, ok)
	}
}

func TestEqualNames(t *testing.T) {
	a := openTest(t, testConfig(t, "nas"))
	b, c, d := openTest(t, testConfig(t, "pc")), openTest(t, testConfig(t, "pc")), openTest(t, testConfig(t, "nas"))
	for _, n := range []*Network{b, c, d, b} { // b twice: the same key is the same computer
		pair(t, a, n)
	}
	for name, n := range map[string]*Network{"pc": b, "pc-2": c, "nas-2": d} {
		if p, err := a.Lookup(name); err != nil || p.ID != n.ID() {
			t.Errorf("%s is %s, %v", name, p.ID, err)
		}
	}
	colors := map[int]bool{}
	for _, p := range a.Peers() {
		colors[p.Color] = true
	}
	if len(a.Peers()) != 3 || len(colors) != 3 {
		t.Errorf("%+v", a.Peers())
	}
	_, err := a.Lookup("tv")
	wantCause(t, err, fusion.ErrNotFound, "tv")
	if want := "paired computers: nas-2, pc, pc-2"; fusion.Hint(err) != want {
		t.Errorf("hint %q", fusion.Hint(err))
	}
}

// TestBothDialAtOnce cuts all connections again and again, lets both sides
// redial at the same moment and calls from both while they do.
func TestBothDialAtOnce(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	pair(t, a, b)
	echo(t, a)
	echo(t, b)
	idA, idB := peerOf(t, a), peerOf(t, b)
	for range 10 {
		a.host.Network().ClosePeer(idB)
		b.host.Network().ClosePeer(idA)
		errs := make(chan error, 2)
		go func() { errs <- said(t, a, b.ID(), "from a") }()
		go func() { errs <- said(t, b, a.ID(), "from b") }()
		for range 2 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	}
	until(t, "both online", func() bool { return online(a, b.ID())() && online(b, a.ID())() })
}

func peerOf(t *testing.T, n *Network) peer.ID {
	id, err := peerID(n.ID())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestCutPairing breaks the exchange before each message and looks for halves.
func TestCutPairing(t *testing.T) {
	for step := range 4 {
		a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
		o, err := a.Offer(testContext(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		cutJoin(t, b, o, step)
		if step >= 2 { // past the claim: the code is used up
			_, err := o.Wait(testContext(t))
			if step == 2 {
				wantCause(t, err, fusion.ErrOffline, "laptop")
			}
		}
		// a may have stored b for a moment; b says that it has not.
		until(t, "a drops the half", func() bool { return len(a.Peers()) == 0 })
		strangers(t, b)
		pair(t, a, b)
	}
}

// cutJoin is a joiner that goes away after step messages.
func cutJoin(t *testing.T, b *Network, o *Offer, step int) {
	t.Helper()
	info, err := parseAddr(o.Addr)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := b.openAt(testContext(t), *info, pairProtocol)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		stream.Reset()
		stream.Conn().Close()
	}()
	switch step {
	case 0:
		return
	case 1:
		writeFrame(stream, intro{Number: o.code.number})
		return
	}
	_, p, err := b.meetOfferer(stream, o.code, fusion.Whole(fusion.AdminCap))
	if err != nil {
		t.Fatal(err)
	}
	if step == 3 {
		if err := sendProof(stream, p, joinerCommits); err != nil {
			t.Fatal(err)
		}
		if err := expectProof(stream, p, offererStored); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOffererCutAtTheEnd loses the offerer's last proof: the joiner asks again.
func TestOffererCutAtTheEnd(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	o, err := a.Offer(testContext(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	a.host.SetStreamHandler(pairProtocol, a.tracked(func(s network.Stream) {
		a.answerPair(&cutStream{Stream: s, left: 2})
	}))
	if _, err := b.Join(testContext(t), o.Code, o.Addr, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Wait(testContext(t)); err != nil {
		t.Fatal(err)
	}
	until(t, "both online", func() bool { return online(a, b.ID())() && online(b, a.ID())() })
}

// cutStream cuts the stream in the place of a write.
type cutStream struct {
	network.Stream
	left int
}

func (s *cutStream) Write(b []byte) (int, error) {
	if s.left == 0 {
		s.Reset()
	}
	s.left--
	return s.Stream.Write(b)
}

// TestRefusedThenKnown: a computer that was refused hears on the same connection that it is
// known now, and does not wait until it asks again by itself.
func TestRefusedThenKnown(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	pairAsGuest(t, a, b) // computers of one owner would ask at once
	r, _ := a.store.get(b.host.ID())
	if err := a.Forget(testContext(t), b.ID()); err != nil {
		t.Fatal(err)
	}
	refused := func() bool {
		conns := b.host.Network().ConnsToPeer(a.host.ID())
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.links[a.host.ID()].refused && len(b.sessions) == 0 && len(conns) > 0
	}
	until(t, "b hears of it", refused)
	b.mu.Lock()
	b.links[a.host.ID()].cancel() // it asks no more
	b.mu.Unlock()
	until(t, "what it had begun is over", refused)
	if err := a.store.update(func(next map[peer.ID]record) error { next[b.host.ID()] = r; return nil }); err != nil {
		t.Fatal(err)
	}
	a.link(b.host.ID())
	until(t, "both are online", func() bool { return online(a, b.ID())() && online(b, a.ID())() })
}
