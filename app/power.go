package app

import (
	"context"
	"reflect"
	"sync"
	"time"

	"hither/fusion"
)

// goingTime bounds how long this computer waits, before it goes, for the paired ones
// to have heard that; logind waits five seconds by default.
const goingTime = 2 * time.Second

// tellGoing tells all online paired computers at once that this one goes, or with ""
// that it stays after all or is back.
func (n *Node) tellGoing(ctx context.Context, away fusion.Away) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goingTime)
	defer cancel()
	var telling sync.WaitGroup
	for _, p := range n.network.Peers() {
		if !p.Online {
			continue
		}
		telling.Go(func() {
			if err := n.clientOf(p.ID).Going(ctx, p.Name, away); err != nil {
				n.log.Debug("a computer was not told that this one goes", "host", p.Name, "err", err)
			}
		})
	}
	telling.Wait()
	n.log.Info("told the paired computers", "that this one is", string(away))
}

// Going is what a paired computer says of itself.
func (n *Node) Going(from fusion.HostID, away fusion.Away) error {
	if err := away.Check(); err != nil {
		return err
	}
	peer, err := n.network.Lookup(string(from))
	if err != nil {
		return err
	}
	n.heard.going(from, away)
	n.table.setHost(n.peerInfo(peer))
	return nil
}

// tellSelf tells watchers anew how this computer is.
func (n *Node) tellSelf() {
	info, known := n.table.host(n.network.ID())
	if known { // else the first word is still to come
		n.table.setHost(n.selfInfo(info.OS))
	}
}

// cardsPause is the time between two looks at the network cards.
const cardsPause = 30 * time.Second

// followCards tells of network cards that came, went or got another address.
func (n *Node) followCards() error {
	for n.pause(n.ctx, cardsPause) {
		if info, _ := n.table.host(n.network.ID()); !reflect.DeepEqual(info.Cards, n.cards()) {
			n.tellSelf()
		}
	}
	return n.ctx.Err()
}
