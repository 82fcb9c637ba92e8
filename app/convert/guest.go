package convert

import (
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// GuestToPB and its twins carry what a guest's agent says.
func GuestToPB(g fusion.GuestInfo) *pb.GuestInfo {
	return &pb.GuestInfo{Agent: g.Agent, Hostname: g.Hostname, Os: g.OS, Kernel: g.Kernel,
		Interfaces: All(g.Interfaces, func(i fusion.GuestInterface) *pb.GuestInterface {
			return &pb.GuestInterface{Name: i.Name, Mac: i.MAC, Addresses: i.Addresses}
		}),
		FileSystems: All(g.FileSystems, func(f fusion.GuestFileSystem) *pb.GuestFileSystem {
			return &pb.GuestFileSystem{MountPoint: f.MountPoint, Type: f.Type, TotalBytes: f.TotalBytes, UsedBytes: f.UsedBytes}
		})}
}

func GuestFromPB(g *pb.GuestInfo) fusion.GuestInfo {
	return fusion.GuestInfo{Agent: g.Agent, Hostname: g.Hostname, OS: g.Os, Kernel: g.Kernel,
		Interfaces: All(g.Interfaces, func(i *pb.GuestInterface) fusion.GuestInterface {
			return fusion.GuestInterface{Name: i.Name, MAC: i.Mac, Addresses: All(i.Addresses, func(a string) string { return a })}
		}),
		FileSystems: All(g.FileSystems, func(f *pb.GuestFileSystem) fusion.GuestFileSystem {
			return fusion.GuestFileSystem{MountPoint: f.MountPoint, Type: f.Type, TotalBytes: f.TotalBytes, UsedBytes: f.UsedBytes}
		})}
}

func GuestResultToPB(r fusion.GuestResult) *pb.GuestResult {
	return &pb.GuestResult{ExitCode: int32(r.ExitCode), Stdout: r.Stdout, Stderr: r.Stderr, Truncated: r.Truncated}
}

func GuestResultFromPB(r *pb.GuestResult) fusion.GuestResult {
	return fusion.GuestResult{ExitCode: int(r.ExitCode), Stdout: r.Stdout, Stderr: r.Stderr, Truncated: r.Truncated}
}
