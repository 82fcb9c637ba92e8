package main

import (
	"context"

	"connectrpc.com/connect"

	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// The machines of nas that can move go to desk; win11 only while it is off.

func (f fakeMachines) Migrate(_ context.Context, req *connect.Request[pb.MigrateRequest]) (*connect.Response[pb.MigrateResponse], error) {
	if _, err := f.find(req.Msg.Host, req.Msg.Name); err != nil {
		return nil, err
	}
	if !req.Msg.Off || req.Msg.To != "12D3desk" {
		return refuse[pb.MigrateResponse](fusion.ErrInvalid, req.Msg.Host+"/"+req.Msg.Name, "move it off")
	}
	return answer(&pb.MigrateResponse{})
}

func (f fakeMachines) CheckMigrate(_ context.Context, req *connect.Request[pb.CheckMigrateRequest]) (*connect.Response[pb.MigrateCheck], error) {
	m, err := f.find(req.Msg.Host, req.Msg.Name)
	if err != nil {
		return nil, err
	}
	if m.Name != "win11" {
		return answer(&pb.MigrateCheck{Bytes: 3 << 29})
	}
	return answer(&pb.MigrateCheck{Obstacles: []*pb.Obstacle{
		{Detail: "the processor there lacks avx", Hint: "move it off", Live: true}, {Detail: "there is no network lab there", Hint: "make one"}}})
}
