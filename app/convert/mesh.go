package convert

import (
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func MeshToPB(s fusion.MeshStatus) *pb.MeshStatus {
	return &pb.MeshStatus{
		Up: s.Up, Address: s.Address, Name: s.Name, Plane: s.Plane, Device: s.Device, Mtu: int32(s.MTU), Note: s.Note, Hint: s.Hint,
		Dns: s.DNS, Resolves: s.Resolves, NameHint: s.NameHint,
		Peers: All(s.Peers, func(p fusion.MeshPeer) *pb.MeshPeer {
			return &pb.MeshPeer{Host: p.Host, HostId: string(p.HostID), Address: p.Address, Name: p.Name, State: string(p.State), Note: p.Note, Hint: p.Hint,
				BytesIn: p.BytesIn, BytesOut: p.BytesOut, Dropped: p.Dropped}
		}),
		Machines: All(s.Machines, func(m fusion.MeshMachine) *pb.MeshMachine {
			return &pb.MeshMachine{Name: m.Name, Address: m.Address, Host: m.Host}
		}),
	}
}

func MeshFromPB(s *pb.MeshStatus) fusion.MeshStatus {
	return fusion.MeshStatus{
		Up: s.GetUp(), Address: s.GetAddress(), Name: s.GetName(), Plane: s.GetPlane(), Device: s.GetDevice(), MTU: int(s.GetMtu()), Note: s.GetNote(), Hint: s.GetHint(),
		DNS: s.GetDns(), Resolves: s.GetResolves(), NameHint: s.GetNameHint(),
		Peers: All(s.GetPeers(), func(p *pb.MeshPeer) fusion.MeshPeer {
			return fusion.MeshPeer{Host: p.GetHost(), HostID: fusion.HostID(p.GetHostId()), Address: p.GetAddress(), Name: p.GetName(), State: fusion.MeshState(p.GetState()),
				Note: p.GetNote(), Hint: p.GetHint(), BytesIn: p.GetBytesIn(), BytesOut: p.GetBytesOut(), Dropped: p.GetDropped()}
		}),
		Machines: All(s.GetMachines(), func(m *pb.MeshMachine) fusion.MeshMachine {
			return fusion.MeshMachine{Name: m.GetName(), Address: m.GetAddress(), Host: m.GetHost()}
		}),
	}
}
