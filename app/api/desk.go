package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// Install puts apps of another computer into the menu of this one.
func (a appService) Install(ctx context.Context, req *connect.Request[pb.AppInstallRequest]) (*connect.Response[pb.AppInstallResponse], error) {
	if err := chosen(req.Msg); err != nil {
		return nil, err
	}
	apps, err := a.s.node.Install(ctx, req.Msg.Host, req.Msg.Machine, req.Msg.Apps, req.Msg.Language)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.AppInstallResponse{Apps: apps}), nil
}

// Uninstall takes them out again; their host may be away.
func (a appService) Uninstall(ctx context.Context, req *connect.Request[pb.AppInstallRequest]) (*connect.Response[pb.AppInstallResponse], error) {
	if err := chosen(req.Msg); err != nil {
		return nil, err
	}
	apps, err := a.s.node.Uninstall(ctx, req.Msg.Host, req.Msg.Machine, req.Msg.Apps)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.AppInstallResponse{Apps: apps}), nil
}

// chosen refuses a request that names no app, and one that names some and all.
func chosen(m *pb.AppInstallRequest) error {
	if m.Machine != "" && (len(m.Apps) > 0) != m.All {
		return nil
	}
	return &fusion.Error{Op: "app.install", Path: m.Machine, Cause: fusion.ErrInvalid, Detail: "the request names a machine and its apps, or all",
		Hint: "hither app install MACHINE APP…, or --all"}
}

// Open runs an app with files of this computer.
func (a appService) Open(ctx context.Context, req *connect.Request[pb.AppOpenRequest], stream *connect.ServerStream[pb.AppOpenEvent]) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	_, info, err := a.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return err
	}
	err = a.s.node.Open(ctx, req.Msg.Host, req.Msg.Machine, req.Msg.App, req.Msg.Files, func(o Opening) {
		if err := stream.Send(openingToPB(o, info)); err != nil {
			cancel(err) // the caller left
		}
	})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func openingToPB(o Opening, host fusion.HostInfo) *pb.AppOpenEvent {
	e := &pb.AppOpenEvent{File: o.File, Sent: o.Sent, Total: o.Total}
	if o.Screen != nil {
		e.Screen = namedScreen(*o.Screen, host)
	}
	if o.Note != nil {
		e.Note = &pb.AppOpenNote{File: o.Note.File, What: o.Note.What, Path: o.Note.Path, Error: o.Note.Error}
	}
	return e
}
