package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/app/invite"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// Inviting adds servers by ssh.
type Inviting interface{ Invites() *invite.Inviter }

type inviteService struct{ s *Server }

func loginFromPB(l *pb.Login) invite.Login {
	return invite.Login{Server: l.GetServer(), Key: l.GetKey(), Agent: l.GetAgent(), Accept: l.GetAccept()}
}

func (i inviteService) Look(ctx context.Context, req *connect.Request[pb.InviteLookRequest]) (*connect.Response[pb.InviteLookResponse], error) {
	key, err := i.s.node.Invites().Look(ctx, req.Msg.Server)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.InviteLookResponse{Type: key.Type, Fingerprint: key.Fingerprint, Known: key.Known}), nil
}

func (i inviteService) Add(ctx context.Context, req *connect.Request[pb.InviteAddRequest]) (*connect.Response[pb.InviteAddResponse], error) {
	m := req.Msg
	grants, err := i.s.grants(ctx, "", m.Grants)
	if err != nil {
		return nil, err
	}
	r, err := i.s.node.Invites().Add(ctx, invite.Spec{Login: loginFromPB(m.Login), Name: m.Name, Listen: m.Listen, System: m.System,
		Deb: m.Deb, Binary: m.Binary, Upgrade: m.Upgrade, Grants: grants})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.InviteAddResponse{Host: convert.HostToPB(r.Host), Before: r.Before, Upgraded: r.Upgraded,
		Version: r.Version, Program: r.Program, Start: r.Start, Notes: convert.All(r.Notes, func(n invite.Note) *pb.InviteNote {
			return &pb.InviteNote{Note: n.Note, Hint: n.Hint}
		})}), nil
}

func (i inviteService) Leave(ctx context.Context, req *connect.Request[pb.InviteLeaveRequest]) (*connect.Response[pb.InviteLeaveResponse], error) {
	var id fusion.HostID
	if req.Msg.Paired != "" {
		var err error
		if id, err = hostService(i).paired(req.Msg.Paired); err != nil {
			return nil, err
		}
	}
	left, err := i.s.node.Invites().Leave(ctx, loginFromPB(req.Msg.Login), id)
	if err != nil {
		return nil, err
	}
	res := &pb.InviteLeaveResponse{Home: left.Home}
	if left.Host.ID != "" {
		res.Host = convert.HostToPB(left.Host)
	}
	return connect.NewResponse(res), nil
}
