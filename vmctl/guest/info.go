package guest

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

// Info asks the agent what there is. What it refuses is left out: distributions switch
// some of its commands off.
func (g Agent) Info(ctx context.Context) (fusion.GuestInfo, error) {
	info := fusion.GuestInfo{Interfaces: []fusion.GuestInterface{}, FileSystems: []fusion.GuestFileSystem{}}
	for _, ask := range []func(context.Context, *fusion.GuestInfo) error{g.version, g.system, g.interfaces, g.fileSystems} {
		var refusal *Refusal
		if err := ask(ctx, &info); err != nil && !errors.As(err, &refusal) {
			return fusion.GuestInfo{}, err
		}
	}
	return info, nil
}

func (g Agent) version(ctx context.Context, info *fusion.GuestInfo) error {
	var said struct {
		Version string `json:"version"`
	}
	err := g.Ask(ctx, "guest-info", nil, &said)
	info.Agent = Text(said.Version)
	return err
}

func (g Agent) system(ctx context.Context, info *fusion.GuestInfo) error {
	var name struct {
		Host string `json:"host-name"`
	}
	if err := g.Ask(ctx, "guest-get-host-name", nil, &name); err != nil {
		return err
	}
	info.Hostname = Text(name.Host)
	var system struct {
		Pretty string `json:"pretty-name"`
		Name   string `json:"name"`
		Kernel string `json:"kernel-release"`
	}
	err := g.Ask(ctx, "guest-get-osinfo", nil, &system)
	info.OS, info.Kernel = Text(cmp.Or(system.Pretty, system.Name)), Text(system.Kernel)
	return err
}

// most bounds each list that a guest gives.
const most = 128

func (g Agent) interfaces(ctx context.Context, info *fusion.GuestInfo) error {
	var list []struct {
		Name      string `json:"name"`
		MAC       string `json:"hardware-address"`
		Addresses []struct {
			Address string `json:"ip-address"`
			Prefix  int    `json:"prefix"`
		} `json:"ip-addresses"`
	}
	if err := g.Ask(ctx, "guest-network-get-interfaces", nil, &list); err != nil {
		return err
	}
	for _, one := range list[:min(len(list), most)] {
		i := fusion.GuestInterface{Name: Text(one.Name), Addresses: []string{}}
		if mac, err := net.ParseMAC(one.MAC); err == nil {
			i.MAC = mac.String()
		}
		loopback := false
		for _, a := range one.Addresses[:min(len(one.Addresses), most)] {
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

func (g Agent) fileSystems(ctx context.Context, info *fusion.GuestInfo) error {
	var list []struct {
		Mount string      `json:"mountpoint"`
		Type  string      `json:"type"`
		Used  json.Number `json:"used-bytes"`
		Total json.Number `json:"total-bytes"`
	}
	if err := g.Ask(ctx, "guest-get-fsinfo", nil, &list); err != nil {
		return err
	}
	for _, one := range list[:min(len(list), most)] {
		total := size(one.Total)
		info.FileSystems = append(info.FileSystems, fusion.GuestFileSystem{MountPoint: Text(one.Mount), Type: Text(one.Type),
			TotalBytes: total, UsedBytes: min(size(one.Used), total)})
	}
	slices.SortFunc(info.FileSystems, func(a, b fusion.GuestFileSystem) int { return strings.Compare(a.MountPoint, b.MountPoint) })
	return nil
}

// size reads a number of bytes; what is none counts as 0.
func size(n json.Number) int64 {
	size, err := n.Int64()
	if err != nil {
		return 0
	}
	return max(0, size)
}

// Text makes a guest's word fit to be shown: printable, and short.
func Text(text string) string {
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
