package mesh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	gvisor "gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"hither/fusion"
	"hither/vmctl/proxy"
)

// netstack answers for the machines of this computer, and in the user plane for the computer:
// a connection that comes is led on to where they really are.
type netstack struct {
	r     *running
	stack *stack.Stack
	wire  *channel.Endpoint
}

const (
	card = tcpip.NICID(1)
	// wireQueue is how many packets of the stack wait to be sent; more are lost, and TCP
	// sends them again.
	wireQueue = 512
	// maxOpening bounds connections whose target has not answered yet.
	maxOpening = 512
)

// newNetstack makes one; with own it has this computer's address, so that programs can go out.
func newNetstack(r *running, own bool) (*netstack, error) {
	s := &netstack{r: r, wire: channel.New(wireQueue, MTU, ""),
		stack: stack.New(stack.Options{
			NetworkProtocols:   []stack.NetworkProtocolFactory{ipv6.NewProtocol},
			TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol6},
		})}
	sack := tcpip.TCPSACKEnabled(true)
	steps := []func() tcpip.Error{
		func() tcpip.Error { return s.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &sack) },
		func() tcpip.Error { return s.stack.CreateNIC(card, s.wire) },
		// It answers for every address that packets are given to it for, and from it.
		func() tcpip.Error { return s.stack.SetPromiscuousMode(card, true) },
		func() tcpip.Error { return s.stack.SetSpoofing(card, true) },
		func() tcpip.Error {
			if !own {
				return nil
			}
			return s.stack.AddProtocolAddress(card, tcpip.ProtocolAddress{Protocol: ipv6.ProtocolNumber,
				AddressWithPrefix: tcpip.AddrFromSlice(r.m.own.AsSlice()).WithPrefix()}, stack.AddressProperties{})
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			s.close()
			return nil, fmt.Errorf("the network stack: %s", err)
		}
	}
	s.stack.SetRouteTable([]tcpip.Route{{Destination: gvisor.IPv6EmptySubnet, NIC: card}})
	s.stack.SetTransportProtocolHandler(tcp.ProtocolNumber, tcp.NewForwarder(s.stack, 0, maxOpening, s.connected).HandlePacket)
	s.stack.SetTransportProtocolHandler(udp.ProtocolNumber, udp.NewForwarder(s.stack, s.datagram).HandlePacket)
	return s, nil
}

func (s *netstack) close() {
	s.stack.RemoveNIC(card)
	s.stack.Destroy() // it waits for its own goroutines
	s.wire.Close()
}

// inject gives the stack a packet, and keeps nothing of it.
func (s *netstack) inject(packet []byte) {
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(packet)})
	defer p.DecRef()
	s.wire.InjectInbound(ipv6.ProtocolNumber, p)
}

// pump sends what the stack says, until the network ends.
func (s *netstack) pump() {
	for {
		p := s.wire.ReadContext(s.r.ctx)
		if p == nil {
			return
		}
		view := p.ToView()
		p.DecRef()
		packet := view.AsSlice()
		if _, dst, ok := endpoints(packet); ok && Prefix.Contains(dst) {
			s.r.send(packet, dst)
		}
		view.Release()
	}
}

func addrOf(a tcpip.Address) netip.Addr {
	at, _ := netip.AddrFromSlice(a.AsSlice()) // 16 bytes
	return at
}

// connected leads a connection on. Its target is connected to first, so that "nobody listens
// there" is a reset for whoever asks.
func (s *netstack) connected(ask *tcp.ForwarderRequest) {
	if !s.r.begin() {
		ask.Complete(true)
		return
	}
	defer s.r.work.Done()
	id := ask.ID()
	ctx, target, leave, err := s.r.reach("tcp", addrOf(id.RemoteAddress), addrOf(id.LocalAddress), int(id.LocalPort))
	if err != nil {
		ask.Complete(true)
		return
	}
	defer leave()
	var queue waiter.Queue
	end, terr := ask.CreateEndpoint(&queue)
	if terr != nil {
		ask.Complete(true)
		proxy.Abort(target)
		return
	}
	ask.Complete(false)
	proxy.Join(ctx, stackConn{gonet.NewTCPConn(&queue, end), end}, target, nil)
}

// stackConn is a TCP connection of the stack as net has them.
type stackConn struct {
	*gonet.TCPConn
	end tcpip.Endpoint // nil: it cannot be reset
}

// Read gives the error of a deadline that net promises, and gonet does not.
func (c stackConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// Reset ends both directions at once, for both sides where that can be.
func (c stackConn) Reset() error {
	if c.end != nil {
		c.end.Abort()
	}
	return c.Close()
}

// datagram leads a row of datagrams on, until nothing was said for a minute.
func (s *netstack) datagram(ask *udp.ForwarderRequest) {
	var queue waiter.Queue
	end, terr := ask.CreateEndpoint(&queue)
	if terr != nil {
		return // somebody else has just made it
	}
	conn := gonet.NewUDPConn(&queue, end)
	if !s.r.begin() {
		_ = conn.Close() // the network ends
		return
	}
	id := ask.ID()
	go func() {
		defer s.r.work.Done()
		ctx, target, leave, err := s.r.reach("udp", addrOf(id.RemoteAddress), addrOf(id.LocalAddress), int(id.LocalPort))
		if err != nil {
			_ = conn.Close() // nobody hears
			return
		}
		defer leave()
		proxy.Relay(ctx, conn, target, nil)
	}()
}

// reach connects to what an address of this computer or of a machine of it stands for. ctx
// ends with the network, and with what from may do here; leave is called when the connection
// has ended.
func (r *running) reach(proto string, from, to netip.Addr, port int) (ctx context.Context, target net.Conn, leave func(), err error) {
	b := r.book.Load()
	ctx, leave = r.ctx, func() {}
	if from != r.m.own {
		if ctx, leave, err = r.enterAccess(b.holder[from]); err != nil {
			return nil, nil, nil, err
		}
		if err = r.m.cfg.Allow(b.holder[from]); err == nil && to == r.m.own { // after enterAccess: a grant that goes now ends it
			err = r.m.kept(port)
		}
	}
	within, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	switch machine, mine := b.mine[to]; {
	case err != nil:
	case mine:
		target, err = r.m.cfg.Guest(within, machine, proto, port)
	case to == r.m.own:
		target, err = r.m.dialOwn(within, proto, port)
	default:
		err = &fusion.Error{Op: "net", Path: to.String(), Cause: fusion.ErrNotFound, Detail: "nobody has that address"}
	}
	if err != nil {
		leave()
		return nil, nil, nil, err
	}
	return ctx, target, leave, nil
}
