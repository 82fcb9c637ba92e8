package hosttest

import (
	"net/netip"
	"strings"
	"testing"

	"hither/fusion"
)

// testMesh switches the private network on and off; that packets pass is for those who have
// two computers.
func (s *suite) testMesh(t *testing.T) {
	ctx, mesh := s.ctx(t), s.host.Mesh()
	check := func(what string, got fusion.MeshStatus, up bool) {
		t.Helper()
		at, err := netip.ParseAddr(got.Address)
		if err != nil || !at.Is6() || !at.IsPrivate() || !strings.HasSuffix(got.Name, ".hither") || got.Up != up ||
			(got.Plane == "") == up || (got.DNS == "") == up || got.MTU < 1280 || got.Peers == nil || got.Machines == nil {
			t.Errorf("%s: %+v", what, got)
		}
	}
	before, err := mesh.Status(ctx)
	must(t, "status", err)
	check("before", before, false)
	for range 2 {
		up, err := mesh.Up(ctx)
		must(t, "up", err)
		check("up", up, true)
		if up.Address != before.Address {
			t.Errorf("its address was %s and is %s", before.Address, up.Address)
		}
	}
	now, err := mesh.Status(ctx)
	must(t, "status", err)
	check("status", now, true)
	if s.other != "" && (len(now.Peers) != 1 || now.Peers[0].HostID != s.other) {
		t.Errorf("peers: %+v", now.Peers)
	}
	for range 2 {
		down, err := mesh.Down(ctx)
		must(t, "down", err)
		check("down", down, false)
	}
}
