package shell

import (
	"context"
	"time"

	"connectrpc.com/connect"

	pb "hither/proto/hither/v1"
)

const (
	title     = "Hither"
	titleAway = "Hither (the node is not running)"
)

// awayPause is between two looks for a node that went away.
const awayPause = time.Second

// watch follows the node once it was joined, until ctx ends.
func (b *Bridge) watch(ctx context.Context) {
	select {
	case <-b.joined:
	case <-ctx.Done():
	}
	for ctx.Err() == nil {
		for _, err := range b.node.WatchAll(ctx) {
			if err != nil {
				break
			}
		}
		if b.waitBack(ctx) {
			b.desk.SetTitle(title)
			b.desk.Reload()
		}
	}
}

// waitBack returns once the node answers, and says whether it was away.
func (b *Bridge) waitBack(ctx context.Context) (away bool) {
	tick := time.NewTicker(awayPause)
	defer tick.Stop()
	for {
		_, err := b.node.Nodes.Status(ctx, connect.NewRequest(&pb.StatusRequest{}))
		if err != nil && !away && ctx.Err() == nil {
			away = true
			b.desk.SetTitle(titleAway)
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C: // also keeps a stream that ends at once from spinning
			if err == nil {
				return away
			}
		}
	}
}
