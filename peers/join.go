package peers

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"hither/fusion"
)

// Join pairs with the computer that shows the code. addr is that computer's
// multiaddr; empty, it is found by mDNS, or, if the code is followed by @HOST:PORT, with
// the help of the node there, which is that computer or its router. grants is what it may do here; none
// means admin, which is all.
//
// Errors: ErrInvalid (not a code, not an address), ErrNotFound (nobody shows
// this number), ErrPermission (wrong, burnt, used, expired), ErrBusy (too many
// tries), ErrOffline (no connection, or it was cut; nothing is stored then).
func (n *Network) Join(ctx context.Context, codeText, addr string, grants []fusion.Grant) (Peer, error) {
	codeText, at, _ := strings.Cut(codeText, "@")
	c, err := parseCode(codeText)
	if err != nil {
		return Peer{}, err
	}
	grants, err = n.pairGrants(grants)
	if err != nil {
		return Peer{}, err
	}
	info, err := n.findOfferer(ctx, c.number, addr, at)
	if err != nil {
		return Peer{}, err
	}
	if info.router != "" {
		defer n.meeting.join(info.router)()
	}
	if info.ID == n.host.ID() {
		return Peer{}, &fusion.Error{Op: "host.pair", Cause: fusion.ErrInvalid, Detail: "this is the computer that shows the code",
			Hint: "type the code on the other computer"}
	}
	stream, err := n.openAt(ctx, info.AddrInfo, pairProtocol)
	if err != nil {
		return Peer{}, err
	}
	defer stream.Reset()
	stream.SetDeadline(time.Now().Add(n.cfg.tune.pair))
	defer context.AfterFunc(ctx, func() { stream.Reset() })()
	if err := n.join(stream, c, grants); err != nil {
		if ctx.Err() != nil {
			return Peer{}, ctx.Err()
		}
		return Peer{}, err
	}
	return n.welcome(info.ID)
}

// findOfferer finds the computer that shows a number.
func (n *Network) findOfferer(ctx context.Context, number, addr, at string) (found, error) {
	if at != "" && addr == "" {
		return n.meet(ctx, at, number)
	}
	info, err := parseAddr(addr)
	if addr == "" {
		info, err = n.findOffer(ctx, number)
	}
	if err != nil {
		return found{}, err
	}
	return found{AddrInfo: *info}, nil
}

// join is the joiner's side of the exchange; nil means that both have stored.
func (n *Network) join(stream network.Stream, c code, grants []fusion.Grant) error {
	theirs, p, err := n.meetOfferer(stream, c, grants)
	if err != nil {
		return err
	}
	id := stream.Conn().RemotePeer()
	defer n.pend(id)()
	if err := sendProof(stream, p, joinerCommits); err != nil {
		return errCut(err)
	}
	if err := expectProof(stream, p, offererStored); err != nil && !n.storedThere(stream.Conn()) {
		return errCut(err)
	}
	if _, err := n.store.put(n.newRecord(stream.Conn(), theirs, grants), n.cfg.Name); err != nil {
		return err
	}
	if err := sendProof(stream, p, joinerStored); err != nil {
		n.cfg.Log.Info("the end of a pairing was cut; the next contact decides", "host", theirs.Name, "err", err)
		return nil
	}
	stream.CloseWrite()
	drain(stream)
	return nil
}

// meetOfferer runs the exchange until both sides have proved themselves.
func (n *Network) meetOfferer(stream network.Stream, c code, grants []fusion.Grant) (intro, *proofs, error) {
	fail := func(err error) (intro, *proofs, error) { return intro{}, nil, err }
	e, err := newExchange(roleJoiner, c)
	if err != nil {
		return fail(err)
	}
	first, err := json.Marshal(intro{Number: c.number, Point: e.point(), Name: n.cfg.Name, Addrs: n.tellAddrs(), Grants: grants})
	if err != nil {
		return fail(err)
	}
	if err := writeBytes(stream, first); err != nil {
		return fail(errCut(err))
	}
	second, err := readBytes(stream)
	if err != nil {
		return fail(errCut(err))
	}
	theirs, err := parseIntro(roleOfferer, second)
	if err != nil {
		return fail(refusedInvalid.err())
	}
	if theirs.Status != statusOK {
		return fail(refusal(theirs.Status).err())
	}
	key, err := e.meet(theirs.Point)
	if err != nil {
		return fail(refusedInvalid.err())
	}
	p := newProofs(key, n.host.ID(), stream.Conn().RemotePeer(), first, second)
	if err := sendProof(stream, p, joinerKnows); err != nil {
		return fail(errCut(err))
	}
	var answer reply
	if err := readFrame(stream, &answer); err != nil {
		return fail(errCut(err))
	}
	if answer.Status != statusOK {
		return fail(refusal(answer.Status).err())
	}
	if !p.check(offererKnows, answer.Proof) {
		return fail(&fusion.Error{Op: "host.pair", Cause: fusion.ErrPermission, Detail: "the other computer does not know the words",
			Hint: "it may be another one that pretends to be the right one: make a new code and give its address with --addr"})
	}
	return theirs, p, nil
}

// pend makes pulses answer "pending" to a computer that may have stored this
// one already, until the function it gives is called.
func (n *Network) pend(id peer.ID) func() {
	add := func(i int) {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.joining[id] += i; n.joining[id] == 0 {
			delete(n.joining, id)
		}
	}
	add(1)
	return func() { add(-1) }
}

// storedThere asks after a cut whether the offerer has stored this computer.
func (n *Network) storedThere(old network.Conn) bool {
	id := old.RemotePeer()
	ctx, cancel := context.WithTimeout(n.ctx, dialTime)
	defer cancel()
	for ctx.Err() == nil {
		n.clearBackoff(id)
		conn, err := n.host.Network().DialPeer(ctx, id)
		if err == nil {
			var stream network.Stream
			if stream, _, err = n.greet(conn); err == nil {
				stream.Reset()
				return true
			}
		}
		if errors.Is(err, errRefused) {
			return false
		}
		n.sleep(ctx, 200*time.Millisecond)
	}
	return false
}

func errCut(err error) error {
	return &fusion.Error{Op: "host.pair", Cause: fusion.ErrOffline, Detail: "the connection was cut: " + err.Error(),
		Hint: "nothing was stored; make a new code and try again"}
}
