package api

import (
	"context"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type meshService struct{ s *Server }

func (m meshService) Status(ctx context.Context, req *connect.Request[pb.MeshStatusRequest]) (*connect.Response[pb.MeshStatus], error) {
	return m.at(ctx, req.Msg.Host, fusion.Mesh.Status)
}

func (m meshService) Up(ctx context.Context, req *connect.Request[pb.MeshUpRequest]) (*connect.Response[pb.MeshStatus], error) {
	return m.at(ctx, req.Msg.Host, fusion.Mesh.Up)
}

func (m meshService) Down(ctx context.Context, req *connect.Request[pb.MeshDownRequest]) (*connect.Response[pb.MeshStatus], error) {
	return m.at(ctx, req.Msg.Host, fusion.Mesh.Down)
}

// at asks the host for one of the three.
func (m meshService) at(ctx context.Context, host string, ask func(fusion.Mesh, context.Context) (fusion.MeshStatus, error)) (*connect.Response[pb.MeshStatus], error) {
	h, _, err := m.s.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	status, err := ask(h.Mesh(), ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(convert.MeshToPB(status)), nil
}
