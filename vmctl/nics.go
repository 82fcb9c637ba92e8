package vmctl

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// addressSources are asked in this order: what proves most comes first.
var addressSources = []string{"lease", "arp", "agent"}

// NICs gives a machine's network cards with their addresses.
func (n networks) NICs(ctx context.Context, machine string) ([]fusion.NIC, error) {
	const op = "machine.nics"
	r, err := n.s.guestOf(ctx, op, machine)
	if err != nil {
		return nil, err
	}
	known, err := n.s.allNetworks(ctx)
	if err != nil {
		return nil, fail(op, machine, err)
	}
	addresses, err := n.s.addressesOf(ctx, r, addressSources)
	if err != nil {
		return nil, fail(op, machine, err)
	}
	out := []fusion.NIC{}
	for _, nic := range r.NICs {
		one := fusion.NIC{MAC: nic.MAC, Model: nic.Model, Kind: nic.Kind, Network: nic.Network, Bridge: nic.Bridge,
			Addresses: addresses[strings.ToLower(nic.MAC)]}
		if one.Addresses == nil {
			one.Addresses = []fusion.NICAddress{}
		}
		for _, k := range known {
			if k.Name == nic.Network {
				one.Network = outsideName(k.Name, k.UUID)
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// guestOf gives a virtual machine as it is now.
func (s *Store) guestOf(ctx context.Context, op, machine string) (record, error) {
	if machine == fusion.Self {
		return record{}, &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrUnsupported, Detail: "it is this computer itself",
			Hint: "networks and port forwards are for virtual machines"}
	}
	uuid, err := s.find(ctx, op, machine)
	if err != nil {
		return record{}, err
	}
	return s.fresh(ctx, op, machine, uuid)
}

// addressesOf gives the addresses of a machine's cards by MAC in lower case, each once.
// A source that does not answer is left out: a guest without an agent is no error.
func (s *Store) addressesOf(ctx context.Context, r record, sources []string) (map[string][]fusion.NICAddress, error) {
	out := map[string][]fusion.NICAddress{}
	if !r.active || len(r.NICs) == 0 {
		return out, nil
	}
	for _, source := range sources {
		found, err := call(ctx, s, func(d driver) (map[string][]string, error) { return d.addresses(r.uuid, source) }, nil)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, fusion.ErrOffline):
			return nil, err
		case err != nil && source == "arp": // libvirt 9.0 does not read the table of newer kernels
			found = seenBy(kernelARP())
		case err != nil:
			continue
		}
		for mac, list := range found {
			mac = strings.ToLower(mac)
			for _, ip := range list {
				if !slices.ContainsFunc(out[mac], func(a fusion.NICAddress) bool { return a.IP == ip }) {
					out[mac] = append(out[mac], fusion.NICAddress{IP: ip, Source: source})
				}
			}
		}
	}
	return out, nil
}

// kernelARP is the kernel's table of neighbours on Linux, "" elsewhere.
func kernelARP() string {
	text, err := os.ReadFile("/proc/net/arp")
	if err != nil {
		return ""
	}
	return string(text)
}

// seenBy reads /proc/net/arp: address, hardware type, flags (0x2: complete), MAC, mask,
// device (net/ipv4/arp.c).
func seenBy(table string) map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) == 6 && f[2] == "0x2" {
			out[f[3]] = append(out[f[3]], f[0])
		}
	}
	return out
}

// checkNetwork finds the network that a new machine is to be on, as its card has it.
func (s *Store) checkNetwork(ctx context.Context, name string, start bool) (domxml.Card, error) {
	card := domxml.NewCard("")
	if name == "" {
		return card, nil
	}
	const op = "machine.create"
	one, err := s.findNetwork(ctx, op, name)
	if err != nil {
		return card, err
	}
	if !one.Active && start {
		return card, invalid(op, name, "the network does not run", "start it first: hither network start")
	}
	card = domxml.NewCard(one.Name)
	if one.Kind == fusion.Switched && s.inUserSpace(ctx, one.Bridge) {
		card.OffloadNothing()
	}
	return card, nil
}
