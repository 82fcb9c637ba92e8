package client

import (
	"context"

	pb "hither/proto/hither/v1"
)

// Look gives the key of a server's ssh; nobody logs in.
func (c *Client) Look(ctx context.Context, server string) (*pb.InviteLookResponse, error) {
	return call(ctx, server, c.invites.Look, &pb.InviteLookRequest{Server: server})
}

// AddHost makes a server a host of the owner's. When ctx ends it is taken back there.
func (c *Client) AddHost(ctx context.Context, req *pb.InviteAddRequest) (*pb.InviteAddResponse, error) {
	return long(ctx, c, req.Login.GetServer(), c.invites.Add, req)
}

// LeaveHost takes Hither off a server.
func (c *Client) LeaveHost(ctx context.Context, req *pb.InviteLeaveRequest) (*pb.InviteLeaveResponse, error) {
	return long(ctx, c, req.Login.GetServer(), c.invites.Leave, req)
}
