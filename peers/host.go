package peers

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/x/rate"
	ma "github.com/multiformats/go-multiaddr"
)

// newHost builds the libp2p host: TCP (TLS before Noise: 1.4 times as fast), QUIC
// and connections through relays, nothing that talks to anybody else, no
// listening yet. The manager holds QUIC's sockets.
func newHost(key crypto.PrivKey, gate *gate, ports *ports) (host.Host, error) {
	limits, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits()), rcmgr.WithMetricsDisabled(),
		rcmgr.WithLimitPerSubnet(manyOf(32), manyOf(56, 48)), rcmgr.WithConnRateLimiters(arrivals()))
	if err != nil {
		return nil, err
	}
	book, err := pstoremem.NewPeerstore()
	if err != nil {
		limits.Close()
		return nil, err
	}
	gate.limits = limits
	return libp2p.New(
		libp2p.Identity(key),
		libp2p.Peerstore(book),
		libp2p.NoListenAddrs,
		libp2p.Transport(ports.newTCP),
		libp2p.Transport(quic.NewTransport),
		libp2p.QUICReuse(ports.newQUIC),
		libp2p.Security(libp2ptls.ID, libp2ptls.New),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, paced{yamux.DefaultTransport, gate}),
		libp2p.ResourceManager(limits),
		libp2p.ConnectionManager(connmgr.NullConnMgr{}),
		libp2p.ConnectionGater(gate),
		libp2p.SwarmOpts(swarm.WithDialRanker(tcpFirst)),
		libp2p.UserAgent("hither"),
		libp2p.EnableRelay(),
		// A network that once let no UDP or IPv6 through may do so now.
		libp2p.UDPBlackHoleSuccessCounter(nil),
		libp2p.IPv6BlackHoleSuccessCounter(nil),
		libp2p.DisableMetrics(),
		libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.Ping(false),
	)
}

// What all unpaired keys together, one of them, and a guest may use. A paired key's own
// limit is lifted by gate.lift.
const (
	maxConns         = 512 // of everybody
	maxHalfOpen      = 64  // not yet authenticated
	maxStrangers     = 16  // connections of unpaired keys
	maxConnsOfOne    = 8
	strangerStreams  = 12
	strangerMemory   = 8 << 20
	halfOpenMemory   = 64 << 20
	guestStreams     = 256
	guestMemory      = 80 << 20
	maxStreamsOfPeer = 4096
)

// What may come from one address, or from one customer's network of IPv6: libp2p's own
// bounds, eight connections and one more each five seconds, are too few for a household
// behind one address, all of which knocks when a computer was away.
const (
	connsOfAddress   = 32
	arrivalsASecond  = 32
	arrivalsAtOnce   = 128
	arrivalsForgiven = time.Minute // an address is forgotten that long after it was full again
)

func manyOf(prefixes ...int) []rcmgr.ConnLimitPerSubnet {
	var list []rcmgr.ConnLimitPerSubnet
	for _, bits := range prefixes {
		list = append(list, rcmgr.ConnLimitPerSubnet{PrefixLength: bits, ConnCount: connsOfAddress})
	}
	return list
}

// arrivals bounds how many connections an address may begin: each costs a handshake.
func arrivals() *rate.Limiter {
	some := rate.Limit{RPS: arrivalsASecond, Burst: arrivalsAtOnce}
	return &rate.Limiter{
		NetworkPrefixLimits: []rate.PrefixLimit{
			{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Limit: some}, {Prefix: netip.MustParsePrefix("::1/128"), Limit: some},
		},
		SubnetRateLimiter: rate.SubnetLimiter{
			IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: some}},
			IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: 56, Limit: some}, {PrefixLength: 48, Limit: some}},
			GracePeriod:      arrivalsForgiven,
		},
	}
}

func limits() rcmgr.ConcreteLimitConfig {
	some := func(conns, streams int, memory int64) rcmgr.ResourceLimits {
		c, s := rcmgr.LimitVal(conns), rcmgr.LimitVal(streams)
		return rcmgr.ResourceLimits{
			Conns: c, ConnsInbound: c, ConnsOutbound: c, FD: rcmgr.LimitVal(maxConns),
			Streams: s, StreamsInbound: s, StreamsOutbound: s, Memory: rcmgr.LimitVal64(memory),
		}
	}
	return rcmgr.PartialLimitConfig{
		Service:     map[string]rcmgr.ResourceLimits{relay.ServiceName: {Memory: circuitMemory}},
		System:      some(maxConns, 16*maxStreamsOfPeer, 2<<30),
		Transient:   some(maxHalfOpen, 1024, halfOpenMemory),
		PeerDefault: some(maxConnsOfOne, strangerStreams, strangerMemory),
	}.Build(rcmgr.InfiniteLimits)
}

// pairedLimit bounds a paired computer: it is trusted, its bugs are not.
var pairedLimit = &rcmgr.BaseLimit{
	Streams: maxStreamsOfPeer, StreamsInbound: maxStreamsOfPeer, StreamsOutbound: maxStreamsOfPeer,
	Conns: 2*maxConnsOfOne + 2*maxOwn, ConnsInbound: 2*maxConnsOfOne + maxOwn, ConnsOutbound: 2*maxConnsOfOne + maxOwn,
	FD: math.MaxInt, Memory: 1 << 30,
}

// guestLimit bounds a paired computer without admin: it is trusted with what it was
// granted. yamux books a window of 256 KiB for each stream before its number is looked at,
// and ends the connection when there is none left: there are a few more than streams.
var guestLimit = &rcmgr.BaseLimit{
	Streams: guestStreams, StreamsInbound: guestStreams, StreamsOutbound: guestStreams,
	Conns: 2 * maxConnsOfOne, ConnsInbound: 2 * maxConnsOfOne, ConnsOutbound: 2 * maxConnsOfOne,
	FD: math.MaxInt, Memory: guestMemory,
}

var strangerLimit = &rcmgr.BaseLimit{
	Streams: strangerStreams, StreamsInbound: strangerStreams, StreamsOutbound: strangerStreams,
	Conns: maxConnsOfOne, ConnsInbound: maxConnsOfOne, ConnsOutbound: maxConnsOfOne,
	FD: maxConns, Memory: strangerMemory,
}

// quicDelay is nearly dialTime: QUIC is dialed when TCP has failed (libp2p does
// not wait then) or goes unanswered, and hardly ever wins when a sleeping
// computer wakes and answers both. TCP carries twice as much on a local network,
// and ends at once when the other side crashes.
const quicDelay = dialTime - 500*time.Millisecond

// relayDelay is how long a direct connection may take before routers are asked: more
// than a handshake within a continent.
const relayDelay = 250 * time.Millisecond

// tcpFirst dials every TCP address at once, then through routers, and QUIC as the
// last resort.
func tcpFirst(addrs []ma.Multiaddr) []network.AddrDelay {
	var first, relayed, later []network.AddrDelay
	for _, addr := range addrs {
		if isRelayed(addr) {
			relayed = append(relayed, network.AddrDelay{Addr: addr, Delay: relayDelay})
		} else if _, err := addr.ValueForProtocol(ma.P_TCP); err == nil {
			first = append(first, network.AddrDelay{Addr: addr})
		} else {
			later = append(later, network.AddrDelay{Addr: addr, Delay: quicDelay})
		}
	}
	if len(first) == 0 {
		for i := range later {
			later[i].Delay = 0
		}
	}
	return slices.Concat(first, relayed, later)
}
