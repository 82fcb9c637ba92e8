package proxy

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// relayIdle ends a way of datagrams on which nothing was said, longer than a Port's own
// minute: that is what ends it, as a rule.
const relayIdle = 2 * time.Minute

// Relay carries datagrams both ways until one side ends, nothing was said for two minutes, or
// ctx ends, and closes both. What passes from stream to socket is "out" for the gauge, which
// may be nil.
func Relay(ctx context.Context, stream, socket net.Conn, g *Gauge) {
	end := func() {
		Abort(stream)
		_ = socket.Close() // its reader ends
	}
	stop := context.AfterFunc(ctx, end)
	defer stop()
	var last atomic.Int64
	touch := func() { last.Store(time.Now().UnixNano()) }
	touch()
	var idle *time.Timer
	idle = time.AfterFunc(relayIdle, func() {
		if left := relayIdle - time.Since(time.Unix(0, last.Load())); left > 0 {
			idle.Reset(left)
			return
		}
		end()
	})
	defer idle.Stop()
	var back sync.WaitGroup
	back.Go(func() {
		g.Datagrams(ctx, stream, socket, touch, true)
		end()
	})
	g.Datagrams(ctx, socket, stream, touch, false)
	end()
	back.Wait()
}
