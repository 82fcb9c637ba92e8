package hosttest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hither/fusion"
)

type memoryTunnels struct{ m *Memory }

var _ fusion.Tunnels = memoryTunnels{}

func (t memoryTunnels) List(ctx context.Context) ([]fusion.Tunnel, error) {
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	return append([]fusion.Tunnel{}, t.m.tunnels...), ctx.Err()
}

// Add keeps a tunnel that nothing passes.
func (t memoryTunnels) Add(ctx context.Context, spec fusion.TunnelSpec) (fusion.Tunnel, error) {
	spec = spec.WithDefaults()
	if err := spec.Check(); err != nil {
		return fusion.Tunnel{}, err
	}
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	if !t.m.paired[fusion.HostID(spec.Host)] {
		return fusion.Tunnel{}, &fusion.Error{Op: "tunnel.add", Path: spec.Host, Cause: fusion.ErrNotFound, Detail: "no such host", Hint: "hither host ls lists them"}
	}
	if port, free := strings.CutSuffix(spec.Listen, ":0"); free {
		spec.Listen = fmt.Sprintf("%s:%d", port, 40000+len(t.m.tunnels))
	}
	for _, other := range t.m.tunnels {
		if other.Listen == spec.Listen && other.Proto == spec.Proto {
			return fusion.Tunnel{}, &fusion.Error{Op: "tunnel.add", Path: spec.Listen, Cause: fusion.ErrExists, Detail: "tunnel " + other.ID + " listens there already", Hint: "take another port"}
		}
	}
	spec.Password = ""
	added := fusion.Tunnel{TunnelSpec: spec, ID: fmt.Sprintf("t%03d", len(t.m.tunnels)+1), HostID: fusion.HostID(spec.Host), State: fusion.TunnelOpen}
	t.m.tunnels = append(t.m.tunnels, added)
	return added, ctx.Err()
}

func (t memoryTunnels) findLocked(op, id string) (int, error) {
	listen, err := fusion.ParseListen(id)
	at := slices.IndexFunc(t.m.tunnels, func(other fusion.Tunnel) bool { return other.ID == id || err == nil && other.Listen == listen })
	if at < 0 {
		return 0, &fusion.Error{Op: op, Path: id, Cause: fusion.ErrNotFound, Detail: "no such tunnel", Hint: "hither forward ls lists them"}
	}
	return at, nil
}

func (t memoryTunnels) Remove(ctx context.Context, id string) error {
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	at, err := t.findLocked("tunnel.rm", id)
	if err != nil {
		return err
	}
	t.m.tunnels = slices.Delete(slices.Clone(t.m.tunnels), at, at+1)
	return ctx.Err()
}

func (t memoryTunnels) Limit(ctx context.Context, id string, bytes int64) (fusion.Tunnel, error) {
	if err := fusion.CheckLimit(bytes); err != nil {
		return fusion.Tunnel{}, err
	}
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	at, err := t.findLocked("tunnel.limit", id)
	if err != nil {
		return fusion.Tunnel{}, err
	}
	t.m.tunnels = slices.Clone(t.m.tunnels)
	t.m.tunnels[at].TunnelSpec.Limit = bytes
	return t.m.tunnels[at], ctx.Err()
}

func (t memoryTunnels) History(ctx context.Context, id string) ([]fusion.TunnelPoint, error) {
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	_, err := t.findLocked("tunnel.history", id)
	if err != nil {
		return nil, err
	}
	return []fusion.TunnelPoint{}, ctx.Err()
}

func (t memoryTunnels) Watch(ctx context.Context, changed func([]fusion.Tunnel)) error {
	var last []fusion.Tunnel
	for {
		now, err := t.List(ctx)
		if err != nil {
			return err
		}
		if last == nil || !slices.Equal(last, now) {
			changed(now)
			last = now
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}
