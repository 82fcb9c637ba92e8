package convert

import (
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func EventToPB(e fusion.Event) *pb.Event {
	out := &pb.Event{Seq: e.Seq, Kind: string(e.Kind), Removed: e.Removed}
	if e.Host != nil {
		out.Host = HostToPB(*e.Host)
	}
	if e.Machine != nil {
		out.Machine = MachineToPB(*e.Machine)
	}
	if e.Screen != nil {
		out.Screen = ScreenToPB(*e.Screen)
	}
	if e.Folder != nil {
		out.Folder = FolderToPB(*e.Folder)
	}
	if e.Job != nil {
		out.Job = JobToPB(*e.Job)
	}
	return out
}

func EventFromPB(e *pb.Event) fusion.Event {
	out := fusion.Event{Seq: e.GetSeq(), Kind: fusion.EventKind(e.GetKind()), Removed: e.GetRemoved()}
	if e.Host != nil {
		h := HostFromPB(e.Host)
		out.Host = &h
	}
	if e.Machine != nil {
		m := MachineFromPB(e.Machine)
		out.Machine = &m
	}
	if e.Screen != nil {
		s := ScreenFromPB(e.Screen)
		out.Screen = &s
	}
	if e.Folder != nil {
		f := FolderFromPB(e.Folder)
		out.Folder = &f
	}
	if e.Job != nil {
		j := JobFromPB(e.Job)
		out.Job = &j
	}
	return out
}
