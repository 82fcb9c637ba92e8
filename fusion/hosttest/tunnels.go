package hosttest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"hither/fusion"
)

// Tunnels checks the promises of fusion.Tunnels alone; other is a paired host's ID.
func Tunnels(t *testing.T, host fusion.Host, other fusion.HostID) {
	(&suite{Options: Options{Patience: time.Minute}, host: host, other: other}).testTunnels(t)
}

// testTunnels makes tunnels to the other host, if there is one, and takes them away; that
// bytes pass is for those who have two computers.
func (s *suite) testTunnels(t *testing.T) {
	ctx, tunnels := s.ctx(t), s.host.Tunnels()
	list, err := tunnels.List(ctx)
	must(t, "list", err)
	if list == nil {
		t.Error("no list")
	}
	before := len(list)
	refused(t, "remove nothing", tunnels.Remove(ctx, fresh("none")), fusion.ErrNotFound)
	_, err = tunnels.Limit(ctx, fresh("none"), 1<<20)
	refused(t, "limit nothing", err, fusion.ErrNotFound)
	_, err = tunnels.History(ctx, fresh("none"))
	refused(t, "history of nothing", err, fusion.ErrNotFound)
	other := string(s.other)
	if other == "" {
		other = fresh("none")
	}
	good := fusion.TunnelSpec{Kind: fusion.ForwardTunnel, Listen: "127.0.0.1:0", Host: other, Target: fusion.Target{Port: 80}}
	for what, change := range map[string]func(*fusion.TunnelSpec){
		"kind":            func(s *fusion.TunnelSpec) { s.Kind = "moon" },
		"proto":           func(s *fusion.TunnelSpec) { s.Proto = "icmp" },
		"no address":      func(s *fusion.TunnelSpec) { s.Listen = "there:80" },
		"everybody":       func(s *fusion.TunnelSpec) { s.Listen = "0.0.0.0:0" },
		"relative":        func(s *fusion.TunnelSpec) { s.Listen = "unix:x" },
		"udp on a path":   func(s *fusion.TunnelSpec) { s.Listen, s.Proto = "unix:/tmp/x", "udp" },
		"no host":         func(s *fusion.TunnelSpec) { s.Host = "" },
		"no port":         func(s *fusion.TunnelSpec) { s.Target.Port = 0 },
		"two targets":     func(s *fusion.TunnelSpec) { s.Target.Machine, s.Target.Address = "m", "10.0.0.1" },
		"a strange name":  func(s *fusion.TunnelSpec) { s.Target.Address = "a b" },
		"nobody":          func(s *fusion.TunnelSpec) { s.Target.Address = "0.0.0.0" },
		"a trickle":       func(s *fusion.TunnelSpec) { s.Limit = 1 },
		"a user":          func(s *fusion.TunnelSpec) { s.User, s.Password = "u", "p" },
		"a proxy's place": func(s *fusion.TunnelSpec) { s.Kind = fusion.ProxyTunnel },
	} {
		spec := good
		change(&spec)
		_, err := tunnels.Add(ctx, spec)
		refused(t, what, err, fusion.ErrInvalid)
	}
	_, err = tunnels.Add(ctx, fusion.TunnelSpec{Kind: fusion.ForwardTunnel, Listen: "0", Host: fresh("none"), Target: fusion.Target{Port: 80}})
	refused(t, "nobody's", err, fusion.ErrNotFound)
	if s.other == "" {
		return
	}
	added, err := tunnels.Add(ctx, good)
	must(t, "add", err)
	if added.ID == "" || added.Proto != "tcp" || added.Listen == good.Listen || added.HostID != s.other || added.Target != good.Target || added.State == "" {
		t.Errorf("added %+v", added)
	}
	again := good
	again.Listen = added.Listen
	_, err = tunnels.Add(ctx, again)
	refused(t, "the address again", err, fusion.ErrExists)
	is := func(list []fusion.Tunnel) bool {
		return slices.ContainsFunc(list, func(o fusion.Tunnel) bool { return o.ID == added.ID && o.Listen == added.Listen })
	}
	list, err = tunnels.List(ctx)
	must(t, "list", err)
	if len(list) != before+1 || !is(list) {
		t.Errorf("listed %+v", list)
	}
	limited, err := tunnels.Limit(ctx, added.ID, 1<<20)
	must(t, "limit", err)
	if limited.ID != added.ID || limited.Limit != 1<<20 {
		t.Errorf("limited %+v", limited)
	}
	_, err = tunnels.Limit(ctx, added.ID, 1)
	refused(t, "a limit that is a trickle", err, fusion.ErrInvalid)
	points, err := tunnels.History(ctx, added.ID)
	must(t, "history", err)
	if points == nil {
		t.Error("no points")
	}
	watching, stop := context.WithCancel(ctx)
	gone := make(chan struct{})
	had := false
	done := make(chan error, 1)
	go func() {
		done <- tunnels.Watch(watching, func(list []fusion.Tunnel) {
			switch {
			case !had && is(list):
				had = true
				close(gone)
			case had && !is(list):
				stop()
			}
		})
	}()
	<-gone // it was seen
	must(t, "remove by what it listens on", tunnels.Remove(ctx, added.Listen))
	select {
	case err := <-done:
		if ctx.Err() != nil || err == nil {
			t.Errorf("the watch ended with %v", err)
		}
	case <-ctx.Done():
		t.Error(fmt.Errorf("the removal was not heard of: %w", <-done))
	}
	stop()
	refused(t, "remove again", tunnels.Remove(ctx, added.ID), fusion.ErrNotFound)
}
