package peers

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/multiformats/go-multistream"

	"hither/fusion"
	"hither/peers/carry"
	"hither/peers/gateway"
	"hither/peers/owner"
	"hither/peers/turn"
)

// Network is this computer among the paired ones. All methods may be called
// from many goroutines.
type Network struct {
	cfg   Config
	host  host.Host
	gate  *gate
	store *store
	ports ports
	// identity is that of the host, for connections that are not libp2p's.
	identity *libp2ptls.Identity
	// strangers holds the protocols of unpaired keys; the host has all.
	strangers *multistream.MultistreamMuxer[protocol.ID]

	router atomic.Bool // this computer passes on between its paired ones
	relay  *relay.Relay
	punch  *holepunch.Service
	seen   observer
	turn   *turn.Server
	news   chan struct{} // of one; asks tell to tell

	// ctx ends with Close; wg counts every goroutine that the network starts.
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	lasting *carry.Endpoint
	owner   *owner.Owner
	// owning is held over what changes the owner's list and the paired computers
	// together, so that nobody who is being forgotten comes back by a list.
	owning sync.Mutex
	// strange bounds what is read of owners' lists from unpaired keys.
	strange limiter
	offers  offers
	meeting meetings
	mapper  *gateway.Mapper // nil: no router is asked
	nearby  nearby
	watches watches
	// notifying keeps what watchers are told in the order of events.
	notifying sync.Mutex

	// mu guards the fields below.
	mu        sync.Mutex
	closed    bool
	links     map[peer.ID]*link // one per paired computer
	sessions  map[network.Conn]*session
	counted   uint64          // sessions there were
	joining   map[peer.ID]int // pairings past the point where the other side may have stored us
	listeners map[string]*listener
	owned     map[peer.ID]int // connections for one stream that came, see ownconn.go

	deaf func() bool // tests: true leaves heartbeats without an answer
}

// Open loads or makes the identity in cfg.Dir, listens, and begins to look for
// paired computers. ctx bounds opening only; Close ends the network.
func Open(ctx context.Context, cfg Config) (*Network, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, &fusion.Error{Op: "peers.open", Path: cfg.Dir, Cause: err}
	}
	key, err := loadIdentity(cfg.Dir)
	if err != nil {
		return nil, err
	}
	store, err := openStore(filepath.Join(cfg.Dir, "peers.json"))
	if err != nil {
		return nil, err
	}
	n := &Network{
		cfg: cfg, store: store,
		links:     map[peer.ID]*link{},
		sessions:  map[network.Conn]*session{},
		joining:   map[peer.ID]int{},
		listeners: map[string]*listener{},
		owned:     map[peer.ID]int{},
		strangers: multistream.NewMultistreamMuxer[protocol.ID](),
		news:      make(chan struct{}, 1),
	}
	n.seen.init()
	n.turn = turn.New(turn.Config{Member: n.mayTurn, Now: cfg.tune.now})
	n.offers.init(cfg.tune.now, n.tellAll)
	n.meeting.init(cfg.tune.now)
	n.ctx, n.cancel = context.WithCancel(context.Background())
	if n.identity, err = libp2ptls.NewIdentity(key); err != nil {
		n.cancel()
		return nil, &fusion.Error{Op: "peers.open", Path: cfg.Dir, Cause: err}
	}
	n.ports.own = n.serveOwn
	n.gate = &gate{paired: n.paired, admin: n.admin, routers: n.routers, meets: n.meets}
	if n.host, err = newHost(key, n.gate, &n.ports); err != nil {
		n.cancel()
		return nil, &fusion.Error{Op: "peers.open", Path: cfg.Dir, Cause: err}
	}
	n.gate.network = n.host.Network()
	n.host.Network().Notify(&network.NotifyBundle{
		ConnectedF:    func(_ network.Network, c network.Conn) { n.connected(c) },
		DisconnectedF: func(_ network.Network, c network.Conn) { n.disconnected(c) },
	})
	n.openLasting()
	if err := n.openOwner(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	n.host.Network().SetStreamHandler(n.incoming)
	n.forAll(pulseProtocol, n.tracked(n.answerPulse))
	n.forAll(pairProtocol, n.tracked(n.answerPair))
	n.forAll(meetProtocol, n.tracked(n.answerMeet))
	n.forStrangers(proto.ProtoIDv2Hop, n.tracked(n.answerHop))
	n.host.SetStreamHandler(newsProtocol, n.tracked(n.answerNews))
	n.host.SetStreamHandler(turnProtocol, n.tracked(n.answerTurn))
	if err := n.openRelay(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	if err := n.listen(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	if err := n.openPunch(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	n.observe()
	n.openMapping()
	n.start(n.tell)
	n.start(n.roam)
	for id := range store.all() {
		n.link(id)
	}
	n.owning.Lock()
	err = n.applyOwner() // it may have ended between the two files
	n.owning.Unlock()
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	n.discover()
	n.start(n.endGrants)
	return n, nil
}

// Close ends every connection, stream and goroutine of the network.
func (n *Network) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil
	}
	n.closed = true
	online := n.onlineLocked()
	n.mu.Unlock()
	n.offers.close()
	n.lasting.Stop()
	n.cancel()
	if n.punch != nil {
		n.punch.Close()
	}
	if n.relay != nil {
		n.relay.Close()
	}
	err := errors.Join(n.turn.Close(), n.host.Close())
	n.wg.Wait()
	n.lasting.Wait()
	return errors.Join(err, n.ports.close(), n.saveSeen(online))
}

// saveSeen keeps when the computers that are online now were last seen.
func (n *Network) saveSeen(ids []peer.ID) error {
	if len(ids) == 0 {
		return nil
	}
	now := n.cfg.tune.now()
	return n.store.update(func(next map[peer.ID]record) error {
		for _, id := range ids {
			if r, ok := next[id]; ok {
				r.LastSeen = now
				next[id] = r
			}
		}
		return nil
	})
}

// start runs f in a goroutine that Close waits for; after Close it does not.
func (n *Network) start(f func()) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	n.wg.Go(f)
	return true
}

// tracked makes Close wait for a stream's handler.
func (n *Network) tracked(handle func(network.Stream)) network.StreamHandler {
	return func(s network.Stream) {
		done := make(chan struct{})
		if !n.start(func() { <-done }) {
			s.Reset()
			return
		}
		defer close(done)
		handle(s)
	}
}

// sleep waits for d, or until ctx or the network ends.
func (n *Network) sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-n.ctx.Done():
	}
}

// ID is this computer's identity.
func (n *Network) ID() fusion.HostID { return hostID(n.host.ID()) }

// Name is what this computer calls itself.
func (n *Network) Name() string { return n.cfg.Name }

// Fingerprint is this computer's key as two people compare it aloud.
func (n *Network) Fingerprint() string { return Fingerprint(n.ID()) }

func (n *Network) paired(id peer.ID) bool {
	_, ok := n.store.get(id)
	return ok
}

// admin says whether a key may do everything here.
func (n *Network) admin(id peer.ID) bool {
	r, ok := n.store.get(id)
	return ok && fusion.Allows(r.inForce(n.cfg.tune.now()), fusion.AdminCap)
}
