package app

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"hither/app/jobs"
	"hither/app/netboot"
	"hither/fusion"
	"hither/peers"
	"hither/vmctl/seed"
)

// openNetBoot opens the network boot of this computer.
func (n *Node) openNetBoot(ctx context.Context, cfg Config) (err error) {
	n.boot, err = netboot.Open(ctx, netboot.Config{
		Dir: cfg.Home.Sub("netboot"), File: cfg.Home.Sub("netboot.json"), Name: n.Name(),
		Installer: n.vms.NetInstaller, Args: seed.NetInstaller.Args(""), Pack: seed.Initramfs, Hash: seed.Hash,
		Preseed: func(wanted fusion.Seed, hash, disk, early, late string) ([]byte, error) {
			return seed.Preseed(seed.Bare{Seed: wanted, Hash: hash, Disk: disk, Early: early, Late: late})
		},
		Invite: n.invite, Log: part(cfg, "netboot"),
		Job: func(ctx context.Context, op, name string, work func(context.Context) error) error {
			_, err := n.jobs.Do(ctx, jobs.Call{Caller: "netboot", Op: op, Name: name}, func(ctx context.Context) (any, error) { return nil, work(ctx) })
			return err
		},
	})
	if err == nil {
		n.onClose(n.boot.Close)
	}
	return err
}

// invitation is a code for a computer that is being installed.
type invitation struct {
	n     *Node
	offer *peers.Offer
	addr  string
}

func (i invitation) Code() string { return i.offer.Code }
func (i invitation) Addr() string { return i.addr }
func (i invitation) Close() error { return i.offer.Close() }

func (i invitation) Wait(ctx context.Context) (fusion.HostID, error) {
	peer, err := i.offer.Wait(ctx)
	if err == nil {
		i.n.notePaired(peer.Name)
	}
	return peer.ID, err
}

// invite opens a code for a computer that reaches this one at an address.
func (n *Node) invite(ctx context.Context, at netip.Addr, code string, grants []fusion.Capability, until time.Time) (netboot.Invitation, error) {
	for _, addr := range n.network.Addrs() {
		if strings.HasPrefix(addr, "/ip4/"+at.String()+"/tcp/") {
			o, err := n.network.Invite(ctx, code, fusion.Whole(grants...), until)
			if err != nil {
				return nil, err
			}
			return invitation{n, o, addr}, nil
		}
	}
	return nil, &fusion.Error{Op: "netboot.install", Path: at.String(), Cause: fusion.ErrUnsupported, Detail: "the node does not listen on the network of that interface",
		Hint: "start it anew so that other computers reach it there: hither up --listen auto"}
}
