package main

import (
	"context"

	"connectrpc.com/connect"

	"hither/fusion"
	pb "hither/proto/hither/v1"
	"hither/proto/hither/v1/hitherv1connect"
)

// fakeInvites knows the key of one server, and another one that nobody vouched for.
type fakeInvites struct {
	hitherv1connect.UnimplementedInviteServiceHandler
	*fake
}

func (f fakeInvites) Look(_ context.Context, req *connect.Request[pb.InviteLookRequest]) (*connect.Response[pb.InviteLookResponse], error) {
	return answer(&pb.InviteLookResponse{Type: "ssh-ed25519", Fingerprint: "SHA256:abc", Known: req.Msg.Server == "ssh://anna@nas"})
}

func (f fakeInvites) Add(_ context.Context, req *connect.Request[pb.InviteAddRequest]) (*connect.Response[pb.InviteAddResponse], error) {
	m := req.Msg
	if m.Login.Server != "ssh://anna@nas" && m.Login.Accept != "SHA256:abc" {
		return refuse[pb.InviteAddResponse](fusion.ErrUnpaired, m.Login.Server, "accept its key")
	}
	return answer(&pb.InviteAddResponse{Host: f.hosts[1], Version: "0.1.0", Program: "/home/anna/.local/bin/hither", Start: "cron", Before: m.Name == "", Upgraded: m.Upgrade,
		Notes: []*pb.InviteNote{{Note: "a note", Hint: "a hint\x1b[2J"}}})
}

func (f fakeInvites) Leave(_ context.Context, req *connect.Request[pb.InviteLeaveRequest]) (*connect.Response[pb.InviteLeaveResponse], error) {
	res := &pb.InviteLeaveResponse{Home: "/home/anna/.local/share/hither"}
	if req.Msg.Paired != "" {
		res.Host = f.hosts[1]
	}
	return answer(res)
}
