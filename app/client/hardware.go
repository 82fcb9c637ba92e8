package client

import (
	"context"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type hardware host

var _ fusion.Hardware = (*hardware)(nil)

func (h *hardware) path(name string) string { return (*host)(h).path(name) }

func (h *hardware) Show(ctx context.Context, machine string) (fusion.Parts, error) {
	res, err := call(ctx, h.path(machine), h.c.hardware.Show, &pb.HardwareShowRequest{Host: h.name, Machine: machine})
	if err != nil {
		return fusion.Parts{}, err
	}
	return convert.PartsFromPB(res), nil
}

func (h *hardware) Change(ctx context.Context, machine string, change fusion.Change) (fusion.Changed, error) {
	res, err := long(ctx, h.c, h.path(machine), h.c.hardware.Change,
		&pb.HardwareChangeRequest{Host: h.name, Machine: machine, Change: convert.ChangeToPB(change)})
	if err != nil {
		return fusion.Changed{}, err
	}
	return convert.ChangedFromPB(res), nil
}

func (h *hardware) Label(ctx context.Context, machine string, change fusion.LabelChange) (fusion.Machine, error) {
	res, err := call(ctx, h.path(machine), h.c.hardware.Label,
		&pb.LabelRequest{Host: h.name, Machine: machine, Change: convert.LabelChangeToPB(change)})
	if err != nil {
		return fusion.Machine{}, err
	}
	return convert.MachineFromPB(res), nil
}

func (h *hardware) Rename(ctx context.Context, machine, name string) error {
	_, err := call(ctx, h.path(machine), h.c.hardware.Rename, &pb.RenameRequest{Host: h.name, Machine: machine, Name: name})
	return err
}

func (h *hardware) Save(ctx context.Context, machine string) error {
	_, err := long(ctx, h.c, h.path(machine), h.c.hardware.Save, &pb.SaveRequest{Host: h.name, Machine: machine})
	return err
}
