package app

import (
	"context"
	"net"

	"hither/fusion"
	"hither/vmctl"
)

// keeper gives a paired computer as a place for backups of this one's machines.
func (n *Node) keeper(id fusion.HostID) (vmctl.Keeper, error) {
	const op = "machine.backup"
	if id == n.network.ID() {
		return nil, fusion.NotPaired(op, id, vmctl.KeeperHint)
	}
	peer, err := n.paired(op, id, vmctl.KeeperHint)
	if err != nil {
		return nil, err
	}
	return keeper{peer}, nil
}

type keeper struct{ pairedHost }

func (k keeper) Backups() fusion.Backups { return k.host().Backups() }

func (k keeper) Dial(ctx context.Context) (net.Conn, error) { return k.dial(ctx, backupProtocol) }

// serveBackups keeps a backup of another computer, or gives one back.
func (n *Node) serveBackups(from fusion.HostID, conn net.Conn) error {
	may := func(want fusion.Capability) bool {
		grants, paired := n.network.Grants(from)
		return paired && fusion.Allows(grants, want)
	}
	return n.vms.ServeBackups(n.ctx, from, may, conn)
}
