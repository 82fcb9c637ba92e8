package client

import (
	"context"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type backups struct {
	*host
	place fusion.BackupPlace
}

var _ fusion.Backups = (*backups)(nil)

func (h *host) Backups() fusion.Backups { return &backups{host: h} }

func (b *backups) At(place fusion.BackupPlace) fusion.Backups { return &backups{b.host, place} }

func (b *backups) of() string { return string(b.place.Of) }
func (b *backups) at() string { return string(b.place.At) }

func (b *backups) Kept(ctx context.Context, of fusion.HostID, machine string) ([]fusion.KeptMachine, error) {
	res, err := call(ctx, b.path(machine), b.c.backups.Kept, &pb.KeptRequest{Host: b.name, Of: string(of), Machine: machine})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Machines, convert.KeptFromPB), nil
}

func (b *backups) List(ctx context.Context, machine string) (fusion.BackupList, error) {
	res, err := call(ctx, b.path(machine), b.c.backups.List, &pb.BackupListRequest{Host: b.name, Machine: machine, Of: b.of(), At: b.at()})
	if err != nil {
		return fusion.BackupList{}, err
	}
	return convert.BackupListFromPB(res), nil
}

func (b *backups) Take(ctx context.Context, machine string) (fusion.Backup, error) {
	res, err := long(ctx, b.c, b.path(machine), b.c.backups.Take, &pb.TakeBackupRequest{Host: b.name, Machine: machine, Of: b.of(), At: b.at()})
	if err != nil {
		return fusion.Backup{}, err
	}
	return convert.BackupFromPB(res), nil
}

func (b *backups) Restore(ctx context.Context, machine, backup string, spec fusion.RestoreSpec) (fusion.Machine, error) {
	res, err := long(ctx, b.c, b.path(machine), b.c.backups.Restore,
		&pb.RestoreRequest{Host: b.name, Machine: machine, Backup: backup, As: spec.As, Start: spec.Start, Of: b.of(), At: b.at()})
	if err != nil {
		return fusion.Machine{}, err
	}
	return convert.MachineFromPB(res), nil
}

func (b *backups) Verify(ctx context.Context, machine, backup string) (fusion.Backup, error) {
	res, err := long(ctx, b.c, b.path(machine), b.c.backups.Verify,
		&pb.VerifyBackupRequest{Host: b.name, Machine: machine, Backup: backup, Of: b.of(), At: b.at()})
	if err != nil {
		return fusion.Backup{}, err
	}
	return convert.BackupFromPB(res), nil
}

func (b *backups) Remove(ctx context.Context, machine, backup string) error {
	_, err := call(ctx, b.path(machine), b.c.backups.Remove, &pb.RemoveBackupRequest{Host: b.name, Machine: machine, Backup: backup, Of: b.of(), At: b.at()})
	return err
}

func (b *backups) SetSchedule(ctx context.Context, machine string, schedule fusion.BackupSchedule) (fusion.BackupList, error) {
	res, err := call(ctx, b.path(machine), b.c.backups.SetSchedule,
		&pb.SetScheduleRequest{Host: b.name, Machine: machine, Schedule: convert.ScheduleToPB(schedule)})
	if err != nil {
		return fusion.BackupList{}, err
	}
	return convert.BackupListFromPB(res), nil
}
