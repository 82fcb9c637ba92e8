package client

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"hither/fusion"
	"hither/mirror/wire"
	pb "hither/proto/hither/v1"
)

const (
	// farAway is the round trip from which a view is better carried by
	// datagrams: a lost packet is noticed then. Nearer, a stream costs less.
	farAway = 5 * time.Millisecond
	// trips is how many round trips are measured; the shortest counts.
	trips = 3
	// movePatience bounds how long the way to the host is looked for.
	movePatience = 20 * time.Second
)

// Datagrams connects a pipe that one lost packet does not hold up. exchange
// brings an offer to the host for the answer.
type Datagrams func(ctx context.Context, exchange func(ctx context.Context, offer string) (answer string, err error)) (fusion.Pipe, error)

// moving is a view that begins over a stream. With the first picture on the
// glass it measures the round trip, and if the host is far away it goes on over
// datagrams as soon as these are connected; until then, and if they never are,
// the stream carries it. One goroutine does that until the move or Close.
type moving struct {
	*wire.Mover
	cancel  context.CancelFunc
	running sync.WaitGroup

	seen     chan struct{} // closed with the first acknowledgement
	wrote    bool          // the writer's own: seen is closed
	ping     uint64        // the number of the pings that measure
	pongs    chan struct{}
	measured atomic.Bool
}

// moves makes a view of one over a stream. dial connects the datagrams.
func moves(stream fusion.Pipe, dial func(context.Context) (fusion.Pipe, error)) fusion.Pipe {
	m := &moving{Mover: wire.NewMover(stream), seen: make(chan struct{}), ping: rand.Uint64(), pongs: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	m.running.Go(func() { m.run(ctx, dial) })
	return m
}

func (m *moving) run(ctx context.Context, dial func(context.Context) (fusion.Pipe, error)) {
	defer m.measured.Store(true)
	if m.measure(ctx) < farAway {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, movePatience)
	defer cancel()
	next, err := dial(ctx)
	if err != nil {
		return // dial has told; the stream goes on
	}
	if !m.Offer(next) {
		_ = next.Close() // the view ended meanwhile
		return
	}
	_ = m.Move() // it fails when the view ends, as its reader sees
}

// measure gives the shortest of some round trips behind the first picture, or 0
// when the view ends before.
func (m *moving) measure(ctx context.Context) (least time.Duration) {
	select {
	case <-m.seen:
	case <-ctx.Done():
		return 0
	}
	for range trips {
		start := time.Now()
		if m.Mover.Write(wire.Ping{ID: m.ping}.Append(nil)) != nil {
			return 0
		}
		select {
		case <-m.pongs:
		case <-ctx.Done():
			return 0
		}
		if took := time.Since(start); least == 0 || took < least {
			least = took
		}
	}
	return least
}

func (m *moving) Write(message []byte) error {
	if err := m.Mover.Write(message); err != nil || m.wrote {
		return err
	}
	if _, ok := parsed(wire.ParseViewer, message).(wire.Ack); ok {
		m.wrote = true
		close(m.seen)
	}
	return nil
}

// Read keeps the answers to the pings back.
func (m *moving) Read() ([]byte, error) {
	for {
		b, err := m.Mover.Read()
		if err != nil || m.measured.Load() {
			return b, err
		}
		if pong, ok := parsed(wire.ParseHost, b).(wire.Pong); !ok || pong.ID != m.ping {
			return b, nil
		}
		select {
		case m.pongs <- struct{}{}:
		default: // it was not asked for
		}
	}
}

// parsed gives a message, or nil for one that its reader will complain of.
func parsed(parse func([]byte) (wire.Message, error), b []byte) wire.Message {
	m, err := parse(b)
	if err != nil {
		return nil
	}
	return m
}

func (m *moving) Close() error {
	m.cancel()
	err := m.Mover.Close()
	m.running.Wait()
	return err
}

// move dials the datagrams for the view of a token.
func (s *screens) move(token, trace string) func(context.Context) (fusion.Pipe, error) {
	return func(ctx context.Context) (fusion.Pipe, error) {
		return s.c.Datagrams(fusion.WithTrace(ctx, trace), func(ctx context.Context, offer string) (string, error) {
			res, err := call(ctx, s.label, s.c.screens.Connect, &pb.ScreenConnectRequest{Host: s.name, Moves: token, OfferSdp: offer})
			if err != nil {
				return "", err
			}
			return res.AnswerSdp, nil
		})
	}
}
