package app

import (
	"context"
	"net"

	"hither/fusion"
)

// pairedHost is a paired computer as the other end of what a machine here does with it.
type pairedHost struct {
	n    *Node
	id   fusion.HostID
	name string
}

// paired finds one. hint is for whoever has not paired it.
func (n *Node) paired(op string, id fusion.HostID, hint string) (pairedHost, error) {
	peer, err := n.network.Lookup(string(id))
	if err != nil {
		return pairedHost{}, fusion.NotPaired(op, id, hint)
	}
	return pairedHost{n, peer.ID, peer.Name}, nil
}

func (p pairedHost) ID() fusion.HostID { return p.id }
func (p pairedHost) Name() string      { return p.name }

func (p pairedHost) host() fusion.Host { return p.n.clientOf(p.id).HostAs("", p.name) }

func (p pairedHost) dial(ctx context.Context, protocol string) (net.Conn, error) {
	return p.n.network.Dial(ctx, p.id, protocol)
}

// serveStreams serves each stream of a protocol by itself until the node stops. serve is told
// whose key the stream proved.
func (n *Node) serveStreams(protocol, of string, serve func(from fusion.HostID, conn net.Conn) error) {
	n.serveEach(n.audited(n.network.Listen(protocol), protocol), of, serve)
}

// serveLasting is serveStreams for streams that outlive their path.
func (n *Node) serveLasting(protocol, of string, serve func(from fusion.HostID, conn net.Conn) error) {
	n.serveEach(n.audited(n.network.ListenLasting(protocol), protocol), of, serve)
}

func (n *Node) serveEach(l net.Listener, of string, serve func(from fusion.HostID, conn net.Conn) error) {
	stop := context.AfterFunc(n.ctx, func() { _ = l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		n.running.Go(func() {
			defer conn.Close()
			stop := context.AfterFunc(n.ctx, func() { _ = conn.Close() }) // the node stops
			defer stop()
			stream := conn.(*auditedConn)
			if err := serve(stream.Peer(), stream); err != nil {
				stream.why(err)
				n.log.Info("a stream of "+of+" ended", "err", err)
			}
		})
	}
}
