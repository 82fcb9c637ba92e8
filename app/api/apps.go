package api

import (
	"context"
	"slices"
	"strings"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type appService struct{ s *Server }

// namedScreen fills in whose screen it is.
func namedScreen(x fusion.Screen, host fusion.HostInfo) *pb.Screen {
	x.Host = host.Name
	x.Address = host.Name + "/" + x.Name
	return convert.ScreenToPB(x)
}

func (a appService) List(ctx context.Context, req *connect.Request[pb.AppListRequest]) (*connect.Response[pb.AppListResponse], error) {
	h, info, err := a.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Apps().List(ctx, req.Msg.Machine, req.Msg.Language)
	if err != nil {
		return nil, err
	}
	if sight := a.s.sight(ctx, fusion.AppsCap); sight != nil {
		list = kept(list, func(x fusion.App) bool { return sight.app(req.Msg.Machine, x.ID) })
	}
	var installed map[string]bool
	if callerOf(ctx).Owner {
		installed = a.s.node.Installed(info.ID, req.Msg.Machine)
	}
	return connect.NewResponse(&pb.AppListResponse{Apps: convert.All(list, func(x fusion.App) *pb.App {
		x.Host, x.Machine, x.Installed = info.Name, req.Msg.Machine, installed[x.ID]
		x.Address = fusion.Address{Host: info.Name, Machine: x.Machine, App: x.ID}.String()
		return convert.AppToPB(x)
	})}), nil
}

func (a appService) Icon(ctx context.Context, req *connect.Request[pb.AppIconRequest]) (*connect.Response[pb.AppIconResponse], error) {
	h, _, err := a.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	picture, mediaType, err := h.Apps().Icon(ctx, req.Msg.Machine, req.Msg.App)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.AppIconResponse{Picture: picture, MediaType: mediaType}), nil
}

// Run launches an app. Files are what Hand gave, or paths of that computer,
// which need admin.
func (a appService) Run(ctx context.Context, req *connect.Request[pb.AppRunRequest]) (*connect.Response[pb.Screen], error) {
	h, info, err := a.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if len(req.Msg.Files) > 0 && !a.s.mayOn(ctx, fusion.ControlCap, thingOf(ctx).object) {
		return nil, &fusion.Error{Op: "app.run", Path: req.Msg.App, Cause: fusion.ErrPermission,
			Detail: "opening files needs control", Hint: "launch the app without files"}
	}
	isPath := func(file string) bool { return !strings.HasPrefix(file, fusion.HandedPrefix) }
	if slices.ContainsFunc(req.Msg.Files, isPath) && !a.s.may(ctx, fusion.AdminCap) {
		return nil, &fusion.Error{Op: "app.run", Path: req.Msg.App, Cause: fusion.ErrPermission,
			Detail: "naming files of that computer needs admin", Hint: "launch the app without files"}
	}
	screen, err := h.Apps().Run(ctx, req.Msg.Machine, req.Msg.App, req.Msg.Files)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(namedScreen(screen, info)), nil
}

func (a appService) End(ctx context.Context, req *connect.Request[pb.AppEndRequest]) (*connect.Response[pb.AppEndResponse], error) {
	h, _, err := a.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if err := h.Apps().End(ctx, req.Msg.Screen); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.AppEndResponse{}), nil
}
