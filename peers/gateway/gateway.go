package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/libp2p/go-netroute"
)

const (
	renewEvery = 20 * time.Second
	lifetime   = 10 * time.Minute
	askFor     = 3 * time.Second  // one question, of a gateway that may not speak it
	answerFor  = 10 * time.Second // of one that does: it may be slow
	searchFor  = 2 * time.Second  // for answers to the search by multicast
)

// State is what became of it.
type State struct {
	// Kind is "NAT-PMP" or "UPnP", "" while no router has opened the ports.
	Kind string
	// TCP and UDP are where the port is reached from outside; invalid when it is not.
	TCP, UDP netip.AddrPort
	// WhyNot says why no port is open, "" while one is or nobody was asked yet.
	WhyNot string
}

// Mapper keeps a port of TCP and the same one of UDP open.
type Mapper struct {
	// Port is that of this computer.
	Port uint16
	// Public says whether an address can be one of the public network.
	Public func(netip.Addr) bool
	// Changed is called after State has changed.
	Changed func()
	Log     *slog.Logger

	kick chan struct{}

	mu    sync.Mutex
	state State
}

// New makes a Mapper with what it needs.
func New(port uint16, public func(netip.Addr) bool, changed func(), log *slog.Logger) *Mapper {
	return &Mapper{Port: port, Public: public, Changed: changed, Log: log, kick: make(chan struct{}, 1)}
}

// State gives what there is now.
func (m *Mapper) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// Again asks at once: the network has changed.
func (m *Mapper) Again() {
	select {
	case m.kick <- struct{}{}:
	default:
	}
}

// router is one way to speak to a gateway. proto is "tcp" or "udp".
type router interface {
	kind() string
	external(context.Context) (netip.Addr, error)
	// add asks for a port outside and gives the one it got.
	add(ctx context.Context, proto string, port, want uint16, life time.Duration) (uint16, error)
	remove(ctx context.Context, proto string, port, outside uint16) error
}

// Run asks until ctx ends, and then removes what it asked for.
func (m *Mapper) Run(ctx context.Context) {
	var at router
	var gateway netip.Addr
	for ctx.Err() == nil {
		now, self, err := route()
		if err != nil || now != gateway {
			at, gateway = nil, now
		}
		if err == nil && at == nil {
			at, err = find(ctx, now, self)
		}
		var s State
		if err == nil {
			if s, err = m.ask(ctx, at); err != nil {
				at = nil // it may have been replaced, or speak the other one now
			}
		}
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			s = State{WhyNot: err.Error()}
		}
		m.set(s)
		timer := time.NewTimer(renewEvery)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-m.kick:
		}
		timer.Stop()
	}
	m.end(context.WithoutCancel(ctx), at)
}

// ask asks for both ports.
func (m *Mapper) ask(ctx context.Context, at router) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*answerFor)
	defer cancel()
	ip, err := at.external(ctx)
	if err != nil {
		return State{}, fmt.Errorf("the router does not tell its address: %w", err)
	}
	if !m.Public(ip) {
		return State{}, fmt.Errorf("the router says that its address outside is %s, which is not on the public network: there may be another router before it", ip)
	}
	was := m.State()
	s := State{Kind: at.kind()}
	tcp, err := at.add(ctx, "tcp", m.Port, cmp.Or(was.TCP.Port(), m.Port), lifetime)
	if err != nil {
		return State{}, fmt.Errorf("the router opens no port: %w", err)
	}
	s.TCP = netip.AddrPortFrom(ip, tcp)
	if udp, err := at.add(ctx, "udp", m.Port, cmp.Or(was.UDP.Port(), m.Port), lifetime); err == nil {
		s.UDP = netip.AddrPortFrom(ip, udp)
	} else {
		m.Log.Debug("the router opens no port of UDP", "err", err)
	}
	return s, nil
}

// end removes the mappings.
func (m *Mapper) end(ctx context.Context, at router) {
	s := m.State()
	m.set(State{})
	if at == nil || !s.TCP.IsValid() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	err := at.remove(ctx, "tcp", m.Port, s.TCP.Port())
	if s.UDP.IsValid() {
		err = errors.Join(err, at.remove(ctx, "udp", m.Port, s.UDP.Port()))
	}
	if err != nil {
		m.Log.Info("the router keeps the port until its time is over", "err", err)
	}
}

func (m *Mapper) set(s State) {
	m.mu.Lock()
	same := m.state == s
	m.state = s
	m.mu.Unlock()
	if same {
		return
	}
	if s.Kind != "" {
		m.Log.Info("the router opened a port", "kind", s.Kind, "tcp", s.TCP, "udp", s.UDP)
	} else if s.WhyNot != "" {
		m.Log.Info("no port is open in the router", "why", s.WhyNot)
	}
	m.Changed()
}

var errNoGateway = errors.New("this computer is in no private network with a router")

// route gives the default gateway of IPv4 and this computer's address towards it.
func route() (gateway, self netip.Addr, err error) {
	table, err := netroute.New()
	if err != nil {
		return netip.Addr{}, netip.Addr{}, errNoGateway
	}
	_, via, from, err := table.Route([]byte{192, 0, 0, 8}) // any public one; nothing is sent to it
	gateway, _ = netip.AddrFromSlice(via)
	self, _ = netip.AddrFromSlice(from)
	gateway, self = gateway.Unmap(), self.Unmap()
	if err != nil || !gateway.IsPrivate() || !self.IsPrivate() {
		return netip.Addr{}, netip.Addr{}, errNoGateway
	}
	return gateway, self, nil
}

// find asks a gateway what it speaks.
func find(ctx context.Context, gateway, self netip.Addr) (router, error) {
	p := &pmp{netip.AddrPortFrom(gateway, pmpPort)}
	one, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	_, err := p.external(one)
	if err == nil {
		return p, nil
	}
	u, uerr := findUPnP(ctx, gateway, self)
	if uerr != nil {
		return nil, fmt.Errorf("the router at %s answers neither NAT-PMP nor UPnP: switch one of them on in it, or forward the port by hand", gateway)
	}
	return u, nil
}
