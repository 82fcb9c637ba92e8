package convert

import (
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func BackupToPB(b fusion.Backup) *pb.Backup {
	return &pb.Backup{
		Id: b.ID, Machine: b.Machine, Created: stamp(b.Created), Kind: string(b.Kind), State: string(b.State), Scheduled: b.Scheduled,
		DataBytes: b.DataBytes, ReadBytes: b.ReadBytes, AddedBytes: b.AddedBytes, Verified: stamp(b.Verified), Broken: b.Broken,
		Keeper: string(b.Keeper), Where: b.Where,
	}
}

func BackupFromPB(b *pb.Backup) fusion.Backup {
	return fusion.Backup{
		ID: b.GetId(), Machine: b.GetMachine(), Created: moment(b.GetCreated()), Kind: fusion.BackupKind(b.GetKind()),
		State: fusion.BackupState(b.GetState()), Scheduled: b.GetScheduled(), DataBytes: b.GetDataBytes(), ReadBytes: b.GetReadBytes(),
		AddedBytes: b.GetAddedBytes(), Verified: moment(b.GetVerified()), Broken: b.GetBroken(),
		Keeper: fusion.HostID(b.GetKeeper()), Where: b.GetWhere(),
	}
}

func ScheduleToPB(s fusion.BackupSchedule) *pb.BackupSchedule {
	return &pb.BackupSchedule{
		Every: string(s.Every), At: int32(s.At), KeepLast: int32(s.Keep.Last), KeepDaily: int32(s.Keep.Daily),
		KeepWeekly: int32(s.Keep.Weekly), KeepMonthly: int32(s.Keep.Monthly), To: string(s.To),
	}
}

func ScheduleFromPB(s *pb.BackupSchedule) fusion.BackupSchedule {
	return fusion.BackupSchedule{
		Every: fusion.BackupEvery(s.GetEvery()), At: int(s.GetAt()),
		Keep: fusion.BackupKeep{Last: int(s.GetKeepLast()), Daily: int(s.GetKeepDaily()), Weekly: int(s.GetKeepWeekly()), Monthly: int(s.GetKeepMonthly())}, To: fusion.HostID(s.GetTo()),
	}
}

func BackupListToPB(l fusion.BackupList) *pb.BackupList {
	return &pb.BackupList{Backups: All(l.Backups, BackupToPB), Schedule: ScheduleToPB(l.Schedule), Next: stamp(l.Next), Last: stamp(l.Last),
		Error: l.Error, StoredBytes: l.StoredBytes, Keepers: All(l.Keepers, keeperToPB)}
}

func BackupListFromPB(l *pb.BackupList) fusion.BackupList {
	return fusion.BackupList{Backups: All(l.GetBackups(), BackupFromPB), Schedule: ScheduleFromPB(l.GetSchedule()), Next: moment(l.GetNext()),
		Last: moment(l.GetLast()), Error: l.GetError(), StoredBytes: l.GetStoredBytes(), Keepers: All(l.GetKeepers(), keeperFromPB)}
}

func keeperToPB(k fusion.BackupKeeper) *pb.BackupKeeper {
	return &pb.BackupKeeper{Id: string(k.ID), Name: k.Name, StoredBytes: k.StoredBytes, Error: k.Error}
}

func keeperFromPB(k *pb.BackupKeeper) fusion.BackupKeeper {
	return fusion.BackupKeeper{ID: fusion.HostID(k.GetId()), Name: k.GetName(), StoredBytes: k.GetStoredBytes(), Error: k.GetError()}
}

func KeptToPB(k fusion.KeptMachine) *pb.KeptMachine {
	return &pb.KeptMachine{Of: string(k.Of), Host: k.Host, Machine: k.Machine, Uuid: k.UUID, Backups: All(k.Backups, BackupToPB), StoredBytes: k.StoredBytes}
}

func KeptFromPB(k *pb.KeptMachine) fusion.KeptMachine {
	return fusion.KeptMachine{Of: fusion.HostID(k.GetOf()), Host: k.GetHost(), Machine: k.GetMachine(), UUID: k.GetUuid(),
		Backups: All(k.GetBackups(), BackupFromPB), StoredBytes: k.GetStoredBytes()}
}
