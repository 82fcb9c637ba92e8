package api

import (
	"context"
	"slices"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type hostService struct{ s *Server }

func (h hostService) List(context.Context, *connect.Request[pb.HostListRequest]) (*connect.Response[pb.HostListResponse], error) {
	return connect.NewResponse(&pb.HostListResponse{Hosts: convert.All(h.s.node.Hosts(), convert.HostToPB)}), nil
}

func (h hostService) Offer(ctx context.Context, req *connect.Request[pb.OfferRequest], stream *connect.ServerStream[pb.OfferResponse]) error {
	grants, err := h.s.grants(ctx, "", req.Msg.Grants)
	if err != nil {
		return err
	}
	offer, err := h.s.node.Offer(ctx, grants)
	if err != nil {
		return err
	}
	code, addr, expires := offer.Code()
	first := &pb.OfferResponse{Code: code, Addr: addr, Expires: timestamppb.New(expires)}
	first.Through, first.Router = offer.Through()
	if err := stream.Send(first); err != nil {
		return err
	}
	host, err := offer.Wait(ctx)
	if err != nil {
		return err
	}
	callOf(ctx).about(host.Name)
	return stream.Send(&pb.OfferResponse{Host: convert.HostToPB(host)})
}

func (h hostService) Join(ctx context.Context, req *connect.Request[pb.JoinRequest]) (*connect.Response[pb.Host], error) {
	grants, err := h.s.grants(ctx, "", req.Msg.Grants)
	if err != nil {
		return nil, err
	}
	host, err := h.s.node.Join(ctx, req.Msg.Code, req.Msg.Addr, grants)
	if err != nil {
		return nil, err
	}
	callOf(ctx).about(host.Name)
	return connect.NewResponse(convert.HostToPB(host)), nil
}

// paired resolves a name to a computer other than this one.
func (h hostService) paired(name string) (fusion.HostID, error) {
	_, info, err := h.s.node.Resolve(name)
	if err != nil {
		return "", err
	}
	if info.Local {
		return "", &fusion.Error{Op: "host", Path: name, Cause: fusion.ErrInvalid,
			Detail: "this is the computer itself", Hint: "name a paired computer; hither host ls lists them"}
	}
	return info.ID, nil
}

func (h hostService) Forget(ctx context.Context, req *connect.Request[pb.HostForgetRequest]) (*connect.Response[pb.HostForgetResponse], error) {
	id, err := h.paired(req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if err := h.s.node.Forget(ctx, id); err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.HostForgetResponse{}), nil
}

// Grant sets what a paired computer may do here; no word takes all away.
func (h hostService) Grant(ctx context.Context, req *connect.Request[pb.HostGrantRequest]) (*connect.Response[pb.Host], error) {
	id, err := h.paired(req.Msg.Host)
	if err != nil {
		return nil, err
	}
	grants := []fusion.Grant{}
	if len(req.Msg.Grants) > 0 {
		if grants, err = h.s.grants(ctx, id, req.Msg.Grants); err != nil {
			return nil, err
		}
	}
	host, err := h.s.node.Grant(ctx, id, grants)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.HostToPB(host)), nil
}

// Answer grants what a computer asked for, beside what it has, or dismisses it.
func (h hostService) Answer(ctx context.Context, req *connect.Request[pb.HostAnswerRequest]) (*connect.Response[pb.HostAnswerResponse], error) {
	asked, err := h.s.node.Asks().Get(req.Msg.Id)
	if err != nil {
		return nil, err
	}
	if req.Msg.Grant {
		if err := h.grantAsked(ctx, asked, req.Msg.Until); err != nil {
			return nil, err
		}
	}
	h.s.node.Asks().Answered(asked.ID, req.Msg.Grant)
	return connect.NewResponse(&pb.HostAnswerResponse{}), nil
}

func (h hostService) grantAsked(ctx context.Context, asked fusion.AccessRequest, until *timestamppb.Timestamp) error {
	more, err := fusion.ParseGrant(asked.Grant)
	if err != nil {
		return err
	}
	if until != nil {
		more.Until = until.AsTime().UTC().Truncate(time.Second)
	}
	bound, err := h.s.grants(ctx, asked.Host, []string{more.String()})
	if err != nil {
		return err
	}
	present, paired := h.s.node.Grants(asked.Host)
	if !paired {
		return h.s.unpaired()
	}
	_, err = h.s.node.Grant(ctx, asked.Host, append(slices.Clone(present), bound...))
	return err
}

func (h hostService) Nearby(context.Context, *connect.Request[pb.NearbyRequest]) (*connect.Response[pb.NearbyResponse], error) {
	return connect.NewResponse(&pb.NearbyResponse{Hosts: h.s.node.Nearby()}), nil
}
