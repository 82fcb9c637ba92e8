package rtc

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/pion/webrtc/v4"

	"hither/fusion"
)

// Gateway answers the offers of viewers and carries their views. It runs the
// goroutines of each session until the viewer or the view ends.
type Gateway struct {
	log     *slog.Logger
	servers func(context.Context) []Server
	running sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc

	mu       sync.Mutex // guards the fields below
	sessions int
	closed   bool
}

// NewGateway makes a gateway.
func NewGateway(config Config) *Gateway {
	g := &Gateway{log: cmp.Or(config.Log, slog.New(slog.DiscardHandler)), servers: config.Servers}
	if g.servers == nil {
		g.servers = func(context.Context) []Server { return nil }
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g
}

// Session is what a viewer connects for. One of the two is called, once.
type Session interface {
	// Run carries messages until either side ends, and closes the viewer.
	Run(viewer fusion.Pipe) error
	// Close ends a session whose viewer did not come.
	Close() error
}

// Answer opens a session and answers the viewer's complete offer with this
// host's complete answer. ctx bounds the call only; the session ends when its
// Run does, or when the viewer does not connect within connectTime. It promises
// ErrInvalid for what is no offer, ErrBusy for too many sessions, and the
// errors of open.
func (g *Gateway) Answer(ctx context.Context, offer string, open func(context.Context) (Session, error)) (answer string, err error) {
	if len(offer) > maxSDP {
		return "", failed(fusion.ErrInvalid, "the offer is too long", "")
	}
	if err := g.begin(); err != nil {
		return "", err
	}
	p, err := g.newEndpoint(ctx, offer)
	if err != nil {
		g.end()
		return "", err
	}
	var session Session
	if answer, err = p.answer(ctx, offer); err == nil {
		session, err = open(ctx)
	}
	if err != nil {
		defer g.end()
		if closing := p.Close(); closing != nil {
			g.log.Debug("webrtc closed", "error", closing, "trace", fusion.Trace(ctx))
		}
		return "", err
	}
	trace := fusion.Trace(ctx)
	go func() {
		defer g.end()
		if err := g.carry(p, session); err != nil {
			g.log.Info("view over webrtc ended", "error", err, "trace", trace)
		}
	}()
	return answer, nil
}

// begin counts a session; end ends it.
func (g *Gateway) begin() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return failed(fusion.ErrOffline, "the node stops", "")
	case g.sessions >= maxSessions:
		return failed(fusion.ErrBusy, "too many views", "close a view of this host first")
	}
	g.sessions++
	g.running.Add(1)
	return nil
}

func (g *Gateway) end() {
	g.mu.Lock()
	g.sessions--
	g.mu.Unlock()
	g.running.Done()
}

// carry runs a session.
func (g *Gateway) carry(p endpoint, session Session) error {
	ctx, cancel := context.WithTimeout(g.ctx, connectTime)
	defer cancel()
	viewer, err := p.wait(ctx)
	if err != nil {
		return errors.Join(err, session.Close(), p.Close())
	}
	stop := context.AfterFunc(g.ctx, func() { _ = viewer.Close() }) // closed again below
	defer stop()
	return errors.Join(session.Run(viewer), viewer.Close())
}

// Close ends all sessions and waits for them.
func (g *Gateway) Close() error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.cancel()
	g.running.Wait()
	return nil
}

// answer makes the complete answer to an offer.
func (p *peer) answer(ctx context.Context, offer string) (string, error) {
	p.connection.OnDataChannel(p.accept)
	remote := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}
	if err := p.connection.SetRemoteDescription(remote); err != nil {
		return "", failed(fusion.ErrInvalid, err.Error(), "")
	}
	local, err := p.connection.CreateAnswer(nil)
	if err != nil {
		return "", failed(fusion.ErrInvalid, err.Error(), "")
	}
	return p.describe(ctx, local)
}

// describe sets the local description and waits for its candidates.
func (p *peer) describe(ctx context.Context, local webrtc.SessionDescription) (string, error) {
	complete := webrtc.GatheringCompletePromise(p.connection)
	if err := p.connection.SetLocalDescription(local); err != nil {
		return "", failed(fusion.ErrInvalid, err.Error(), "")
	}
	select {
	case <-complete:
		return p.connection.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
