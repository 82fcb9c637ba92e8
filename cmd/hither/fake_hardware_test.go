package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
	"hither/proto/hither/v1/hitherv1connect"
)

type fakeHardware struct {
	hitherv1connect.UnimplementedHardwareServiceHandler
	*fake
}

func (f fakeHardware) on(host, machine string) (*pb.Machine, error) {
	return fakeMachines{fake: f.fake}.find(host, machine)
}

// Show has a part of each kind, one of them in each time.
func (f fakeHardware) Show(_ context.Context, req *connect.Request[pb.HardwareShowRequest]) (*connect.Response[pb.Parts], error) {
	m, err := f.on(req.Msg.Host, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	return answer(&pb.Parts{Cpus: m.Cpus, NextCpus: m.Cpus + 2, MemoryBytes: m.MemoryBytes, NextMemoryBytes: m.MemoryBytes,
		Disks: []*pb.DiskPart{{Name: "vda", Bus: "virtio", Format: "qcow2", File: "win11-0.qcow2", TotalBytes: 20 << 30, UsedBytes: 7 << 30, Made: true},
			{Name: "vdb", Bus: "virtio", Format: "raw", File: "data.img", Of: "next-start"}},
		Drives: []*pb.DrivePart{{Name: "sda", Kind: "cdrom"}},
		Nics: []*pb.NICPart{{Mac: "52:54:00:01:02:03", Network: "default", Model: "virtio", Of: "now"},
			{Mac: "52:54:00:01:02:04", Network: "user", NextNetwork: "lab", Model: "virtio"}},
		Boot: []string{"disk", "cd"}, Firmware: "uefi", Tpm: true, Displays: []string{"vnc"}, Pending: true,
		Devices: []*pb.DevicePart{{Id: "usb:0951:1666", Name: "Kingston DataTraveler"}, {Id: "pci:0000:01:00.0", Of: "next-start"},
			{Id: "usb:1050:0407", Name: "Yubikey", From: "12D3lap", FromName: "laptop", Note: "its computer is offline", Hint: "wake it"}}})
}

// Change answers in each way: a display waits, what is called "no" is refused.
func (f fakeHardware) Change(_ context.Context, req *connect.Request[pb.HardwareChangeRequest]) (*connect.Response[pb.HardwareChanged], error) {
	m, err := f.on(req.Msg.Host, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	c := req.Msg.Change
	if err := convert.ChangeFromPB(c).Check(m.Name); err != nil {
		return nil, convert.ErrorToPB(err)
	}
	switch {
	case c.Disk == "vdz":
		return refuse[pb.HardwareChanged](fusion.ErrNotFound, m.Name, "hither machine hw")
	case c.Kind == string(fusion.AddDisk):
		return answer(&pb.HardwareChanged{When: "now", Part: "vdb"})
	case strings.HasPrefix(c.Kind, string(fusion.AttachDevice)), strings.HasPrefix(c.Kind, string(fusion.DetachDevice)):
		return f.changeDevice(c)
	case c.Kind == string(fusion.SetNIC):
		return answer(&pb.HardwareChanged{When: "now", Part: cmp.Or(c.Mac, c.Nic)})
	case c.Kind == string(fusion.AddDisplay):
		return answer(&pb.HardwareChanged{When: "next-start", Note: "it runs"})
	case c.Kind == string(fusion.InsertCD):
		m.Note = "inserted " + c.Image + " with " + f.images[c.Image]
	case c.Kind == string(fusion.SetResources):
		m.Cpus, m.MemoryBytes = max(m.Cpus, c.Cpus), max(m.MemoryBytes, c.MemoryBytes)
	}
	return answer(&pb.HardwareChanged{When: "now"})
}

func (f fakeHardware) Label(_ context.Context, req *connect.Request[pb.LabelRequest]) (*connect.Response[pb.Machine], error) {
	m, err := f.on(req.Msg.Host, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	c := convert.LabelChangeFromPB(req.Msg.Change)
	if err := c.Check(m.Name); err != nil {
		return nil, convert.ErrorToPB(err)
	}
	l, err := c.Apply(m.Name, convert.MachineFromPB(m).Labels)
	if err != nil {
		return nil, convert.ErrorToPB(err)
	}
	m.Tags, m.Notes, m.Autostart, m.Order = l.Tags, l.Notes, l.Autostart, int32(l.Order)
	return answer(m)
}

func (f fakeHardware) Rename(_ context.Context, req *connect.Request[pb.RenameRequest]) (*connect.Response[pb.RenameResponse], error) {
	m, err := f.on(req.Msg.Host, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(f.machines["nas"], func(o *pb.Machine) bool { return o.Name == req.Msg.Name }) {
		return refuse[pb.RenameResponse](fusion.ErrExists, req.Msg.Name, "choose another name")
	}
	m.Name = req.Msg.Name
	return answer(&pb.RenameResponse{})
}

func (f fakeHardware) Save(_ context.Context, req *connect.Request[pb.SaveRequest]) (*connect.Response[pb.SaveResponse], error) {
	m, err := f.on(req.Msg.Host, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	if m.State != "running" {
		return refuse[pb.SaveResponse](fusion.ErrInvalid, m.Name, "start it first")
	}
	m.State = "saved"
	return answer(&pb.SaveResponse{})
}
