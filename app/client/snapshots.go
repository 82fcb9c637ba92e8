package client

import (
	"context"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func (m *machines) Snapshots(ctx context.Context, machine string) ([]fusion.Snapshot, error) {
	res, err := call(ctx, m.path(machine), m.c.machines.Snapshots, &pb.MachineSnapshotsRequest{Host: m.name, Machine: machine})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Snapshots, convert.SnapshotFromPB), nil
}

func (m *machines) TakeSnapshot(ctx context.Context, machine string, s fusion.SnapshotSpec) (fusion.Snapshot, error) {
	res, err := long(ctx, m.c, m.path(machine), m.c.machines.TakeSnapshot, &pb.TakeSnapshotRequest{
		Host: m.name, Machine: machine, Name: s.Name, Note: s.Note, NoMemory: s.NoMemory,
	})
	if err != nil {
		return fusion.Snapshot{}, err
	}
	return convert.SnapshotFromPB(res), nil
}

func (m *machines) RevertSnapshot(ctx context.Context, machine, snapshot string) error {
	_, err := long(ctx, m.c, m.path(machine), m.c.machines.RevertSnapshot,
		&pb.RevertSnapshotRequest{Host: m.name, Machine: machine, Snapshot: snapshot})
	return err
}

func (m *machines) RemoveSnapshot(ctx context.Context, machine, snapshot string) error {
	_, err := long(ctx, m.c, m.path(machine), m.c.machines.RemoveSnapshot,
		&pb.RemoveSnapshotRequest{Host: m.name, Machine: machine, Snapshot: snapshot})
	return err
}
