package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type backupService struct{ s *Server }

func (b backupService) List(ctx context.Context, req *connect.Request[pb.BackupListRequest]) (*connect.Response[pb.BackupList], error) {
	h, _, err := b.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Backups().List(ctx, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.BackupListToPB(list)), nil
}

func (b backupService) Take(ctx context.Context, req *connect.Request[pb.TakeBackupRequest]) (*connect.Response[pb.Backup], error) {
	h, _, err := b.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	made, err := h.Backups().Take(ctx, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.BackupToPB(made)), nil
}

func (b backupService) Restore(ctx context.Context, req *connect.Request[pb.RestoreRequest]) (*connect.Response[pb.Machine], error) {
	h, info, err := b.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	m, err := h.Backups().Restore(ctx, req.Msg.Machine, req.Msg.Backup, fusion.RestoreSpec{As: req.Msg.As, Start: req.Msg.Start})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(named(m, info)), nil
}

func (b backupService) Verify(ctx context.Context, req *connect.Request[pb.VerifyBackupRequest]) (*connect.Response[pb.Backup], error) {
	h, _, err := b.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	read, err := h.Backups().Verify(ctx, req.Msg.Machine, req.Msg.Backup)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.BackupToPB(read)), nil
}

func (b backupService) Remove(ctx context.Context, req *connect.Request[pb.RemoveBackupRequest]) (*connect.Response[pb.RemoveBackupResponse], error) {
	h, _, err := b.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if err := h.Backups().Remove(ctx, req.Msg.Machine, req.Msg.Backup); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.RemoveBackupResponse{}), nil
}

func (b backupService) SetSchedule(ctx context.Context, req *connect.Request[pb.SetScheduleRequest]) (*connect.Response[pb.BackupList], error) {
	h, _, err := b.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Backups().SetSchedule(ctx, req.Msg.Machine, convert.ScheduleFromPB(req.Msg.Schedule))
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.BackupListToPB(list)), nil
}
