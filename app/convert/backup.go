package convert

import (
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func BackupToPB(b fusion.Backup) *pb.Backup {
	return &pb.Backup{
		Id: b.ID, Machine: b.Machine, Created: stamp(b.Created), Kind: string(b.Kind), State: string(b.State), Scheduled: b.Scheduled,
		DataBytes: b.DataBytes, ReadBytes: b.ReadBytes, AddedBytes: b.AddedBytes, Verified: stamp(b.Verified), Broken: b.Broken,
	}
}

func BackupFromPB(b *pb.Backup) fusion.Backup {
	return fusion.Backup{
		ID: b.GetId(), Machine: b.GetMachine(), Created: moment(b.GetCreated()), Kind: fusion.BackupKind(b.GetKind()),
		State: fusion.BackupState(b.GetState()), Scheduled: b.GetScheduled(), DataBytes: b.GetDataBytes(), ReadBytes: b.GetReadBytes(),
		AddedBytes: b.GetAddedBytes(), Verified: moment(b.GetVerified()), Broken: b.GetBroken(),
	}
}

func ScheduleToPB(s fusion.BackupSchedule) *pb.BackupSchedule {
	return &pb.BackupSchedule{
		Every: string(s.Every), At: int32(s.At), KeepLast: int32(s.Keep.Last), KeepDaily: int32(s.Keep.Daily),
		KeepWeekly: int32(s.Keep.Weekly), KeepMonthly: int32(s.Keep.Monthly),
	}
}

func ScheduleFromPB(s *pb.BackupSchedule) fusion.BackupSchedule {
	return fusion.BackupSchedule{
		Every: fusion.BackupEvery(s.GetEvery()), At: int(s.GetAt()),
		Keep: fusion.BackupKeep{Last: int(s.GetKeepLast()), Daily: int(s.GetKeepDaily()), Weekly: int(s.GetKeepWeekly()), Monthly: int(s.GetKeepMonthly())},
	}
}

func BackupListToPB(l fusion.BackupList) *pb.BackupList {
	return &pb.BackupList{Backups: All(l.Backups, BackupToPB), Schedule: ScheduleToPB(l.Schedule), Next: stamp(l.Next), Last: stamp(l.Last),
		Error: l.Error, StoredBytes: l.StoredBytes}
}

func BackupListFromPB(l *pb.BackupList) fusion.BackupList {
	return fusion.BackupList{Backups: All(l.GetBackups(), BackupFromPB), Schedule: ScheduleFromPB(l.GetSchedule()), Next: moment(l.GetNext()),
		Last: moment(l.GetLast()), Error: l.GetError(), StoredBytes: l.GetStoredBytes()}
}
