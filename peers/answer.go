package peers

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"hither/fusion"
)

// answerPair is the offerer's side of one exchange.
func (n *Network) answerPair(stream network.Stream) {
	defer stream.Reset()
	stream.SetDeadline(time.Now().Add(n.cfg.tune.pair))
	if !n.offers.limiter.take() {
		readBytes(stream) // a stream that is reset too early loses the answer
		n.refuse(stream, refusedBusy)
		return
	}
	first, err := readBytes(stream)
	if err != nil {
		return
	}
	theirs, err := parseIntro(roleJoiner, first)
	if err != nil {
		n.cfg.Log.Info("malformed pairing message", "from", stream.Conn().RemoteMultiaddr(), "err", err)
		n.refuse(stream, refusedInvalid)
		return
	}
	o, why := n.offers.enter(theirs.Number, n.cfg.tune.now())
	if why != "" {
		n.refuse(stream, why)
		return
	}
	defer n.offers.leave(o)
	p, err := n.meetJoiner(stream, o, first, theirs)
	if why, ok := err.(refusedError); ok {
		n.cfg.Log.Warn("pairing refused", "from", stream.Conn().RemoteMultiaddr(), "why", string(why))
		n.refuse(stream, refusal(why))
		return
	}
	if err != nil {
		n.cfg.Log.Info("pairing broke off", "from", stream.Conn().RemoteMultiaddr(), "err", err)
		return
	}
	n.offers.limiter.giveBack()
	n.finishOffer(stream, o, p, theirs)
}

// refusedError is a refusal on its way to the joiner.
type refusedError refusal

func (e refusedError) Error() string { return string(e) }

// refuse sends a status and lets the joiner close first.
func (n *Network) refuse(stream network.Stream, why refusal) {
	if err := writeFrame(stream, reply{Status: string(why)}); err == nil {
		stream.CloseWrite()
		drain(stream)
	}
}

// drain reads until the other side has ended, at most a frame.
func drain(stream network.Stream) {
	stream.SetReadDeadline(time.Now().Add(2 * time.Second))
	var rest [256]byte
	for range 64 {
		if _, err := stream.Read(rest[:]); err != nil {
			return
		}
	}
}

// meetJoiner runs the exchange up to the claim of the code.
func (n *Network) meetJoiner(stream network.Stream, o *Offer, first []byte, theirs intro) (*proofs, error) {
	e, err := newExchange(roleOfferer, o.code)
	if err != nil {
		return nil, err
	}
	key, err := e.meet(theirs.Point)
	if err != nil {
		return nil, refusedError(refusedInvalid)
	}
	second, err := json.Marshal(intro{Status: statusOK, Point: e.point(), Name: n.cfg.Name, Addrs: n.tellAddrs(), Grants: o.grants})
	if err != nil {
		return nil, err
	}
	if err := writeBytes(stream, second); err != nil {
		return nil, err
	}
	joiner := stream.Conn().RemotePeer()
	p := newProofs(key, joiner, n.host.ID(), first, second)
	mac, err := readProof(stream)
	if err != nil {
		return nil, err
	}
	if why := n.offers.claim(o, p.check(joinerKnows, mac)); why != "" {
		return nil, refusedError(why)
	}
	return p, nil
}

// finishOffer runs the exchange from the claim on, and tells Wait.
func (n *Network) finishOffer(stream network.Stream, o *Offer, p *proofs, theirs intro) {
	id := stream.Conn().RemotePeer()
	err := n.storeJoiner(stream, o, p, theirs)
	if err != nil {
		n.offers.settle(o, Peer{}, &fusion.Error{Op: "host.pair", Path: theirs.Name, Cause: fusion.ErrOffline, Detail: err.Error(),
			Hint: "nothing was stored; make a new code and try again"})
		return
	}
	// From here on this side is paired. Whether the joiner is too, its last
	// proof says, or the next pulse.
	if err := expectProof(stream, p, joinerStored); err != nil {
		n.cfg.Log.Info("the end of a pairing was cut; the next contact decides", "host", theirs.Name, "err", err)
	} else {
		stream.CloseWrite()
	}
	paired, err := n.welcome(id)
	n.offers.settle(o, paired, err)
}

// storeJoiner answers the joiner's proof, waits for its wish and stores it.
func (n *Network) storeJoiner(stream network.Stream, o *Offer, p *proofs, theirs intro) error {
	mac, err := p.make(offererKnows)
	if err != nil {
		return err
	}
	if err := writeFrame(stream, reply{Status: statusOK, Proof: mac}); err != nil {
		return err
	}
	if err := expectProof(stream, p, joinerCommits); err != nil {
		return err
	}
	if _, err := n.store.put(n.newRecord(stream.Conn(), theirs, o.grants), n.cfg.Name); err != nil {
		return err
	}
	if err := sendProof(stream, p, offererStored); err != nil {
		n.cfg.Log.Info("the end of a pairing was cut; the next contact decides", "host", theirs.Name, "err", err)
	}
	return nil
}

// newRecord is what a pairing stores of the other side.
func (n *Network) newRecord(conn network.Conn, theirs intro, grants []fusion.Grant) record {
	addrs := usable(theirs.Addrs, viaLoopback(conn))
	if conn.Stat().Direction == network.DirOutbound && !viaRelay(conn) {
		addrs = mergeAddrs(usable([]string{conn.RemoteMultiaddr().String()}, true), addrs)
	}
	now, id := n.cfg.tune.now(), hostID(conn.RemotePeer())
	own := n.owner.Has(id)
	return record{ID: id, Theirs: theirs.Name, Addrs: addrs, Grants: grants, Own: own, Hand: !own && isAdmin(grants) && isAdmin(theirs.Grants),
		Paired: now, LastSeen: now}
}

func (n *Network) tellAddrs() []string {
	addrs := addrTexts(append(n.mappedAddrs(), n.listenAddrs()...))
	return addrs[:min(len(addrs), maxAddrs)]
}

// welcome begins the tie to a computer that was just stored and gives it, online
// if its first answer comes soon.
func (n *Network) welcome(id peer.ID) (Peer, error) {
	l := n.link(id)
	if l == nil {
		return Peer{}, errClosed("host.pair")
	}
	n.notify(id)
	n.await(n.ctx, l, 3*time.Second, func() bool { return l.online || l.refused })
	r, ok := n.store.get(id)
	if !ok {
		return Peer{}, &fusion.Error{Op: "host.pair", Cause: fusion.ErrOffline, Detail: "the connection was cut in the last step",
			Hint: "nothing was stored; make a new code and try again"}
	}
	p := n.peer(id, r)
	n.cfg.Log.Info("paired", "host", p.Name, "fingerprint", p.Fingerprint, "grants", fmt.Sprint(p.Grants))
	return p, nil
}
