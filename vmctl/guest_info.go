package vmctl

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"hither/fusion"
)

// Guests gives the systems inside the machines.
func (s *Store) Guests() fusion.Guests { return guests{s, fusion.MaxGuestFile} }

type guests struct {
	s    *Store
	most int // of a file, in bytes
}

var _ fusion.Guests = guests{}

const opGuest = "machine.guest"

// agentOf gives the agent of a machine that runs.
func (s *Store) agentOf(ctx context.Context, op, name string) (guest, error) {
	if name == fusion.Self {
		return guest{}, &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported, Detail: "it is this computer itself",
			Hint: "guest agents are in virtual machines; for a computer, open a shell: hither machine console HOST/self"}
	}
	uuid, err := s.find(ctx, op, name)
	if err != nil {
		return guest{}, err
	}
	r, err := s.fresh(ctx, op, name, uuid)
	if err != nil {
		return guest{}, err
	}
	if r.state != fusion.Running {
		return guest{}, &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported, Detail: "it is " + string(r.state) + ", and its guest agent with it",
			Hint: "start it first; it needs an agent: " + agentHint}
	}
	return guest{s: s, uuid: uuid}, nil
}

// Info asks the agent what there is. What it refuses is left out: distributions
// switch some of its commands off.
func (x guests) Info(ctx context.Context, machine string) (fusion.GuestInfo, error) {
	info := fusion.GuestInfo{Interfaces: []fusion.GuestInterface{}, FileSystems: []fusion.GuestFileSystem{}}
	g, err := x.s.agentOf(ctx, opGuest, machine)
	if err != nil {
		return info, err
	}
	for _, ask := range []func(context.Context, *fusion.GuestInfo) error{g.version, g.system, g.interfaces, g.fileSystems} {
		var refusal *agentRefusal
		if err := ask(ctx, &info); err != nil && !errors.As(err, &refusal) {
			return fusion.GuestInfo{}, agentError(opGuest, machine, err)
		}
	}
	return info, nil
}

// none is what commands without arguments get.
var none = map[string]any{}

func (g guest) version(ctx context.Context, info *fusion.GuestInfo) error {
	var said struct {
		Version string `json:"version"`
	}
	err := g.ask(ctx, "guest-info", none, &said)
	info.Agent = guestText(said.Version)
	return err
}

func (g guest) system(ctx context.Context, info *fusion.GuestInfo) error {
	var name struct {
		Host string `json:"host-name"`
	}
	if err := g.ask(ctx, "guest-get-host-name", none, &name); err != nil {
		return err
	}
	info.Hostname = guestText(name.Host)
	var system struct {
		Pretty string `json:"pretty-name"`
		Name   string `json:"name"`
		Kernel string `json:"kernel-release"`
	}
	err := g.ask(ctx, "guest-get-osinfo", none, &system)
	info.OS, info.Kernel = guestText(cmp.Or(system.Pretty, system.Name)), guestText(system.Kernel)
	return err
}

// mostOfGuest bounds each list that a guest gives.
const mostOfGuest = 128

func (g guest) interfaces(ctx context.Context, info *fusion.GuestInfo) error {
	var list []struct {
		Name      string `json:"name"`
		MAC       string `json:"hardware-address"`
		Addresses []struct {
			Address string `json:"ip-address"`
			Prefix  int    `json:"prefix"`
		} `json:"ip-addresses"`
	}
	if err := g.ask(ctx, "guest-network-get-interfaces", none, &list); err != nil {
		return err
	}
	for _, one := range list[:min(len(list), mostOfGuest)] {
		i := fusion.GuestInterface{Name: guestText(one.Name), Addresses: []string{}}
		if mac, err := net.ParseMAC(one.MAC); err == nil {
			i.MAC = mac.String()
		}
		loopback := false
		for _, a := range one.Addresses[:min(len(one.Addresses), mostOfGuest)] {
			address, err := netip.ParseAddr(a.Address)
			prefix := netip.PrefixFrom(address.WithZone(""), a.Prefix)
			if err != nil || !prefix.IsValid() {
				continue
			}
			loopback = loopback || address.IsLoopback()
			i.Addresses = append(i.Addresses, prefix.String())
		}
		if !loopback && !(len(i.Addresses) == 0 && strings.Trim(i.MAC, "0:") == "") { // those tell nobody anything
			info.Interfaces = append(info.Interfaces, i)
		}
	}
	return nil
}

func (g guest) fileSystems(ctx context.Context, info *fusion.GuestInfo) error {
	var list []struct {
		Mount string      `json:"mountpoint"`
		Type  string      `json:"type"`
		Used  json.Number `json:"used-bytes"`
		Total json.Number `json:"total-bytes"`
	}
	if err := g.ask(ctx, "guest-get-fsinfo", none, &list); err != nil {
		return err
	}
	for _, one := range list[:min(len(list), mostOfGuest)] {
		total := guestSize(one.Total)
		info.FileSystems = append(info.FileSystems, fusion.GuestFileSystem{MountPoint: guestText(one.Mount), Type: guestText(one.Type),
			TotalBytes: total, UsedBytes: min(guestSize(one.Used), total)})
	}
	slices.SortFunc(info.FileSystems, func(a, b fusion.GuestFileSystem) int { return strings.Compare(a.MountPoint, b.MountPoint) })
	return nil
}

// guestSize reads a number of bytes; what is none counts as 0.
func guestSize(n json.Number) int64 {
	size, err := n.Int64()
	if err != nil {
		return 0
	}
	return max(0, size)
}

// guestText makes a guest's word fit to be shown: printable, and short.
func guestText(text string) string {
	const most = 256
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	for i := range text {
		if i >= most {
			return text[:i]
		}
	}
	return text
}
