package peers

import (
	"bytes"
	"io"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	ma "github.com/multiformats/go-multiaddr"

	"hither/fusion"
)

// behindRouter gives a router and a computer of its owner that only the router reaches,
// and one that reaches only the router and is paired with nobody.
func behindRouter(t *testing.T) (nas, router, fresh *Network) {
	t.Helper()
	nas, router, fresh = openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "router")), openTest(t, testConfig(t, "new"))
	pair(t, router, nas)
	router.SetRouter(true)
	for _, n := range []*Network{nas, router, fresh} {
		n.dialOnly(func(id peer.ID, _ ma.Multiaddr) bool { return id == router.host.ID() })
	}
	until(t, "the router is known", func() bool { return len(nas.routers()) == 1 })
	return nas, router, fresh
}

// offerAt opens a code and waits until the router knows.
func offerAt(t *testing.T, nas, router *Network) *Offer {
	t.Helper()
	o, err := nas.Offer(testContext(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if o.Through == "" || o.Router != router.Name() {
		t.Fatalf("the code names %q, %q", o.Through, o.Router)
	}
	until(t, "the router knows of the code", func() bool { id, _ := router.whoOffers(o.code.number); return id == nas.host.ID() })
	return o
}

// TestPairThroughARouter: a new computer that reaches only the router pairs with one
// behind it, is the router's too, and stays online.
func TestPairThroughARouter(t *testing.T) {
	nas, router, fresh := behindRouter(t)
	o := offerAt(t, nas, router)
	p, err := fresh.Join(testContext(t), o.Code+"@"+o.Through, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if atNas, err := o.Wait(testContext(t)); err != nil || atNas.Name != "new" || p.Name != "nas" {
		t.Fatalf("%+v, %+v, %v", atNas, p, err)
	}
	until(t, "all are the owner's", func() bool {
		return online(fresh, router.ID())() && online(router, fresh.ID())() && online(fresh, nas.ID())() && online(nas, fresh.ID())()
	})
	if p, err = fresh.Lookup("nas"); err != nil || p.Path != "relay" || p.Via != "router" {
		t.Errorf("%+v, %v", p, err)
	}
	echo(t, nas)
	if err := said(t, fresh, nas.ID(), "through"); err != nil {
		t.Error(err)
	}
	if n := nas.offers.number(); n != "" {
		t.Errorf("code %s is still open", n)
	}
}

// TestPairAtAnAddress: the node whose address is given may be the one with the code.
func TestPairAtAnAddress(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	o, err := a.Offer(testContext(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if o.Through != "" {
		t.Errorf("through %q without a router", o.Through)
	}
	at := "@127.0.0.1:" + a.port()
	if _, err := b.Join(testContext(t), "1"+o.Code[1:]+"@127.0.0.1", "", nil); fusion.CauseName(err) != "invalid" {
		t.Error("without a port:", err)
	}
	if _, err := a.Join(testContext(t), o.Code+at, "", nil); fusion.CauseName(err) != "invalid" {
		t.Error("with oneself:", err)
	}
	p, err := b.Join(testContext(t), o.Code+at, "", nil)
	if err != nil || p.Name != "nas" {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err := b.Join(testContext(t), o.Code+at, "", nil); fusion.CauseName(err) != "permission" {
		t.Error("once used:", err)
	}
}

// TestGuessesThroughARouter: a code burns as it does without one.
func TestGuessesThroughARouter(t *testing.T) {
	nas, router, fresh := behindRouter(t)
	o := offerAt(t, nas, router)
	for i := range 3 {
		_, err := fresh.Join(testContext(t), wrongly(t, o.Code)+"@"+o.Through, "", nil)
		wantCause(t, err, fusion.ErrPermission, []string{"wrong", "wrong", "three wrong"}[i])
	}
	_, err := o.Wait(testContext(t))
	wantCause(t, err, fusion.ErrPermission, "three wrong")
	until(t, "the router knows that it is burnt", func() bool { _, why := router.whoOffers(o.code.number); return why == refusedUnknown })
	_, err = fresh.Join(testContext(t), o.Code+"@"+o.Through, "", nil)
	wantCause(t, err, fusion.ErrNotFound, "no code")
	strangers(t, fresh)
	for range 20 {
		if _, err = fresh.Join(testContext(t), o.Code+"@"+o.Through, "", nil); fusion.CauseName(err) == "busy" {
			break
		}
	}
	wantCause(t, err, fusion.ErrBusy, "too many")
	o = offerAt(t, nas, router) // a new code is heard at once
	if _, err = fresh.Join(testContext(t), o.Code+"@"+o.Through, "", nil); err != nil {
		t.Error(err)
	}
}

// TestRouterInTheMiddle: a router that names itself as the computer with the code, and
// changes what it passes on, makes the pairing fail and nothing else.
func TestRouterInTheMiddle(t *testing.T) {
	nas, router, fresh := behindRouter(t)
	o := offerAt(t, nas, router)
	meet := router.Listen(meetProtocol, AllowUnpaired) // takes over from the node's own
	go func() {
		if s, err := meet.Accept(); err == nil {
			var q meetQuestion
			if readFrame(s, &q) == nil {
				_ = writeFrame(s, meetAnswer{Status: statusOK, ID: router.ID()})
			}
			_, _ = io.Copy(io.Discard, s) // until it has read it
		}
	}()
	middle := router.Listen(pairProtocol, AllowUnpaired)
	done := make(chan struct{})
	go func() {
		defer close(done)
		from, err := middle.Accept()
		if err != nil {
			return
		}
		defer from.Close()
		to, err := router.DialAddr(testContext(t), nas.Addrs()[0], pairProtocol)
		if err != nil {
			return
		}
		defer to.Close()
		for _, pipe := range [][2]io.ReadWriter{{from, to}, {to, from}, {from, to}, {to, from}} {
			body, err := readBytes(pipe[0])
			if err != nil || writeBytes(pipe[1], bytes.Replace(body, []byte(`"name":"nas"`), []byte(`"name":"nat"`), 1)) != nil {
				return
			}
		}
	}()
	_, err := fresh.Join(testContext(t), o.Code+"@"+o.Through, "", nil)
	wantCause(t, err, fusion.ErrPermission, "wrong")
	meet.Close()
	middle.Close()
	<-done
	strangers(t, fresh)
	if peers := nas.Peers(); len(peers) != 1 {
		t.Errorf("%+v", peers)
	}
}

// TestStrangersAtARouter: without an open code there is no circuit, never a reservation
// and never one to another stranger; with it only pairing goes through, and few bytes.
func TestStrangersAtARouter(t *testing.T) {
	nas, router, fresh := behindRouter(t)
	other := openTest(t, testConfig(t, "other"))
	at, err := fresh.meetingPlace(testContext(t), "127.0.0.1:"+router.port())
	if err != nil {
		t.Fatal(err)
	}
	through := func(to *Network) network.Conn {
		t.Helper()
		defer fresh.meeting.join(router.host.ID())()
		circuit := at[0].Encapsulate(ma.StringCast("/p2p/" + router.host.ID().String() + "/p2p-circuit"))
		fresh.host.Peerstore().AddAddrs(to.host.ID(), []ma.Multiaddr{circuit}, peerstore.TempAddrTTL)
		fresh.clearBackoff(to.host.ID())
		conn, err := fresh.host.Network().DialPeer(testContext(t), to.host.ID())
		if err != nil {
			return nil
		}
		return conn
	}
	if through(nas) != nil {
		t.Error("a circuit without a code")
	}
	if _, err := client.Reserve(testContext(t), fresh.host, peer.AddrInfo{ID: router.host.ID(), Addrs: at}); err == nil {
		t.Error("a reservation")
	}
	o := offerAt(t, nas, router)
	if through(other) != nil {
		t.Error("a circuit to a stranger")
	}
	conn := through(nas)
	if conn == nil {
		t.Fatal("no circuit with a code")
	}
	echo(t, nas)
	for _, protocol := range []string{ownerProtocol, meetProtocol, newsProtocol, echoProtocol} {
		if s, err := openStream(testContext(t), conn, protocol, patient); err == nil {
			if _, err := s.Read(make([]byte, 1)); err == nil {
				t.Errorf("%s answers", protocol)
			}
		}
	}
	s, err := openStream(testContext(t), conn, pairProtocol, patient)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * meetingBytes / maxFrame {
		if err = writeBytes(s, make([]byte, maxFrame)); err != nil {
			break
		}
		if s, err = openStream(testContext(t), conn, pairProtocol, patient); err != nil {
			break
		}
	}
	if err == nil {
		t.Error("twice as many bytes as a circuit may have")
	}
	if peers := nas.Peers(); len(peers) != 1 || slices.Contains(nas.routers(), fresh.host.ID()) {
		t.Errorf("%+v", peers)
	}
	o.Close()
	until(t, "the router knows that it is withdrawn", func() bool { _, why := router.whoOffers(o.code.number); return why != "" })
	fresh.host.Network().ClosePeer(nas.host.ID())
	if through(nas) != nil {
		t.Error("a circuit after the code")
	}
}
