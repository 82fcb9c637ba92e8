package vmctl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"hither/fusion"
	"hither/vmctl/proxy"
)

// listen opens a forward's port on the host.
func (f *forwards) listen(e *forward) (*proxy.Port, error) {
	p, err := proxy.Listen(f.s.ctx, e.Proto, net.JoinHostPort(e.Listen, strconv.Itoa(e.HostPort)),
		proxy.Config{Reach: func(ctx context.Context) (net.Conn, error) { return f.s.dialGuest(ctx, e.UUID, e.Proto, e.GuestPort) }})
	if err != nil {
		return nil, err
	}
	f.work.Go(p.Wait)
	return p, nil
}

// DialGuest connects to a port ("tcp" or "udp") of a machine of this computer, as a forward
// does. It promises ErrNotFound, ErrUnsupported for "self", and ErrBusy while the machine is
// off or has no address.
func (s *Store) DialGuest(ctx context.Context, machine, proto string, port int) (net.Conn, error) {
	const op = "machine.forward"
	r, err := s.guestOf(ctx, op, machine)
	if err != nil {
		return nil, err
	}
	conn, err := s.dialGuest(ctx, r.uuid, proto, port)
	switch {
	case errors.Is(err, errGuestOff), errors.Is(err, errNoAddress):
		return nil, &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrBusy, Detail: err.Error(), Hint: "see that it runs and is on a network: hither machine show " + machine}
	case err != nil:
		return nil, fail(op, machine, err)
	}
	return conn, nil
}

var (
	errGuestOff  = errors.New("the machine is off")
	errNoAddress = errors.New("the guest has no address yet")
)

// dialGuest connects to a guest's port, wherever the guest is now.
func (s *Store) dialGuest(ctx context.Context, uuid, proto string, port int) (net.Conn, error) {
	r, err := s.refresh(ctx, uuid)
	if err != nil {
		return nil, err
	}
	if !r.active {
		return nil, errGuestOff
	}
	at, err := s.guestAddress(ctx, r, proto, port)
	if err != nil {
		return nil, err
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, proto, at.String())
}

// guestAddress finds where a guest's port is. A card with user-mode networking has it at
// a port of QEMU's on the loopback. For another card it is an address that this
// computer gave out or has seen itself: what a guest says of itself could be anybody's.
func (s *Store) guestAddress(ctx context.Context, r record, proto string, guestPort int) (fwAddr, error) {
	addresses, err := s.addressesOf(ctx, r, []string{"lease", "arp"})
	if err != nil {
		return fwAddr{}, err
	}
	for _, nic := range r.NICs {
		if nic.Kind == "user" && nic.Backend == "" && nic.Netdev != "" {
			port, err := s.userPort(ctx, r, nic.Netdev, proto, guestPort)
			return fwAddr{"127.0.0.1", port}, err
		}
		for _, a := range addresses[strings.ToLower(nic.MAC)] {
			if ip, err := netip.ParseAddr(a.IP); err == nil && ip.Is4() {
				return fwAddr{a.IP, guestPort}, nil
			}
		}
	}
	return fwAddr{}, errNoAddress
}

// userPort gives the loopback port at which QEMU takes connections for a guest's port,
// and asks QEMU for one when there is none (hostfwd_add of QEMU's monitor). QEMU itself
// is asked each time what it has: it may be another process than a moment ago.
func (s *Store) userPort(ctx context.Context, r record, netdev, proto string, guestPort int) (int, error) {
	have := func() (int, error) {
		text, err := s.monitor(ctx, r.uuid, "info usernet")
		return proxy.UsernetPort(text, netdev, proto, guestPort), err
	}
	if n, err := have(); n != 0 || err != nil {
		return n, err
	}
	for range 8 { // a port that is free now may not be in a moment
		free, err := proxy.FreePort(ctx, proto)
		if err != nil {
			return 0, err
		}
		// hostfwd_add prints nothing when it did it.
		if _, err := s.monitor(ctx, r.uuid, fmt.Sprintf("hostfwd_add %s %s:127.0.0.1:%d-:%d", netdev, proto, free, guestPort)); err != nil {
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
