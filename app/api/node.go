package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/client"
	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
	v1 "hither/proto/hither/v1/hitherv1connect"
)

type nodeService struct{ s *Server }

func (n nodeService) Status(context.Context, *connect.Request[pb.StatusRequest]) (*connect.Response[pb.StatusResponse], error) {
	return connect.NewResponse(n.s.node.Status()), nil
}

// Doctor answers for this computer or asks the other one.
func (n nodeService) Doctor(ctx context.Context, req *connect.Request[pb.DoctorRequest]) (*connect.Response[pb.DoctorResponse], error) {
	host, info, err := n.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if info.Local {
		return connect.NewResponse(&pb.DoctorResponse{Checks: n.s.node.Doctor(ctx)}), nil
	}
	if other, ok := host.(client.Doctor); ok {
		checks, err := other.Doctor(ctx)
		if err != nil {
			return nil, err
		}
		return connect.NewResponse(&pb.DoctorResponse{Checks: checks}), nil
	}
	return nil, &fusion.Error{Op: "doctor", Path: info.Name, Cause: fusion.ErrUnsupported, Hint: "update Hither on " + info.Name}
}

func (n nodeService) Info(ctx context.Context, req *connect.Request[pb.InfoRequest]) (*connect.Response[pb.Host], error) {
	_, info, err := n.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(n.s.toldHost(ctx, convert.HostToPB(info))), nil
}

// Watch yields every host's events to the owner, and this host's to another
// computer.
func (n nodeService) Watch(ctx context.Context, req *connect.Request[pb.WatchRequest], stream *connect.ServerStream[pb.Event]) error {
	_, info, err := n.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return err
	}
	caller, only := callerOf(ctx), info.ID
	if caller.Owner && req.Msg.Host == "" {
		only = ""
	}
	told := told{}
	var seq uint64
	for event, err := range n.s.node.Watch(ctx, only) {
		if err != nil {
			return err
		}
		if !caller.Owner {
			if event.Kind == fusion.EventSession || event.Kind == fusion.EventRequest {
				continue // what others do here is the owner's to know
			}
			// A grant that was taken away ends the stream with the reason.
			if err := n.s.still(access{peer: caller.Peer, need: methods[v1.NodeServiceWatchProcedure], thing: thing{part: true}}); err != nil {
				return err
			}
			var seen bool
			if event, seen = told.sight(n.s.sight(ctx, fusion.ViewCap), event); !seen {
				continue
			}
		}
		out, ok := n.event(ctx, event, told)
		if !ok {
			continue
		}
		seq++
		out.Seq = seq
		if err := stream.Send(out); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// event gives an event as its caller may see it, or false when the caller may
// not know of it.
func (n nodeService) event(ctx context.Context, e fusion.Event, told told) (*pb.Event, bool) {
	out := convert.EventToPB(e)
	n.s.toldHost(ctx, out.Host)
	if e.Folder == nil {
		return out, true
	}
	host := ""
	if e.Host != nil {
		host = e.Host.Name
	}
	key := host + "/" + e.Folder.Name
	if e.Removed {
		known := told[key]
		delete(told, key)
		out.Folder = &pb.Folder{Host: host, Name: e.Folder.Name}
		return out, known
	}
	folder, ok := n.s.folder(ctx, *e.Folder, host)
	if !ok {
		// It may have been shared with the caller before.
		out.Removed, out.Folder = true, &pb.Folder{Host: host, Name: e.Folder.Name}
		known := told[key]
		delete(told, key)
		return out, known
	}
	told[key] = true
	out.Folder = folder
	return out, true
}

func (n nodeService) WebToken(context.Context, *connect.Request[pb.WebTokenRequest]) (*connect.Response[pb.WebTokenResponse], error) {
	url := n.s.WebURL()
	if url == "" {
		return nil, &fusion.Error{Op: "web", Cause: fusion.ErrUnsupported, Detail: "this node was started with --web off",
			Hint: "start it again with: hither up --web 127.0.0.1:0"}
	}
	token := n.s.tokens.oneTime()
	return connect.NewResponse(&pb.WebTokenResponse{Url: url + "#token=" + token, Token: token}), nil
}

func (n nodeService) Session(_ context.Context, req *connect.Request[pb.SessionRequest]) (*connect.Response[pb.SessionResponse], error) {
	bearer, err := n.s.tokens.trade(req.Msg.Token)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.SessionResponse{Bearer: bearer}), nil
}

func (n nodeService) Down(_ context.Context, req *connect.Request[pb.DownRequest]) (*connect.Response[pb.DownResponse], error) {
	n.s.node.Stop(req.Msg.Machines)
	return connect.NewResponse(&pb.DownResponse{}), nil
}
