package convert

import (
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func TunnelSpecToPB(s fusion.TunnelSpec) *pb.TunnelSpec {
	return &pb.TunnelSpec{
		Kind: string(s.Kind), Proto: s.Proto, Listen: s.Listen, Open: s.Open, Host: s.Host,
		Target: &pb.TunnelTarget{Machine: s.Target.Machine, Address: s.Target.Address, Port: int32(s.Target.Port)},
		Once:   s.Once, Limit: s.Limit, User: s.User, Password: s.Password, Site: siteToPB(s.Site),
	}
}

func siteToPB(s fusion.Site) *pb.TunnelSite {
	if s == (fusion.Site{}) {
		return nil
	}
	return &pb.TunnelSite{Name: s.Name, Tls: s.TLS, Plain: int32(s.Plain), Agreed: s.Agreed, Email: s.Email}
}

func siteFromPB(s *pb.TunnelSite) fusion.Site {
	return fusion.Site{Name: s.GetName(), TLS: s.GetTls(), Plain: int(s.GetPlain()), Agreed: s.GetAgreed(), Email: s.GetEmail()}
}

func TunnelSpecFromPB(s *pb.TunnelSpec) fusion.TunnelSpec {
	t := s.GetTarget()
	return fusion.TunnelSpec{
		Kind: fusion.TunnelKind(s.GetKind()), Proto: s.GetProto(), Listen: s.GetListen(), Open: s.GetOpen(), Host: s.GetHost(),
		Target: fusion.Target{Machine: t.GetMachine(), Address: t.GetAddress(), Port: int(t.GetPort())},
		Once:   s.GetOnce(), Limit: s.GetLimit(), User: s.GetUser(), Password: s.GetPassword(), Site: siteFromPB(s.GetSite()),
	}
}

func TunnelToPB(t fusion.Tunnel) *pb.Tunnel {
	return &pb.Tunnel{
		Id: t.ID, Spec: TunnelSpecToPB(t.TunnelSpec), HostId: string(t.HostID), State: string(t.State), Note: t.Note, Hint: t.Hint,
		Connections: int32(t.Connections), Total: t.Total, BytesIn: t.BytesIn, BytesOut: t.BytesOut, RateIn: t.RateIn, RateOut: t.RateOut,
		CertificateUntil: stamp(t.CertificateUntil),
	}
}

func TunnelFromPB(t *pb.Tunnel) fusion.Tunnel {
	return fusion.Tunnel{
		TunnelSpec: TunnelSpecFromPB(t.GetSpec()), ID: t.GetId(), HostID: fusion.HostID(t.GetHostId()), State: fusion.TunnelState(t.GetState()),
		Note: t.GetNote(), Hint: t.GetHint(), Connections: int(t.GetConnections()), Total: t.GetTotal(),
		BytesIn: t.GetBytesIn(), BytesOut: t.GetBytesOut(), RateIn: t.GetRateIn(), RateOut: t.GetRateOut(),
		CertificateUntil: moment(t.GetCertificateUntil()),
	}
}

func TunnelPointToPB(p fusion.TunnelPoint) *pb.TunnelPoint {
	return &pb.TunnelPoint{At: stamp(p.At), In: p.In, Out: p.Out}
}

func TunnelPointFromPB(p *pb.TunnelPoint) fusion.TunnelPoint {
	return fusion.TunnelPoint{At: moment(p.GetAt()), In: p.GetIn(), Out: p.GetOut()}
}
