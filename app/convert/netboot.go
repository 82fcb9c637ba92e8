package convert

import (
	"time"

	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func BareSpecToPB(s fusion.BareSpec) *pb.NetBootInstallRequest {
	return &pb.NetBootInstallRequest{Mac: s.MAC, Name: s.Name, Image: s.Image, Disk: s.Disk, Seed: SeedToPB(&s.Seed),
		Grants: All(s.Grants, func(c fusion.Capability) string { return string(c) }), Within: int64(s.Within / time.Second)}
}

func BareSpecFromPB(r *pb.NetBootInstallRequest) fusion.BareSpec {
	s := fusion.BareSpec{MAC: r.GetMac(), Name: r.GetName(), Image: r.GetImage(), Disk: r.GetDisk(), Within: time.Duration(r.GetWithin()) * time.Second,
		Grants: All(r.GetGrants(), func(text string) fusion.Capability { return fusion.Capability(text) })}
	if seed := SeedFromPB(r.GetSeed()); seed != nil {
		s.Seed = *seed
	}
	return s
}

func BareComputerToPB(c fusion.BareComputer) *pb.BareComputer {
	return &pb.BareComputer{Mac: c.MAC, Uuid: c.UUID, Firmware: c.Firmware, Vendor: c.Vendor, Seen: stamp(c.Seen), State: string(c.State),
		Steps: All(c.Steps, func(s fusion.BareStep) *pb.BareStep { return &pb.BareStep{State: string(s.State), At: stamp(s.At)} }),
		Name:  c.Name, Expires: stamp(c.Expires), Note: c.Note, Hint: c.Hint, Id: string(c.ID)}
}

func BareComputerFromPB(c *pb.BareComputer) fusion.BareComputer {
	return fusion.BareComputer{MAC: c.GetMac(), UUID: c.GetUuid(), Firmware: c.GetFirmware(), Vendor: c.GetVendor(), Seen: moment(c.GetSeen()), State: fusion.BareState(c.GetState()),
		Steps: All(c.GetSteps(), func(s *pb.BareStep) fusion.BareStep {
			return fusion.BareStep{State: fusion.BareState(s.GetState()), At: moment(s.GetAt())}
		}),
		Name: c.GetName(), Expires: moment(c.GetExpires()), Note: c.GetNote(), Hint: c.GetHint(), ID: fusion.HostID(c.GetId())}
}

func NetBootToPB(s fusion.NetBootState) *pb.NetBootState {
	return &pb.NetBootState{Host: s.Host, Revision: s.Revision, On: s.On, Interface: s.Interface, Address: s.Address, Note: s.Note, Hint: s.Hint,
		Interfaces: All(s.Interfaces, func(i fusion.NetBootInterface) *pb.NetBootInterface {
			return &pb.NetBootInterface{Name: i.Name, Address: i.Address}
		}),
		Computers: All(s.Computers, BareComputerToPB)}
}

func NetBootFromPB(s *pb.NetBootState) fusion.NetBootState {
	return fusion.NetBootState{Host: s.GetHost(), Revision: s.GetRevision(), On: s.GetOn(), Interface: s.GetInterface(), Address: s.GetAddress(),
		Note: s.GetNote(), Hint: s.GetHint(),
		Interfaces: All(s.GetInterfaces(), func(i *pb.NetBootInterface) fusion.NetBootInterface {
			return fusion.NetBootInterface{Name: i.GetName(), Address: i.GetAddress()}
		}),
		Computers: All(s.GetComputers(), BareComputerFromPB)}
}
