package client

import (
	"context"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type mesh host

var _ fusion.Mesh = (*mesh)(nil)

func (h *host) Mesh() fusion.Mesh { return (*mesh)(h) }

func (m *mesh) Status(ctx context.Context) (fusion.MeshStatus, error) {
	return meshAnswer(call(ctx, m.label, m.c.mesh.Status, &pb.MeshStatusRequest{Host: m.name}))
}

func (m *mesh) Up(ctx context.Context) (fusion.MeshStatus, error) {
	return meshAnswer(call(ctx, m.label, m.c.mesh.Up, &pb.MeshUpRequest{Host: m.name}))
}

func (m *mesh) Down(ctx context.Context) (fusion.MeshStatus, error) {
	return meshAnswer(call(ctx, m.label, m.c.mesh.Down, &pb.MeshDownRequest{Host: m.name}))
}

func meshAnswer(status *pb.MeshStatus, err error) (fusion.MeshStatus, error) {
	if err != nil {
		return fusion.MeshStatus{}, err
	}
	return convert.MeshFromPB(status), nil
}
