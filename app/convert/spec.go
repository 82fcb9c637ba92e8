package convert

import (
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// MachineSpecToPB writes what a machine is to be, for a host to fill in.
func MachineSpecToPB(s fusion.MachineSpec) *pb.MachineCreateRequest {
	return &pb.MachineCreateRequest{Name: s.Name, MemoryBytes: s.MemoryBytes, Cpus: int32(s.CPUs),
		DiskBytes: s.DiskBytes, Iso: s.ISO, Image: s.Image, Start: s.Start, Firmware: s.Firmware, Tpm: s.TPM,
		Network: s.Network, Seed: SeedToPB(s.Seed), Unattended: s.Unattended}
}

// MachineSpecFromPB reads what MachineSpecToPB wrote.
func MachineSpecFromPB(p *pb.MachineCreateRequest) fusion.MachineSpec {
	return fusion.MachineSpec{Name: p.GetName(), MemoryBytes: p.GetMemoryBytes(), CPUs: int(p.GetCpus()),
		DiskBytes: p.GetDiskBytes(), ISO: p.GetIso(), Image: p.GetImage(), Start: p.GetStart(), Firmware: p.GetFirmware(), TPM: p.GetTpm(),
		Network: p.GetNetwork(), Seed: SeedFromPB(p.GetSeed()), Unattended: p.GetUnattended()}
}

// DeploySpecFromPB reads where copies go: of a machine or of an image.
func DeploySpecFromPB(r interface {
	GetTo() []string
	GetCount() int32
	GetPrefix() string
	GetStart() bool
}) fusion.DeploySpec {
	spec := fusion.DeploySpec{Count: int(r.GetCount()), Prefix: r.GetPrefix(), Start: r.GetStart()}
	for _, id := range r.GetTo() {
		spec.To = append(spec.To, fusion.HostID(id))
	}
	return spec
}
