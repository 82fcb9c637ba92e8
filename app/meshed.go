package app

import (
	"context"
	"net"
	"strings"

	"hither/app/mesh"
	"hither/fusion"
)

func (n *Node) openMesh(_ context.Context, cfg Config) (err error) {
	n.mesh, err = mesh.Open(mesh.Config{
		Dir: cfg.Home.Sub("mesh"), ID: n.network.ID(),
		Dial: func(ctx context.Context, id fusion.HostID) (net.Conn, error) {
			return n.network.Dial(ctx, id, meshProtocol)
		},
		Members: n.members,
		Allow:   func(id fusion.HostID) error { return n.allowStream("net", id, fusion.MeshCap, n.Name(), "") },
		Guest:   n.vms.DialGuest,
		Own:     n.ownPorts,
		Log:     part(cfg, "mesh"),
	})
	if err == nil {
		n.onClose(n.mesh.Close)
	}
	return err
}

// members are this computer and the paired ones with their virtual machines, as far as this
// computer may see them.
func (n *Node) members() []mesh.Member {
	self := mesh.Member{ID: n.network.ID(), Name: n.Name(), Local: true, Own: true, Online: true, Machines: n.table.virtual(n.network.ID())}
	list := []mesh.Member{self}
	for _, p := range n.network.Peers() {
		list = append(list, mesh.Member{ID: p.ID, Name: p.Name, Own: p.Own, Online: p.Online,
			Path: strings.Join([]string{p.Path, p.Via, p.Transport, p.Addr}, " "), Machines: n.table.virtual(p.ID)})
	}
	return list
}

// followMembers tells the private network of what may change its members.
func (n *Node) followMembers() error {
	for {
		for e, err := range n.table.watch(n.ctx, "") {
			if err != nil {
				break // it was too slow: what it missed is seen now
			}
			if e.Kind == fusion.EventHost || e.Kind == fusion.EventMachine {
				n.mesh.Changed()
			}
		}
		if n.ctx.Err() != nil {
			return n.ctx.Err()
		}
		n.mesh.Changed()
	}
}

// virtual gives the virtual machines that a host has, or last had.
func (t *table) virtual(id fusion.HostID) []mesh.Machine {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []mesh.Machine
	if k := t.hosts[id]; k != nil {
		for _, name := range sorted(k.machines) {
			if m := k.machines[name]; m.Kind == fusion.KindVM && m.UUID != "" {
				on := m.State != fusion.Off && m.State != fusion.Saved && m.State != fusion.Failed
				list = append(list, mesh.Machine{UUID: m.UUID, Name: m.Name, Running: on})
			}
		}
	}
	return list
}
