package convert

import (
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func CardToPB(c fusion.Card) *pb.Card {
	return &pb.Card{Name: c.Name, Mac: c.MAC, Nets: c.Nets, Wake: c.Wake}
}

func CardFromPB(c *pb.Card) fusion.Card {
	return fusion.Card{Name: c.GetName(), MAC: c.GetMac(), Nets: list(c.GetNets()), Wake: c.GetWake()}
}

func ResourcesToPB(r fusion.Resources) *pb.HostResources {
	return &pb.HostResources{Cpus: int32(r.CPUs), Load: r.Load, MemoryBytes: r.MemoryBytes, FreeBytes: r.FreeBytes,
		PoolBytes: r.PoolBytes, Accelerator: r.Accelerator, Reason: r.Reason, Firmwares: r.Firmwares, Tpm: r.TPM}
}

func ResourcesFromPB(r *pb.HostResources) fusion.Resources {
	return fusion.Resources{CPUs: int(r.GetCpus()), Load: r.GetLoad(), MemoryBytes: r.GetMemoryBytes(), FreeBytes: r.GetFreeBytes(),
		PoolBytes: r.GetPoolBytes(), Accelerator: r.GetAccelerator(), Reason: r.GetReason(), Firmwares: r.GetFirmwares(), TPM: r.GetTpm()}
}

func PlacementToPB(p fusion.Placement) *pb.Placement {
	return &pb.Placement{Host: p.Host, Id: string(p.ID), Again: p.Again, Candidates: All(p.Candidates, candidateToPB)}
}

func PlacementFromPB(p *pb.Placement) fusion.Placement {
	return fusion.Placement{Host: p.GetHost(), ID: fusion.HostID(p.GetId()), Again: p.GetAgain(),
		Candidates: All(p.GetCandidates(), candidateFromPB)}
}

func candidateToPB(c fusion.Candidate) *pb.Candidate {
	out := &pb.Candidate{Host: c.Host, Id: string(c.ID), Roles: c.Roles, Fits: c.Fits, Why: string(c.Why), HasImage: c.HasImage}
	if c.Resources != nil {
		out.Resources = ResourcesToPB(*c.Resources)
	}
	return out
}

func candidateFromPB(c *pb.Candidate) fusion.Candidate {
	out := fusion.Candidate{Host: c.GetHost(), ID: fusion.HostID(c.GetId()), Roles: list(c.GetRoles()), Fits: c.GetFits(), Why: fusion.Unfit(c.GetWhy()), HasImage: c.GetHasImage()}
	if c.Resources != nil {
		r := ResourcesFromPB(c.Resources)
		out.Resources = &r
	}
	return out
}

func refusalToPB(r fusion.Refusal) *pb.Refusal {
	return &pb.Refusal{Verb: string(r.Verb), Reason: r.Reason}
}

// refusalsFromPB gives nil for none, so that JSON leaves them out.
func refusalsFromPB(list []*pb.Refusal) (out []fusion.Refusal) {
	for _, r := range list {
		out = append(out, fusion.Refusal{Verb: fusion.Verb(r.GetVerb()), Reason: r.GetReason()})
	}
	return out
}
