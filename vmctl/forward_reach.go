package vmctl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"hither/vmctl/proxy"
)

// listen opens a forward's port on the host.
func (f *forwards) listen(e *forward) (*proxy.Port, error) {
	p, err := proxy.Listen(f.s.ctx, e.Proto, net.JoinHostPort(e.Listen, strconv.Itoa(e.HostPort)),
		func(ctx context.Context) (net.Conn, error) { return f.reach(ctx, e) })
	if err != nil {
		return nil, err
	}
	f.work.Go(p.Wait)
	return p, nil
}

// reach connects to the guest's port of a forward, wherever the guest is now.
func (f *forwards) reach(ctx context.Context, e *forward) (net.Conn, error) {
	r, err := f.s.refresh(ctx, e.UUID)
	if err != nil {
		return nil, err
	}
	if !r.active {
		return nil, errors.New("the machine is off")
	}
	at, err := f.guestAddress(ctx, r, e)
	if err != nil {
		return nil, err
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, e.Proto, at.String())
}

// guestAddress finds where a guest's port is. A card with user-mode networking has it at
// a port of QEMU's on the loopback. For another card it is an address that this
// computer gave out or has seen itself: what a guest says of itself could be anybody's.
func (f *forwards) guestAddress(ctx context.Context, r record, e *forward) (fwAddr, error) {
	addresses, err := f.s.addressesOf(ctx, r, []string{"lease", "arp"})
	if err != nil {
		return fwAddr{}, err
	}
	for _, nic := range r.NICs {
		if nic.Kind == "user" && nic.Backend == "" && nic.Netdev != "" {
			port, err := f.s.userPort(ctx, r, nic.Netdev, e)
			return fwAddr{"127.0.0.1", port}, err
		}
		for _, a := range addresses[strings.ToLower(nic.MAC)] {
			if ip, err := netip.ParseAddr(a.IP); err == nil && ip.Is4() {
				return fwAddr{a.IP, e.GuestPort}, nil
			}
		}
	}
	return fwAddr{}, errors.New("the guest has no address yet")
}

// userPort gives the loopback port at which QEMU takes connections for a guest's port,
// and asks QEMU for one when there is none (hostfwd_add of QEMU's monitor). QEMU itself
// is asked each time what it has: it may be another process than a moment ago.
func (s *Store) userPort(ctx context.Context, r record, netdev string, e *forward) (int, error) {
	have := func() (int, error) {
		text, err := s.monitor(ctx, r.uuid, "info usernet")
		return proxy.UsernetPort(text, netdev, e.Proto, e.GuestPort), err
	}
	if n, err := have(); n != 0 || err != nil {
		return n, err
	}
	for range 8 { // a port that is free now may not be in a moment
		free, err := proxy.FreePort(ctx, e.Proto)
		if err != nil {
			return 0, err
		}
		// hostfwd_add prints nothing when it did it.
		if _, err := s.monitor(ctx, r.uuid, fmt.Sprintf("hostfwd_add %s %s:127.0.0.1:%d-:%d", netdev, e.Proto, free, e.GuestPort)); err != nil {
			return 0, err
		}
		if n, err := have(); n != 0 || err != nil {
			return n, err
		}
	}
	return 0, errors.New("QEMU does not forward a port")
}

func (s *Store) monitor(ctx context.Context, uuid, line string) (string, error) {
	return call(ctx, s, func(d driver) (string, error) { return d.monitor(uuid, line) }, nil)
}
