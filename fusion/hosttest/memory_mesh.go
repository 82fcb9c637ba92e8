package hosttest

import (
	"context"

	"hither/fusion"
)

type memoryMesh struct{ m *Memory }

var _ fusion.Mesh = memoryMesh{}

func (n memoryMesh) Status(ctx context.Context) (fusion.MeshStatus, error) {
	n.m.mu.Lock()
	defer n.m.mu.Unlock()
	s := fusion.MeshStatus{Up: n.m.meshed, Address: "fd68:6974:6865:7200::1", Name: n.m.info.Name + ".hither", MTU: 16000,
		Peers: []fusion.MeshPeer{}, Machines: []fusion.MeshMachine{}}
	if s.Up {
		s.Plane, s.DNS = fusion.MeshUser, "127.0.0.1:10053"
	}
	for id := range n.m.paired {
		s.Peers = append(s.Peers, fusion.MeshPeer{Host: string(id), HostID: id, Address: "fd68:6974:6865:7200::2", Name: string(id) + ".hither", State: fusion.MeshIdle})
	}
	return s, ctx.Err()
}

func (n memoryMesh) set(ctx context.Context, up bool) (fusion.MeshStatus, error) {
	n.m.mu.Lock()
	n.m.meshed = up
	n.m.mu.Unlock()
	return n.Status(ctx)
}

func (n memoryMesh) Up(ctx context.Context) (fusion.MeshStatus, error) { return n.set(ctx, true) }

func (n memoryMesh) Down(ctx context.Context) (fusion.MeshStatus, error) { return n.set(ctx, false) }
