package client

import (
	"context"

	pb "hither/proto/hither/v1"
)

// Doctor is a host that can say what is missing on it.
type Doctor interface {
	Doctor(ctx context.Context) ([]*pb.Check, error)
}

var _ Doctor = (*host)(nil)

func (h *host) Doctor(ctx context.Context) ([]*pb.Check, error) {
	res, err := call(ctx, h.label, h.c.Nodes.Doctor, &pb.DoctorRequest{Host: h.name})
	if err != nil {
		return nil, err
	}
	return res.Checks, nil
}
