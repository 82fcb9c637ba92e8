package peers

import (
	"context"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/zeroconf/v2"
	manet "github.com/multiformats/go-multiaddr/net"

	"hither/fusion"
)

// The DNS-SD services: every node, and those with an open code. An instance of
// the latter is announced while its code is open, so that a browser that has
// cached the node still hears of the code at once.
const (
	nodeService  = "_hither._udp"
	offerService = "_hither-pair._udp"
)

// announceEvery is how often addresses are looked at anew and how long one round
// of browsing lasts; zeroconf tells each instance once per round.
const announceEvery = 15 * time.Second

// discover runs mDNS until the network ends, if wanted.
func (n *Network) discover() {
	if n.cfg.NoMDNS {
		return
	}
	n.start(n.announceNode)
	n.start(func() { n.browse(nodeService) })
	n.start(func() { n.browse(offerService) })
}

// announceNode keeps the node announced with the addresses it has now.
func (n *Network) announceNode() {
	var server *zeroconf.Server
	var said []string
	quiet := false
	stop := func() {
		if server != nil {
			server.Shutdown()
			server = nil
		}
	}
	defer stop()
	for n.ctx.Err() == nil {
		if text := n.announcement(""); server == nil || !slices.Equal(text, said) {
			stop()
			var err error
			server, err = n.register(nodeService, text)
			said = text
			if err != nil && !quiet {
				n.cfg.Log.Warn("no mDNS; give addresses when pairing", "err", err)
			}
			quiet = err != nil
		}
		n.sleep(n.ctx, announceEvery)
	}
}

// announceOffer announces an open code until it ends.
func (n *Network) announceOffer(o *Offer) {
	if n.cfg.NoMDNS {
		return
	}
	n.start(func() {
		server, err := n.register(offerService, n.announcement(o.code.number))
		if err != nil {
			n.cfg.Log.Debug("the code is not announced", "err", err)
			return
		}
		defer server.Shutdown()
		select {
		case <-o.withdrawn:
		case <-n.ctx.Done():
		}
	})
}

// announcement is the TXT record: id, name, number, addresses that another
// computer can reach.
func (n *Network) announcement(number string) []string {
	text := []string{"id=" + n.host.ID().String(), "name=" + n.cfg.Name}
	if number != "" {
		text = append(text, "number="+number)
	}
	for _, addr := range n.listenAddrs() {
		if !manet.IsIPLoopback(addr) && len(text) < 12 {
			text = append(text, "addr="+addr.String())
		}
	}
	return text
}

// register announces one instance on the interfaces that have multicast.
func (n *Network) register(service string, text []string) (*zeroconf.Server, error) {
	ifaces, ips, err := multicast()
	if err != nil {
		return nil, err
	}
	port := 1 // SRV needs one; the addresses in TXT count
	if addrs := n.listenAddrs(); len(addrs) > 0 {
		if tcp, err := manet.ToNetAddr(addrs[0]); err == nil {
			if a, ok := tcp.(*net.TCPAddr); ok {
				port = a.Port
			}
		}
	}
	// The peer ID fits a DNS label (52 of 63 bytes); it is no secret.
	id := n.host.ID().String()
	return zeroconf.RegisterProxy(id, service, "local.", port, "hither-"+id[len(id)-12:], ips, text, ifaces, zeroconf.TTL(60))
}

// browse notes what others announce, in rounds.
func (n *Network) browse(service string) {
	for n.ctx.Err() == nil {
		ifaces, _, err := multicast()
		if err == nil {
			err = n.browseOnce(service, ifaces)
		}
		if err != nil {
			n.cfg.Log.Debug("mDNS browse", "err", err)
			n.sleep(n.ctx, announceEvery)
		}
	}
}

func (n *Network) browseOnce(service string, ifaces []net.Interface) error {
	ctx, cancel := context.WithTimeout(n.ctx, announceEvery)
	defer cancel()
	entries := make(chan *zeroconf.ServiceEntry, 64)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case entry, ok := <-entries:
				if !ok {
					return
				}
				n.sighted(entry.Text)
			case <-stop:
				return
			}
		}
	}()
	err := zeroconf.Browse(ctx, service, "local.", entries, zeroconf.SelectIfaces(ifaces))
	close(stop)
	<-stopped
	return err
}

// sighted takes one TXT record.
func (n *Network) sighted(text []string) {
	s, ok := parseAnnouncement(text)
	if !ok || s.ID == n.ID() || !n.nearby.note(s, n.cfg.tune.now()) {
		return
	}
	if id, err := peerID(s.ID); err == nil && n.paired(id) {
		n.kick(id)
	}
}

// parseAnnouncement reads a TXT record of anybody on the network.
func parseAnnouncement(text []string) (Nearby, bool) {
	var s Nearby
	for _, field := range text[:min(len(text), 32)] {
		key, value, _ := strings.Cut(field, "=")
		switch key {
		case "id":
			s.ID = fusion.HostID(clip(value, 128))
		case "name":
			s.Name = cleanName(clip(value, 255))
		case "number":
			if isNumber(value) {
				s.Number = value
			}
		case "addr":
			s.Addrs = mergeAddrs(s.Addrs, usable([]string{value}, false))
		}
	}
	if _, err := peer.Decode(string(s.ID)); err != nil || len(s.Addrs) == 0 || s.Name == "" {
		return Nearby{}, false
	}
	return s, true
}

// multicast gives the interfaces that mDNS can use, and their addresses. With
// the loopback alone there is none.
func multicast() ([]net.Interface, []string, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, nil, err
	}
	var ifaces []net.Interface
	var ips []string
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagMulticast == 0 || i.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			return nil, nil, err
		}
		for _, addr := range addrs {
			if ip, ok := addr.(*net.IPNet); ok {
				ips = append(ips, ip.IP.String())
			}
		}
		if len(addrs) > 0 {
			ifaces = append(ifaces, i)
		}
	}
	if len(ips) == 0 {
		return nil, nil, &fusion.Error{Op: "peers.mdns", Cause: fusion.ErrUnsupported, Detail: "no interface with multicast",
			Hint: "give the other computer's address when pairing"}
	}
	return ifaces, ips, nil
}
