package client

import (
	"context"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func (m *machines) Migrate(ctx context.Context, name string, to fusion.HostID, o fusion.MigrateOptions) error {
	_, err := long(ctx, m.c, m.path(name), m.c.machines.Migrate, &pb.MigrateRequest{Host: m.name, Name: name, To: string(to), Off: o.Off})
	return err
}

func (m *machines) CheckMigrate(ctx context.Context, name string, to fusion.HostID) (fusion.MigrateCheck, error) {
	res, err := call(ctx, m.path(name), m.c.machines.CheckMigrate, &pb.CheckMigrateRequest{Host: m.name, Name: name, To: string(to)})
	if err != nil {
		return fusion.MigrateCheck{}, err
	}
	return convert.MigrateCheckFromPB(res), nil
}

// ExamineMove asks the node what is in the way of a machine of the caller's.
func (c *Client) ExamineMove(ctx context.Context, label string, req *pb.ExamineMoveRequest) (*pb.ExamineMoveResponse, error) {
	return call(ctx, label, c.machines.ExamineMove, req)
}

// PrepareMove asks the node to make room for a machine of the caller's.
func (c *Client) PrepareMove(ctx context.Context, label string, req *pb.PrepareMoveRequest) (*pb.PrepareMoveResponse, error) {
	return call(ctx, label, c.machines.PrepareMove, req)
}

// CheckMove asks the node whether all of a machine has come.
func (c *Client) CheckMove(ctx context.Context, label string, req *pb.CheckMoveRequest) (*pb.CheckMoveResponse, error) {
	return call(ctx, label, c.machines.CheckMove, req)
}

// SettleMove tells the node whose a machine is now.
func (c *Client) SettleMove(ctx context.Context, label string, req *pb.SettleMoveRequest) error {
	_, err := call(ctx, label, c.machines.SettleMove, req)
	return err
}
