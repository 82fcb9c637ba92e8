package peers

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// A lasting stream that carries much, or often, climbs to a connection of its own: TCP to the
// same address, with the TLS of libp2p and the same keys, but no streams in it. So it has no
// frames in frames and no goroutines between, and a bulk transfer does not stand before API
// calls and heartbeats. Where there is none (NAT, a router, too many) it stays where it is.

// ownALPN is the protocol of such connections (RFC 7301).
const ownALPN = "hither-lasting/1"

const (
	// maxOwn bounds the own connections of one computer, each way.
	maxOwn = 8
	// ownPause is how long none is tried on a session on which that failed.
	ownPause = time.Minute
)

var errOwn = errors.New("not a connection for a stream of a paired computer")

// ownConfig is libp2p's TLS for a connection without libp2p's streams.
func (n *Network) ownConfig(id peer.ID) (*tls.Config, func(*tls.Conn) (peer.ID, error)) {
	config, key := n.identity.ConfigForPeer(id)
	config.NextProtos = []string{ownALPN}
	config.DynamicRecordSizingDisabled = true // what goes over it is much
	return config, func(conn *tls.Conn) (peer.ID, error) {
		if conn.ConnectionState().NegotiatedProtocol != ownALPN {
			return "", errOwn
		}
		return peer.IDFromPublicKey(<-key) // the handshake has put it there
	}
}

// dialOwn makes a connection for one stream beside a session, nil when there can be none.
func (n *Network) dialOwn(ctx context.Context, s *session) *carrier {
	if s.kind() != directTCP || n.cfg.tune.now().UnixNano() < s.noOwn.Load() || !n.takeOwn(s) {
		return nil
	}
	defer n.giveOwn(s)
	ctx, cancel := context.WithTimeout(ctx, n.cfg.tune.own)
	defer cancel()
	c, err := n.tryOwn(ctx, s)
	if err != nil {
		n.noOwn(s)
		n.cfg.Log.Debug("a stream stays on the connection that is shared", "host", n.nameOf(s.conn.RemotePeer()), "err", err)
		return nil
	}
	return c
}

// tryOwn does so. The session's computer listens where it was dialed; where it dialed itself,
// it may listen at the same IP address.
func (n *Network) tryOwn(ctx context.Context, s *session) (c *carrier, err error) {
	id, addr := s.conn.RemotePeer(), s.conn.RemoteMultiaddr()
	if s.conn.Stat().Direction != network.DirOutbound {
		if addr, err = n.listensAt(id, addr); err != nil {
			return nil, err
		}
	}
	scope, err := n.host.Network().ResourceManager().OpenConnection(network.DirOutbound, true, addr)
	if err != nil {
		return nil, err
	}
	if err = scope.SetPeer(id); err != nil {
		scope.Done()
		return nil, err
	}
	conn, err := (&manet.Dialer{}).DialContext(ctx, addr)
	if err != nil {
		scope.Done()
		return nil, err
	}
	config, who := n.ownConfig(id)
	secure := tls.Client(quick(conn), config)
	if err = secure.HandshakeContext(ctx); err == nil {
		_, err = who(secure)
	}
	if err != nil {
		conn.Close()
		scope.Done()
		return nil, err
	}
	c = ownCarrier(secure, conn, scope.Done)
	c.conn = s.conn
	if !n.keepOwn(s, c) {
		c.Reset()
		return nil, errors.New("the session was lost meanwhile")
	}
	return c, nil
}

// noOwn lets streams of a session be content with it for a while.
func (n *Network) noOwn(s *session) { s.noOwn.Store(n.cfg.tune.now().Add(ownPause).UnixNano()) }

// takeOwn counts one that is being made; false: its computer has enough.
func (n *Network) takeOwn(s *session) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
	for other := range s.link.sessions {
		count += len(other.owned) + other.makes
	}
	if count >= maxOwn || s.dead {
		return false
	}
	s.makes++
	return true
}

func (n *Network) giveOwn(s *session) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s.makes--
}

// listensAt gives a known address of a computer at the IP address of another one.
func (n *Network) listensAt(id peer.ID, at ma.Multiaddr) (ma.Multiaddr, error) {
	ip, err := manet.ToIP(at)
	if err != nil {
		return nil, err
	}
	for _, addr := range n.addrsOf(id) {
		if _, err := addr.ValueForProtocol(ma.P_TCP); err != nil || isRelayed(addr) {
			continue
		}
		if other, err := manet.ToIP(addr); err == nil && other.Equal(ip) {
			bare, _ := ma.SplitFunc(addr, func(c ma.Component) bool { return c.Protocol().Code == ma.P_P2P })
			return bare, nil
		}
	}
	return nil, errors.New("it is not known to listen where its connection comes from")
}

// keepOwn ties a connection to a session: it is reset when the session is lost, which its
// heartbeats tell.
func (n *Network) keepOwn(s *session, c *carrier) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.dead || n.closed {
		return false
	}
	if s.owned == nil {
		s.owned = map[*carrier]bool{}
	}
	s.owned[c] = true
	done := c.done
	c.done = func() {
		done()
		if !c.heard.Load() { // the other side did not want it
			n.noOwn(s)
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(s.owned, c)
	}
	return true
}

// resetOwned ends the own connections beside a session that was lost.
func (n *Network) resetOwned(s *session) {
	n.mu.Lock()
	var owned []*carrier
	for c := range s.owned {
		owned = append(owned, c)
	}
	n.mu.Unlock()
	for _, c := range owned {
		c.Reset()
	}
}

// serveOwn takes a connection that came to the port of libp2p and begins with TLS.
func (n *Network) serveOwn(conn manet.Conn, scope network.ConnManagementScope) {
	c := ownCarrier(nil, conn, scope.Done)
	if !n.start(func() { n.carryOwn(c, conn, scope) }) {
		c.Reset()
	}
}

func (n *Network) carryOwn(c *carrier, conn manet.Conn, scope network.ConnManagementScope) {
	defer c.Reset()
	ctx, cancel := context.WithTimeout(n.ctx, negotiateTime)
	defer cancel()
	config, who := n.ownConfig("")
	secure := tls.Server(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return
	}
	id, err := who(secure)
	if err != nil || !n.paired(id) || scope.SetPeer(id) != nil || !n.ownCame(id, 1) {
		return
	}
	defer n.ownCame(id, -1)
	c.own(secure)
	n.lasting.Serve(hostID(id), c)
}

// ownCame counts the own connections that a computer made here; false: it has enough.
func (n *Network) ownCame(id peer.ID, by int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.owned[id]+by > maxOwn {
		return false
	}
	if n.owned[id] += by; n.owned[id] == 0 {
		delete(n.owned, id)
	}
	return true
}

// ownCarrier is a carrier that is a connection. done is called once, when it ends.
func ownCarrier(secure *tls.Conn, conn manet.Conn, done func()) *carrier {
	c := &carrier{addr: conn.RemoteMultiaddr(), alone: true, done: done}
	bare := conn
	if b, ok := conn.(*begun); ok {
		bare = b.Conn
	}
	c.reset = func() error {
		if l, ok := bare.(interface{ SetLinger(int) error }); ok {
			l.SetLinger(0)
		}
		return bare.Close()
	}
	if secure != nil {
		c.own(secure)
	}
	return c
}

func (c *carrier) own(secure *tls.Conn) { c.wire, c.closeWrite = secure, secure.CloseWrite }
