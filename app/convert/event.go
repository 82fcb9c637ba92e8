package convert

import (
	"google.golang.org/protobuf/types/known/timestamppb"

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
	if e.Session != nil {
		out.Session = sessionToPB(*e.Session)
	}
	if e.Request != nil {
		out.Request = requestToPB(*e.Request)
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
	if e.Session != nil {
		out.Session = &fusion.Session{ID: e.Session.Id, Host: fusion.HostID(e.Session.Host), Name: e.Session.Name, What: e.Session.What,
			Object: e.Session.Object, ViewOnly: e.Session.ViewOnly, Since: e.Session.Since.AsTime()}
	}
	if r := e.Request; r != nil {
		out.Request = &fusion.AccessRequest{ID: r.Id, Host: fusion.HostID(r.Host), Name: r.Name, Grant: r.Grant, What: r.What,
			Since: r.Since.AsTime(), Last: r.Last.AsTime(), Times: r.Times}
	}
	return out
}

func sessionToPB(s fusion.Session) *pb.AuditSession {
	return &pb.AuditSession{Id: s.ID, Host: string(s.Host), Name: s.Name, What: s.What, Object: s.Object, ViewOnly: s.ViewOnly,
		Since: timestamppb.New(s.Since)}
}

func requestToPB(r fusion.AccessRequest) *pb.AccessRequest {
	return &pb.AccessRequest{Id: r.ID, Host: string(r.Host), Name: r.Name, Grant: r.Grant, What: r.What,
		Since: timestamppb.New(r.Since), Last: timestamppb.New(r.Last), Times: r.Times}
}
