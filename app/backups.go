package app

import (
	"context"
	"errors"
	"net"

	"hither/fusion"
	"hither/vmctl"
)

// keeper gives a paired computer as a place for backups of this one's machines.
func (n *Node) keeper(id fusion.HostID) (vmctl.Keeper, error) {
	peer, err := n.network.Lookup(string(id))
	if err != nil || peer.ID == n.network.ID() {
		return nil, &fusion.Error{Op: "machine.backup", Path: string(id), Cause: fusion.ErrNotFound, Detail: "the two hosts are not paired", Hint: vmctl.KeeperHint}
	}
	return keeper{n, peer.ID, peer.Name}, nil
}

type keeper struct {
	n    *Node
	id   fusion.HostID
	name string
}

func (k keeper) ID() fusion.HostID { return k.id }
func (k keeper) Name() string      { return k.name }

func (k keeper) Backups() fusion.Backups { return k.n.clientOf(k.id).HostAs("", k.name).Backups() }

func (k keeper) Dial(ctx context.Context) (net.Conn, error) {
	return k.n.network.Dial(ctx, k.id, backupProtocol)
}

// serveBackups keeps a backup of another computer, or gives one back.
func (n *Node) serveBackups(conn net.Conn) error {
	peer, ok := conn.(interface{ Peer() fusion.HostID })
	if !ok {
		return errors.New("a stream of nobody")
	}
	from := peer.Peer()
	may := func(want fusion.Capability) bool {
		grants, paired := n.network.Grants(from)
		return paired && fusion.Allows(grants, want)
	}
	return n.vms.ServeBackups(n.ctx, from, may, conn)
}
