package convert

import (
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func NetworkToPB(n fusion.Network) *pb.Network {
	return &pb.Network{
		Host: n.Host, Name: n.Name, Kind: string(n.Kind), Active: n.Active, Autostart: n.Autostart,
		Bridge: n.Bridge, Subnet: n.Subnet, Machines: n.Machines, Leases: int32(n.Leases),
	}
}

func NetworkFromPB(n *pb.Network) fusion.Network {
	return fusion.Network{
		Host: n.GetHost(), Name: n.GetName(), Kind: fusion.NetworkKind(n.GetKind()), Active: n.GetActive(), Autostart: n.GetAutostart(),
		Bridge: n.GetBridge(), Subnet: n.GetSubnet(), Machines: list(n.GetMachines()), Leases: int(n.GetLeases()),
	}
}

func LeaseToPB(l fusion.Lease) *pb.Lease {
	return &pb.Lease{Mac: l.MAC, Ip: l.IP, Name: l.Name, Machine: l.Machine, Expires: stamp(l.Expires)}
}

func LeaseFromPB(l *pb.Lease) fusion.Lease {
	return fusion.Lease{MAC: l.GetMac(), IP: l.GetIp(), Name: l.GetName(), Machine: l.GetMachine(), Expires: moment(l.GetExpires())}
}

func NICToPB(n fusion.NIC) *pb.NIC {
	return &pb.NIC{
		Mac: n.MAC, Model: n.Model, Kind: n.Kind, Network: n.Network, Bridge: n.Bridge,
		Addresses: All(n.Addresses, func(a fusion.NICAddress) *pb.NICAddress { return &pb.NICAddress{Ip: a.IP, Source: a.Source} }),
	}
}

func NICFromPB(n *pb.NIC) fusion.NIC {
	return fusion.NIC{
		MAC: n.GetMac(), Model: n.GetModel(), Kind: n.GetKind(), Network: n.GetNetwork(), Bridge: n.GetBridge(),
		Addresses: All(n.GetAddresses(), func(a *pb.NICAddress) fusion.NICAddress {
			return fusion.NICAddress{IP: a.GetIp(), Source: a.GetSource()}
		}),
	}
}

func ForwardToPB(f fusion.Forward) *pb.Forward {
	return &pb.Forward{Machine: f.Machine, Proto: f.Proto, Listen: f.Listen, HostPort: int32(f.HostPort), GuestPort: int32(f.GuestPort), Note: f.Note}
}

func ForwardFromPB(f *pb.Forward) fusion.Forward {
	return fusion.Forward{
		Machine: f.GetMachine(), Proto: f.GetProto(), Listen: f.GetListen(), HostPort: int(f.GetHostPort()), GuestPort: int(f.GetGuestPort()), Note: f.GetNote(),
	}
}
