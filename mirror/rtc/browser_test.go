package rtc

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"hither/fusion"
)

// browse is the viewer's side as a browser does it.
func browse(ctx context.Context, exchange func(ctx context.Context, offer string) (answer string, err error)) (fusion.Pipe, error) {
	p, err := newPeer()
	if err != nil {
		return nil, err
	}
	pipe, err := p.browse(ctx, exchange)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return pipe, nil
}

func (p *peer) browse(ctx context.Context, exchange func(context.Context, string) (string, error)) (fusion.Pipe, error) {
	ordered, again := false, uint16(0)
	d, err := p.connection.CreateDataChannel(label, &webrtc.DataChannelInit{Ordered: &ordered, MaxRetransmits: &again})
	if err != nil {
		return nil, err
	}
	p.accept(d)
	local, err := p.connection.CreateOffer(nil)
	if err != nil {
		return nil, err
	}
	offer, err := p.describe(ctx, local)
	if err != nil {
		return nil, err
	}
	answer, err := exchange(ctx, offer)
	if err != nil {
		return nil, err
	}
	remote := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}
	if err := p.connection.SetRemoteDescription(remote); err != nil {
		return nil, err
	}
	return p.wait(ctx)
}

// each runs a test with a viewer of each kind.
func each(t *testing.T, test func(t *testing.T, dial dialFunc)) {
	t.Run("node", func(t *testing.T) { test(t, Dial) })
	t.Run("browser", func(t *testing.T) { test(t, browse) })
}

type dialFunc func(ctx context.Context, exchange func(ctx context.Context, offer string) (answer string, err error)) (fusion.Pipe, error)

func TestBadDescriptions(t *testing.T) {
	g := NewGateway(Config{})
	defer g.Close()
	opened := func(context.Context) (Session, error) {
		t.Error("a view was opened for it")
		return nil, errors.New("opened")
	}
	const good = `{"ufrag":"abcd","pwd":"abcdefghijklmnopqrstuv","candidates":[],"secret":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`
	for _, offer := range []string{
		"{", "{}", "{\"ufrag\":1}",
		strings.Replace(good, "AAAA", "", 1), // a short secret
		strings.Replace(good, "[]", `["candidate:nonsense"]`, 1),
		strings.Replace(good, "[]", `["`+strings.Repeat(`","`, maxCandidates)+`"]`, 1),
	} {
		if _, err := g.Answer(t.Context(), offer, opened); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%.60q: %v", offer, err)
		}
	}
}

func FuzzDescription(f *testing.F) {
	f.Add(`{"ufrag":"a","pwd":"b","candidates":["1 1 udp 2130706431 127.0.0.1 4444 typ host"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var d description
		if all, err := d.parse(text); err == nil && len(all) > maxCandidates {
			t.Error(len(all))
		}
	})
}
