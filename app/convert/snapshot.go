package convert

import (
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func SnapshotToPB(s fusion.Snapshot) *pb.Snapshot {
	return &pb.Snapshot{
		Name: s.Name, Note: s.Note, Parent: s.Parent, Created: stamp(s.Created),
		State: string(s.State), Memory: s.Memory, Current: s.Current,
	}
}

func SnapshotFromPB(s *pb.Snapshot) fusion.Snapshot {
	return fusion.Snapshot{
		Name: s.GetName(), Note: s.GetNote(), Parent: s.GetParent(), Created: moment(s.GetCreated()),
		State: fusion.MachineState(s.GetState()), Memory: s.GetMemory(), Current: s.GetCurrent(),
	}
}
