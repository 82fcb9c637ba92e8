package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multistream"

	"hither/fusion"
)

// Dial opens a stream to a paired computer. The other side has answered on the
// very connection when it returns, so a call does not begin on a dead one.
//
// Errors: ErrUnpaired; ErrOffline, at once when the computer is known to be
// offline and one quick redial does not help; ErrUnsupported when its release
// lacks the protocol; ctx's own.
func (n *Network) Dial(ctx context.Context, id fusion.HostID, protocolID string) (net.Conn, error) {
	var c net.Conn
	err := n.over(ctx, id, protocolID, func(s *session) error {
		stream, err := openStream(ctx, s.conn, protocolID, n.cfg.tune.patience)
		c = &conn{stream: stream, network: n}
		return err
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// over opens something on the sessions of a paired computer, the best first. An
// error of open that is a *fusion.Error is final.
func (n *Network) over(ctx context.Context, id fusion.HostID, protocolID string, open func(*session) error) error {
	p, r, err := n.find("peers.dial", id)
	if err != nil {
		return err
	}
	began, misses := time.Now(), 0
	var last error
	for misses < 2 && ctx.Err() == nil && !n.refusing(p) {
		sessions := n.candidates(p)
		for _, s := range sessions {
			err := open(s)
			if err == nil {
				return nil
			}
			if err := n.dialError(ctx, r, protocolID, err); err != nil {
				return err
			}
			last = err
		}
		if time.Since(began) > n.cfg.tune.patience {
			break
		}
		if len(sessions) == 0 {
			if last = n.reach(ctx, p); last != nil {
				misses++
			}
			if last != nil && time.Since(began) > n.cfg.tune.quick/2 {
				break
			}
		}
		// A connection that has just failed is about to be found dead, or one
		// that was refused was cut by the other side's restart: look again.
		n.sleep(ctx, 20*time.Millisecond)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return n.offline(p, r, last)
}

func (n *Network) refusing(id peer.ID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.links[id]
	return l != nil && l.refused && !l.online
}

// dialError gives the error that ends a Dial, or nil when another connection
// may do better.
func (n *Network) dialError(ctx context.Context, r record, protocolID string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var missing multistream.ErrNotSupported[protocol.ID]
	if errors.As(err, &missing) {
		return &fusion.Error{Op: "peers.dial", Path: r.Name, Cause: fusion.ErrUnsupported, Detail: protocolID,
			Hint: "update Hither on " + r.Name}
	}
	var final *fusion.Error
	if errors.As(err, &final) {
		return final
	}
	return nil
}

func (n *Network) offline(p peer.ID, r record, why error) error {
	now := n.peer(p, r)
	if now.Refused {
		return &fusion.Error{Op: "peers.dial", Path: r.Name, Cause: fusion.ErrUnpaired,
			Detail: r.Name + " does not know this computer any more", Hint: "pair with " + r.Name + " again: hither pair"}
	}
	seen := "it was never seen"
	if !now.LastSeen.IsZero() {
		seen = "it was last seen " + ago(n.cfg.tune.now().Sub(now.LastSeen))
	}
	e := &fusion.Error{Op: "peers.dial", Path: r.Name, Cause: fusion.ErrOffline,
		Hint: "wake " + r.Name + " or look at its network; " + seen}
	n.cfg.Log.Debug("dial", "host", r.Name, "err", why)
	return e
}

func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute ago"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

// candidates gives the sessions that answer, the best first.
func (n *Network) candidates(id peer.ID) []*session {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.links[id]; l != nil {
		return l.ranked(n.cfg.tune.now())
	}
	return nil
}

// reach makes one quick attempt to have a session, and one more if the path
// comes back meanwhile.
func (n *Network) reach(ctx context.Context, id peer.ID) error {
	n.mu.Lock()
	l := n.links[id]
	n.mu.Unlock()
	if l == nil {
		return errors.New("it was forgotten")
	}
	stop := n.knock(ctx, l, n.addrsOf(id))
	err := n.dial(ctx, l, n.cfg.tune.quick)
	stop()
	if err != nil {
		return err
	}
	if !n.await(ctx, l, n.cfg.tune.patience, func() bool { return l.online || !n.connectingLocked(l) }) {
		return errors.New("connected, but no answer")
	}
	return nil
}

// DialAddr opens a stream to any key at a multiaddr that ends in /p2p/ID, paired
// or not. It is for pairing, tests and diagnosis; an unpaired connection lives
// for a minute.
func (n *Network) DialAddr(ctx context.Context, addr, protocolID string) (net.Conn, error) {
	info, err := parseAddr(addr)
	if err != nil {
		return nil, err
	}
	stream, err := n.openAt(ctx, *info, protocolID)
	if err != nil {
		return nil, err
	}
	return &conn{stream: stream, network: n}, nil
}

// openAt opens a stream to any key. It tries twice, as a connection that there
// was already may just be ending.
func (n *Network) openAt(ctx context.Context, info peer.AddrInfo, protocolID string) (network.Stream, error) {
	var last error
	for range 2 {
		stream, err := n.openOnce(ctx, info, protocolID)
		if err == nil {
			return stream, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		last = err
	}
	return nil, &fusion.Error{Op: "peers.dial", Path: info.Addrs[0].String(), Cause: fusion.ErrOffline, Detail: last.Error(),
		Hint: "see that a node runs at this address and that no firewall is between"}
}

func (n *Network) openOnce(ctx context.Context, info peer.AddrInfo, protocolID string) (network.Stream, error) {
	n.host.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.TempAddrTTL)
	n.clearBackoff(info.ID)
	within, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := n.host.Network().DialPeer(within, info.ID)
	if err != nil {
		return nil, err
	}
	return openStream(ctx, conn, protocolID, dialTime)
}

// openStream opens a stream on one connection and waits until the other side
// has agreed to the protocol.
func openStream(ctx context.Context, c network.Conn, protocolID string, within time.Duration) (network.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	stream, err := c.NewStream(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { stream.Reset() })
	err = multistream.SelectProtoOrFail(protocol.ID(protocolID), stream)
	if err == nil {
		err = stream.SetProtocol(protocol.ID(protocolID))
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		stream.Reset()
		return nil, err
	}
	return stream, nil
}
