// Package convert turns the vocabulary into the API's messages and back. The
// server and the clients share it, so that a field is named in one place.
package convert

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func moment(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

// All converts each element of a list; nil stays an empty list.
func All[A, B any](list []A, one func(A) B) []B {
	out := make([]B, 0, len(list))
	for _, a := range list {
		out = append(out, one(a))
	}
	return out
}

func words[T ~string](list []T) []string {
	return All(list, func(t T) string { return string(t) })
}

// MachineToPB and its twins below convert field by field.
func MachineToPB(m fusion.Machine) *pb.Machine {
	return &pb.Machine{
		Address: m.Address, Host: m.Host, Name: m.Name, OriginalName: m.OriginalName, Kind: string(m.Kind), State: string(m.State),
		Cpus: int32(m.CPUs), MemoryBytes: m.MemoryBytes, Os: m.OS, Note: m.Note,
		Accelerator: m.Accelerator, Uuid: m.UUID, Started: stamp(m.Started),
		Disks: All(m.Disks, func(d fusion.Disk) *pb.Disk {
			return &pb.Disk{Name: d.Name, TotalBytes: d.TotalBytes, UsedBytes: d.UsedBytes}
		}),
		Screen: m.Screen, Verbs: words(m.Verbs), Template: m.Template, Cannot: All(m.Cannot, refusalToPB),
		Screenshots: m.Screenshots, Installing: m.Installing,
		Tags: m.Tags, Notes: m.Notes, Autostart: m.Autostart, Order: int32(m.Order),
	}
}

func MachineFromPB(m *pb.Machine) fusion.Machine {
	return fusion.Machine{
		Address: m.GetAddress(), Host: m.GetHost(), Name: m.GetName(), OriginalName: m.GetOriginalName(),
		Kind: fusion.MachineKind(m.GetKind()), State: fusion.MachineState(m.GetState()),
		CPUs: int(m.GetCpus()), MemoryBytes: m.GetMemoryBytes(), OS: m.GetOs(), Note: m.GetNote(),
		Accelerator: m.GetAccelerator(), UUID: m.GetUuid(), Started: moment(m.GetStarted()),
		Disks: All(m.GetDisks(), func(d *pb.Disk) fusion.Disk {
			return fusion.Disk{Name: d.GetName(), TotalBytes: d.GetTotalBytes(), UsedBytes: d.GetUsedBytes()}
		}),
		Screen: m.GetScreen(), Screenshots: m.GetScreenshots(), Installing: m.GetInstalling(),
		Verbs: All(m.GetVerbs(), func(v string) fusion.Verb { return fusion.Verb(v) }), Template: m.GetTemplate(),
		Labels: fusion.Labels{Tags: list(m.GetTags()), Notes: m.GetNotes(), Autostart: m.GetAutostart(), Order: int(m.GetOrder())},
		Cannot: refusalsFromPB(m.GetCannot()),
	}
}

func StatsToPB(s fusion.Stats) *pb.Stats {
	return &pb.Stats{
		Name: s.Name, Time: stamp(s.Time), CpuSeconds: s.CPUSeconds, Cpus: int32(s.CPUs),
		MemoryUsedBytes: s.MemoryUsedBytes, MemoryBytes: s.MemoryBytes,
		DiskReadBytes: s.DiskReadBytes, DiskWriteBytes: s.DiskWriteBytes,
		NetInBytes: s.NetInBytes, NetOutBytes: s.NetOutBytes, Load: s.Load,
	}
}

func StatsFromPB(s *pb.Stats) fusion.Stats {
	return fusion.Stats{
		Name: s.GetName(), Time: moment(s.GetTime()), CPUSeconds: s.GetCpuSeconds(), CPUs: int(s.GetCpus()),
		MemoryUsedBytes: s.GetMemoryUsedBytes(), MemoryBytes: s.GetMemoryBytes(),
		DiskReadBytes: s.GetDiskReadBytes(), DiskWriteBytes: s.GetDiskWriteBytes(),
		NetInBytes: s.GetNetInBytes(), NetOutBytes: s.GetNetOutBytes(), Load: s.GetLoad(),
	}
}

func ScreenToPB(s fusion.Screen) *pb.Screen {
	return &pb.Screen{
		Address: s.Address, Host: s.Host, Name: s.Name, Machine: s.Machine, Kind: string(s.Kind),
		Title: s.Title, Width: int32(s.Width), Height: int32(s.Height), App: s.App,
	}
}

func ScreenFromPB(s *pb.Screen) fusion.Screen {
	return fusion.Screen{
		Address: s.GetAddress(), Host: s.GetHost(), Name: s.GetName(), Machine: s.GetMachine(),
		Kind: fusion.ScreenKind(s.GetKind()), Title: s.GetTitle(),
		Width: int(s.GetWidth()), Height: int(s.GetHeight()), App: s.GetApp(),
	}
}

func AppToPB(a fusion.App) *pb.App {
	return &pb.App{
		Address: a.Address, Host: a.Host, Machine: a.Machine, Id: a.ID, Name: a.Name,
		Comment: a.Comment, Icon: a.Icon, Categories: a.Categories, MimeTypes: a.MIMETypes,
		Installed: a.Installed,
	}
}

func AppFromPB(a *pb.App) fusion.App {
	return fusion.App{
		Address: a.GetAddress(), Host: a.GetHost(), Machine: a.GetMachine(), ID: a.GetId(), Name: a.GetName(),
		Comment: a.GetComment(), Icon: a.GetIcon(), Categories: a.GetCategories(), MIMETypes: a.GetMimeTypes(),
		Installed: a.GetInstalled(),
	}
}

func FolderToPB(f fusion.Folder) *pb.Folder {
	return &pb.Folder{
		Name: f.Name, Path: f.Path, State: f.State, NeedBytes: f.NeedBytes, NeedFiles: f.NeedFiles,
		GlobalBytes: f.GlobalBytes, GlobalFiles: f.GlobalFiles, Hosts: f.Hosts, Note: f.Note,
	}
}

func FolderFromPB(f *pb.Folder) fusion.Folder {
	hosts := f.GetHosts()
	if hosts == nil {
		hosts = []string{}
	}
	return fusion.Folder{
		Name: f.GetName(), Path: f.GetPath(), State: f.GetState(), NeedBytes: f.GetNeedBytes(),
		NeedFiles: f.GetNeedFiles(), GlobalBytes: f.GetGlobalBytes(), GlobalFiles: f.GetGlobalFiles(),
		Hosts: hosts, Note: f.GetNote(),
	}
}

func HostToPB(h fusion.HostInfo) *pb.Host {
	return &pb.Host{
		Id: string(h.ID), Name: h.Name, Online: h.Online, Path: h.Path, Roles: h.Roles, Local: h.Local,
		Color: int32(h.Color), Os: h.OS, Version: h.Version, LastSeen: stamp(h.LastSeen),
		Fingerprint: h.Fingerprint, Grants: h.Grants, May: h.May, Away: string(h.Away), Cards: All(h.Cards, CardToPB),
		Via: h.Via, Transport: h.Transport, Addr: h.Addr, RttMicros: h.RTTMicros, WhyNot: h.WhyNot, Own: h.Own,
	}
}

func HostFromPB(h *pb.Host) fusion.HostInfo {
	return fusion.HostInfo{
		ID: fusion.HostID(h.GetId()), Name: h.GetName(), Online: h.GetOnline(), Path: h.GetPath(),
		Roles: list(h.GetRoles()), Local: h.GetLocal(), Color: int(h.GetColor()), OS: h.GetOs(),
		Version: h.GetVersion(), LastSeen: moment(h.GetLastSeen()), Fingerprint: h.GetFingerprint(),
		Grants: list(h.GetGrants()), May: list(h.GetMay()), Away: fusion.Away(h.GetAway()), Cards: All(h.GetCards(), CardFromPB),
		Via: h.GetVia(), Transport: h.GetTransport(), Addr: h.GetAddr(), RTTMicros: h.GetRttMicros(), WhyNot: h.GetWhyNot(), Own: h.GetOwn(),
	}
}

// list makes an absent list an empty one, so that it is [] in JSON.
func list(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}
