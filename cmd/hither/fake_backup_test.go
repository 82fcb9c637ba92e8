package main

import (
	"context"
	"testing"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
	"hither/proto/hither/v1/hitherv1connect"
)

type fakeBackups struct {
	hitherv1connect.UnimplementedBackupServiceHandler
	*fake
}

func (f fakeBackups) List(ctx context.Context, req *connect.Request[pb.BackupListRequest]) (*connect.Response[pb.BackupList], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.BackupList, error) {
		list, err := h.Backups().At(placeOf(req.Msg)).List(ctx, req.Msg.Machine)
		return convert.BackupListToPB(list), err
	})
}

func (f fakeBackups) Take(ctx context.Context, req *connect.Request[pb.TakeBackupRequest]) (*connect.Response[pb.Backup], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.Backup, error) {
		made, err := h.Backups().At(placeOf(req.Msg)).Take(ctx, req.Msg.Machine)
		return convert.BackupToPB(made), err
	})
}

func (f fakeBackups) Restore(ctx context.Context, req *connect.Request[pb.RestoreRequest]) (*connect.Response[pb.Machine], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.Machine, error) {
		m, err := h.Backups().At(placeOf(req.Msg)).Restore(ctx, req.Msg.Machine, req.Msg.Backup, fusion.RestoreSpec{As: req.Msg.As, Start: req.Msg.Start})
		m.Address = "nas/" + m.Name
		return convert.MachineToPB(m), err
	})
}

func (f fakeBackups) Verify(ctx context.Context, req *connect.Request[pb.VerifyBackupRequest]) (*connect.Response[pb.Backup], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.Backup, error) {
		read, err := h.Backups().At(placeOf(req.Msg)).Verify(ctx, req.Msg.Machine, req.Msg.Backup)
		return convert.BackupToPB(read), err
	})
}

func (f fakeBackups) Remove(ctx context.Context, req *connect.Request[pb.RemoveBackupRequest]) (*connect.Response[pb.RemoveBackupResponse], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.RemoveBackupResponse, error) {
		return &pb.RemoveBackupResponse{}, h.Backups().At(placeOf(req.Msg)).Remove(ctx, req.Msg.Machine, req.Msg.Backup)
	})
}

func (f fakeBackups) SetSchedule(ctx context.Context, req *connect.Request[pb.SetScheduleRequest]) (*connect.Response[pb.BackupList], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.BackupList, error) {
		list, err := h.Backups().SetSchedule(ctx, req.Msg.Machine, convert.ScheduleFromPB(req.Msg.Schedule))
		return convert.BackupListToPB(list), err
	})
}

func (f fakeBackups) Kept(ctx context.Context, req *connect.Request[pb.KeptRequest]) (*connect.Response[pb.KeptResponse], error) {
	return asks(f.fake, req.Msg.Host, func(h fusion.Host) (*pb.KeptResponse, error) {
		list, err := h.Backups().Kept(ctx, fusion.HostID(req.Msg.Of), req.Msg.Machine)
		return &pb.KeptResponse{Machines: convert.All(list, convert.KeptToPB)}, err
	})
}

func placeOf(req interface {
	GetOf() string
	GetAt() string
}) fusion.BackupPlace {
	return fusion.BackupPlace{Of: fusion.HostID(req.GetOf()), At: fusion.HostID(req.GetAt())}
}

func TestScheduleText(t *testing.T) {
	for want, s := range map[string]fusion.BackupSchedule{
		"none":                          {},
		"hourly at minute 5, keeps all": {Every: fusion.Hourly, At: 65},
		"daily at 03:00, keeps the last 7, 4 weeks": {Every: fusion.Daily, At: 180, Keep: fusion.BackupKeep{Last: 7, Weekly: 4}},
	} {
		if got := scheduleText(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
