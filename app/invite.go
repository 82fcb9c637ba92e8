package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"hither/app/invite"
	"hither/fusion"
)

// runningProgram is this program's file, also once another one has its place
// (proc_pid_exe(5)). Only a Linux brings its own to a server.
const runningProgram = "/proc/self/exe"

// openInvites makes what adds servers by ssh.
func (n *Node) openInvites(_ context.Context, cfg Config) error {
	known := []string{"/etc/ssh/ssh_known_hosts"}
	if dir, err := os.UserHomeDir(); err == nil {
		known = append(known, filepath.Join(dir, ".ssh", "known_hosts"))
	}
	n.invites = invite.New(invite.Config{
		Self: n.network.ID(), Version: Version, Program: runningProgram, Known: known, Accepted: cfg.Home.Sub("known_hosts"),
		Pair: n.joinAny, Forget: n.Forget, Log: part(cfg, "invite"),
		Paired: func(nameOrID string) (fusion.HostInfo, bool) {
			peer, err := n.network.Lookup(nameOrID)
			if err != nil || peer.ID == n.network.ID() {
				return fusion.HostInfo{}, false
			}
			return n.peerInfo(peer), true
		},
	})
	return nil
}

// joinAny joins at the first address that answers; only one that does not is
// followed by the next.
func (n *Node) joinAny(ctx context.Context, code string, addrs []string, grants []fusion.Grant) (host fusion.HostInfo, err error) {
	err = &fusion.Error{Op: "host.pair", Cause: fusion.ErrOffline, Detail: "it says no address of its own"}
	for _, addr := range addrs {
		host, err = n.Join(ctx, code, addr, grants)
		if err == nil || ctx.Err() != nil || !errors.Is(err, fusion.ErrOffline) && !errors.Is(err, fusion.ErrInvalid) {
			return host, err
		}
	}
	return host, err
}

// Invites adds servers by ssh.
func (n *Node) Invites() *invite.Inviter { return n.invites }
