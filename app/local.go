package app

import (
	"context"
	"iter"

	"hither/fusion"
)

// local is this computer as a Host.
type local struct{ n *Node }

var _ fusion.Host = (*local)(nil)

func (l *local) Machines() fusion.Machines { return l.n.vms }
func (l *local) Screens() fusion.Screens   { return l.n.screens }
func (l *local) Apps() fusion.Apps         { return l.n.apps }
func (l *local) Folders() fusion.Folders   { return l.n.folders }

func (l *local) Info(context.Context) (fusion.HostInfo, error) {
	info, _ := l.n.table.host(l.n.network.ID())
	return info, nil
}

func (l *local) Watch(ctx context.Context) iter.Seq2[fusion.Event, error] {
	return l.n.table.watch(ctx, l.n.network.ID())
}
