package tunnel

import (
	"context"
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
