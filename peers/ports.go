package peers

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/tcpreuse"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/quic-go/quic-go"
)

// ports are the sockets of the host's transports: what is dialed to punch a hole
// leaves from the port that is listened on, as only that port is known outside.
type ports struct {
	quic *quicreuse.ConnManager                        // set by newQUIC, while libp2p.New runs
	own  func(manet.Conn, network.ConnManagementScope) // takes connections of TCP that are not libp2p's

	mu  sync.Mutex
	tcp map[string]net.Addr // "tcp4" and "tcp6" to the first listener's address
}

func (p *ports) newQUIC(reset quic.StatelessResetKey, token quic.TokenGeneratorKey, limits network.ResourceManager) (*quicreuse.ConnManager, error) {
	var err error
	p.quic, err = quicreuse.NewConnManager(reset, token,
		quicreuse.ConnContext(func(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
			addr, err := quicreuse.ToQuicMultiaddr(info.RemoteAddr, quic.Version1)
			if err != nil {
				return ctx, err
			}
			scope, err := limits.OpenConnection(network.DirInbound, false, addr)
			if err != nil {
				return ctx, err
			}
			context.AfterFunc(ctx, scope.Done)
			return network.WithConnManagementScope(ctx, scope), nil
		}),
		quicreuse.VerifySourceAddress(limits.VerifySourceAddress))
	return p.quic, err
}

// close ends QUIC's sockets. It comes after the host's Close, which leaves those
// that newQUIC made.
func (p *ports) close() error {
	if p.quic == nil {
		return nil
	}
	return p.quic.Close()
}

// tcpTransport is libp2p's, whose listeners are shared with the dials of holePunch.
type tcpTransport struct {
	*tcp.TcpTransport
	ports    *ports
	upgrader transport.Upgrader
}

func (p *ports) newTCP(upgrader transport.Upgrader, limits network.ResourceManager, shared *tcpreuse.ConnMgr) (*tcpTransport, error) {
	dialer := func(ma.Multiaddr) (tcp.ContextDialer, error) { return p, nil }
	t, err := tcp.NewTCPTransport(upgrader, limits, shared, tcp.DisableReuseport(), tcp.WithDialerForAddr(dialer))
	if err != nil {
		return nil, err
	}
	return &tcpTransport{t, p, upgrader}, nil
}

// Listen is tcp.TcpTransport's without its metrics.
func (t *tcpTransport) Listen(addr ma.Multiaddr) (transport.Listener, error) {
	family, text, err := manet.DialArgs(addr)
	if err != nil {
		return nil, err
	}
	socket, err := net.Listen(family, text)
	if err != nil {
		return nil, err
	}
	list, err := manet.WrapNetListener(socket)
	if err != nil {
		socket.Close()
		return nil, err
	}
	t.ports.note(socket)
	return t.upgrader.UpgradeGatedMaListener(t, newSorter(lingerless{t.upgrader.GateMaListener(list)}, t.ports.own)), nil
}

// note remembers a listener's port and lets dials leave from it. Where that is
// refused, holes are punched by QUIC alone.
func (p *ports) note(l net.Listener) {
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok || !sharesPorts || share(l) != nil {
		return
	}
	family := "tcp4"
	if addr.IP.To4() == nil {
		family = "tcp6"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tcp == nil {
		p.tcp = map[string]net.Addr{}
	}
	if p.tcp[family] == nil {
		p.tcp[family] = addr
	}
}

// DialContext dials TCP: to punch a hole from the port that is listened on, else
// from any, as two computers that dial each other at once from those ports would
// meet as two clients.
func (p *ports) DialContext(ctx context.Context, family, addr string) (net.Conn, error) {
	var d net.Dialer
	if punching, _, _ := network.GetSimultaneousConnect(ctx); punching {
		p.mu.Lock()
		d.LocalAddr = p.tcp[family]
		p.mu.Unlock()
		if d.LocalAddr != nil {
			d.Control = func(_, _ string, raw syscall.RawConn) error { return reuse(raw) }
		}
	}
	return d.DialContext(ctx, family, addr)
}

// lingerless sets what libp2p's TCP transport sets on each connection: a closed
// one is reset, so that its port is free at once, and a dead one is found.
type lingerless struct{ transport.GatedMaListener }

func (l lingerless) Accept() (manet.Conn, network.ConnManagementScope, error) {
	conn, scope, err := l.GatedMaListener.Accept()
	if err != nil {
		return nil, nil, err
	}
	if c, ok := conn.(interface {
		SetLinger(int) error
		SetKeepAliveConfig(net.KeepAliveConfig) error
	}); ok {
		c.SetLinger(0)
		c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second})
	}
	return conn, scope, nil
}

// tcpPort is the port from which a punch by TCP leaves, or 0.
func (p *ports) tcpPort(v4 bool) uint16 {
	family := "tcp6"
	if v4 {
		family = "tcp4"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if addr, ok := p.tcp[family].(*net.TCPAddr); ok {
		return uint16(addr.Port)
	}
	return 0
}
