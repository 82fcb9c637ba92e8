package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type backupService struct{ s *Server }

// placed gives the backups that a request means, if its caller may have this computer
// reach for them. Naming another computer, to keep or to read what is another's, needs
// admin: this one acts there in its own name. A paired computer may always have what it
// keeps here itself.
func (b backupService) placed(ctx context.Context, host, of, at string) (fusion.Backups, fusion.HostInfo, error) {
	h, info, err := b.s.resolve(ctx, host)
	if err != nil {
		return nil, info, err
	}
	own := of == "" || fusion.HostID(of) == callerOf(ctx).Peer
	if (!own || at != "") && !b.s.may(ctx, fusion.AdminCap) {
		return nil, info, &fusion.Error{Op: "machine.backups", Path: b.s.node.Name(), Cause: fusion.ErrPermission,
			Detail: "backups on other computers, and those kept for others, need admin", Hint: "ask its owner for it: hither host grant HOST admin"}
	}
	return h.Backups().At(fusion.BackupPlace{Of: fusion.HostID(of), At: fusion.HostID(at)}), info, nil
}

func (b backupService) List(ctx context.Context, req *connect.Request[pb.BackupListRequest]) (*connect.Response[pb.BackupList], error) {
	backups, _, err := b.placed(ctx, req.Msg.Host, req.Msg.Of, req.Msg.At)
	if err != nil {
		return nil, err
	}
	list, err := backups.List(ctx, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.BackupListToPB(list)), nil
}

func (b backupService) Take(ctx context.Context, req *connect.Request[pb.TakeBackupRequest]) (*connect.Response[pb.Backup], error) {
	backups, _, err := b.placed(ctx, req.Msg.Host, req.Msg.Of, req.Msg.At)
	if err != nil {
		return nil, err
	}
	made, err := backups.Take(ctx, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.BackupToPB(made)), nil
}

func (b backupService) Restore(ctx context.Context, req *connect.Request[pb.RestoreRequest]) (*connect.Response[pb.Machine], error) {
	backups, info, err := b.placed(ctx, req.Msg.Host, req.Msg.Of, req.Msg.At)
	if err != nil {
		return nil, err
	}
	m, err := backups.Restore(ctx, req.Msg.Machine, req.Msg.Backup, fusion.RestoreSpec{As: req.Msg.As, Start: req.Msg.Start})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(named(m, info)), nil
}

func (b backupService) Verify(ctx context.Context, req *connect.Request[pb.VerifyBackupRequest]) (*connect.Response[pb.Backup], error) {
	backups, _, err := b.placed(ctx, req.Msg.Host, req.Msg.Of, req.Msg.At)
	if err != nil {
		return nil, err
	}
	read, err := backups.Verify(ctx, req.Msg.Machine, req.Msg.Backup)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.BackupToPB(read)), nil
}

func (b backupService) Remove(ctx context.Context, req *connect.Request[pb.RemoveBackupRequest]) (*connect.Response[pb.RemoveBackupResponse], error) {
	backups, _, err := b.placed(ctx, req.Msg.Host, req.Msg.Of, req.Msg.At)
	if err != nil {
		return nil, err
	}
	if err := backups.Remove(ctx, req.Msg.Machine, req.Msg.Backup); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.RemoveBackupResponse{}), nil
}

func (b backupService) SetSchedule(ctx context.Context, req *connect.Request[pb.SetScheduleRequest]) (*connect.Response[pb.BackupList], error) {
	backups, _, err := b.placed(ctx, req.Msg.Host, "", req.Msg.Schedule.GetTo())
	if err != nil {
		return nil, err
	}
	list, err := backups.SetSchedule(ctx, req.Msg.Machine, convert.ScheduleFromPB(req.Msg.Schedule))
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.BackupListToPB(list)), nil
}

// Kept tells other computers without admin only of what is their own.
func (b backupService) Kept(ctx context.Context, req *connect.Request[pb.KeptRequest]) (*connect.Response[pb.KeptResponse], error) {
	of := fusion.HostID(req.Msg.Of)
	if of == "" && !b.s.may(ctx, fusion.AdminCap) {
		of = callerOf(ctx).Peer
	}
	backups, _, err := b.placed(ctx, req.Msg.Host, string(of), "")
	if err != nil {
		return nil, err
	}
	list, err := backups.Kept(ctx, of, req.Msg.Machine)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.KeptResponse{Machines: convert.All(list, convert.KeptToPB)}), nil
}
