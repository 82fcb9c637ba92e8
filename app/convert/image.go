package convert

import (
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func ImageToPB(i fusion.Image) *pb.Image {
	return &pb.Image{
		Host: i.Host, Name: i.Name, Format: string(i.Format), Bytes: i.Bytes, DiskBytes: i.DiskBytes, Sum: i.Sum,
		Source: i.Source, Arch: i.Arch, User: i.User, Added: stamp(i.Added), UsedBy: i.UsedBy,
	}
}

func ImageFromPB(i *pb.Image) fusion.Image {
	return fusion.Image{
		Host: i.GetHost(), Name: i.GetName(), Format: fusion.ImageFormat(i.GetFormat()), Bytes: i.GetBytes(), DiskBytes: i.GetDiskBytes(),
		Sum: i.GetSum(), Source: i.GetSource(), Arch: i.GetArch(), User: i.GetUser(), Added: moment(i.GetAdded()), UsedBy: list(i.GetUsedBy()),
	}
}

func CatalogueImageToPB(i fusion.CatalogueImage) *pb.CatalogueImage {
	return &pb.CatalogueImage{
		Name: i.Name, Title: i.Title, Format: string(i.Format), Arch: i.Arch, Url: i.URL, Sum: i.Sum, SumsUrl: i.SumsURL,
		User: i.User, MemoryBytes: i.MemoryBytes, DiskBytes: i.DiskBytes, Runs: i.Runs,
	}
}

func CatalogueImageFromPB(i *pb.CatalogueImage) fusion.CatalogueImage {
	return fusion.CatalogueImage{
		Name: i.GetName(), Title: i.GetTitle(), Format: fusion.ImageFormat(i.GetFormat()), Arch: i.GetArch(), URL: i.GetUrl(),
		Sum: i.GetSum(), SumsURL: i.GetSumsUrl(), User: i.GetUser(), MemoryBytes: i.GetMemoryBytes(), DiskBytes: i.GetDiskBytes(),
		Runs: i.GetRuns(),
	}
}

// SeedToPB and SeedFromPB keep nil, which is no seed.
func SeedToPB(s *fusion.Seed) *pb.Seed {
	if s == nil {
		return nil
	}
	return &pb.Seed{User: s.User, SshKeys: s.SSHKeys, Password: s.Password, Hostname: s.Hostname, Packages: s.Packages, Apps: s.Apps, Locale: s.Locale,
		Addresses: s.Addresses, Gateways: s.Gateways, Dns: s.DNS}
}

func SeedFromPB(s *pb.Seed) *fusion.Seed {
	if s == nil {
		return nil
	}
	return &fusion.Seed{User: s.User, SSHKeys: s.SshKeys, Password: s.Password, Hostname: s.Hostname, Packages: s.Packages, Apps: s.Apps, Locale: s.Locale,
		Addresses: s.Addresses, Gateways: s.Gateways, DNS: s.Dns}
}
