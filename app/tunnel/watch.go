package tunnel

import (
	"context"
	"errors"
	"slices"
	"time"

	"hither/fusion"
	"hither/vmctl/proxy"
)

// points gives what a gauge has kept, without the seconds before anything passed.
func points(seconds []proxy.Second) []fusion.TunnelPoint {
	first := slices.IndexFunc(seconds, func(s proxy.Second) bool { return s.In+s.Out > 0 })
	out := []fusion.TunnelPoint{}
	if first < 0 {
		return out
	}
	for _, s := range seconds[first:] {
		out = append(out, fusion.TunnelPoint{At: time.Unix(s.At, 0).UTC(), In: s.In, Out: s.Out})
	}
	return out
}

// Watch tells of all tunnels once a second while something changes. Gauges count by
// themselves, so nothing is measured for it.
func (s *Store) Watch(ctx context.Context, changed func([]fusion.Tunnel)) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	var last []fusion.Tunnel
	for {
		now, err := s.List(ctx)
		if err != nil {
			return err
		}
		if last == nil || !slices.Equal(last, now) {
			changed(now)
			last = now
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ctx.Done():
			return errStops
		case <-ticker.C:
		}
	}
}

// rateOver is over how many seconds a live rate is taken.
const rateOver = 2

// shown gives a tunnel as a person sees it.
func (s *Store) shown(e *entry) fusion.Tunnel {
	e.mu.Lock()
	why, port, spec, news := e.why, e.port, e.TunnelSpec, e.news
	e.mu.Unlock()
	t := fusion.Tunnel{TunnelSpec: spec, ID: e.ID, HostID: e.HostID, State: fusion.TunnelOpen}
	t.Password, t.CertificateUntil = "", news.Until
	passed := e.gauge.Passed()
	t.Connections, t.Total, t.BytesIn, t.BytesOut = passed.Open, passed.Total, passed.In, passed.Out
	for _, second := range e.gauge.Last(rateOver) {
		t.RateIn += float64(second.In) / rateOver
		t.RateOut += float64(second.Out) / rateOver
	}
	host, err := s.cfg.Find(string(e.HostID))
	if err == nil {
		t.Host = host.Name
	}
	switch {
	case err != nil:
		t.State, t.Note, t.Hint = fusion.TunnelFailed, "the other computer is not paired any more", "pair the two again, or remove the tunnel: hither forward rm "+e.ID
	case port == nil && why != nil && !errors.Is(why, fusion.ErrOffline):
		t.State = fusion.TunnelFailed
		t.Note, t.Hint = fusion.Words(why)
	case !host.Online:
		t.State = fusion.TunnelWaiting
		t.Note, t.Hint = "the other computer is offline", "it goes on by itself when that computer is back"
	case port == nil:
		t.State, t.Note = fusion.TunnelWaiting, "the other computer has not answered yet"
	case t.Site.TLS && news.Until.IsZero():
		t.State, t.Note = fusion.TunnelWaiting, "waits for a certificate"
		if news.Why != "" {
			t.Note, t.Hint = "waits for a certificate: "+news.Why, "see that "+t.Site.Name+" leads to "+t.Host+" in the DNS, and that the Internet reaches it there; it is tried again by itself"
		}
	case why != nil:
		t.State = fusion.TunnelFailed
		t.Note, t.Hint = fusion.Words(why)
	case t.Site.TLS && news.Why != "":
		t.Note = "its certificate is not renewed: " + news.Why
	}
	return t
}
