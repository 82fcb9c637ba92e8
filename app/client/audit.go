package client

import (
	"context"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"hither/app/convert"
	pb "hither/proto/hither/v1"
	"hither/proto/hither/v1/hitherv1connect"
)

// Auditor is a host whose audit log can be asked for.
type Auditor interface {
	// audits gives the service that answers for it, and what the host is called there and
	// for people.
	audits() (service hitherv1connect.AuditServiceClient, name, label string)
}

var _ Auditor = (*host)(nil)

func (h *host) audits() (hitherv1connect.AuditServiceClient, string, string) {
	return h.c.Audits, h.name, h.label
}

// auditCall is one of the service's methods.
type auditCall[Req, Res any] func(hitherv1connect.AuditServiceClient, context.Context, *connect.Request[Req]) (*connect.Response[Res], error)

// The methods that Forward takes.
var (
	AuditList   auditCall[pb.AuditListRequest, pb.AuditListResponse] = hitherv1connect.AuditServiceClient.List
	AuditVerify auditCall[pb.AuditVerifyRequest, pb.AuditVerdict]    = hitherv1connect.AuditServiceClient.Verify
	AuditLive   auditCall[pb.AuditLiveRequest, pb.AuditLiveResponse] = hitherv1connect.AuditServiceClient.Live
	AuditEnd    auditCall[pb.AuditEndRequest, pb.AuditEndResponse]   = hitherv1connect.AuditServiceClient.End
)

// Forward asks another host's audit log what this node was asked.
func Forward[Req, Res any](ctx context.Context, to Auditor, req *Req, call auditCall[Req, Res]) (*connect.Response[Res], error) {
	service, name, label := to.audits()
	setHost(req, name)
	res, err := call(service, ctx, connect.NewRequest(req))
	if err != nil {
		return nil, convert.ErrorFromPB(err, label)
	}
	return connect.NewResponse(res.Msg), nil
}

// setHost names the host as the one that is asked next calls it.
func setHost(req any, name string) {
	m := req.(proto.Message).ProtoReflect()
	m.Set(m.Descriptor().Fields().ByName("host"), protoreflect.ValueOfString(name))
}

// FollowAudit hands on the records of another host until ctx ends or send fails.
func FollowAudit(ctx context.Context, to Auditor, req *pb.AuditFollowRequest, send func(*pb.AuditRecord) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	service, name, label := to.audits()
	req.Host = name
	stream, err := service.Follow(ctx, connect.NewRequest(req))
	if err != nil {
		return convert.ErrorFromPB(err, label)
	}
	for err == nil && stream.Receive() {
		err = send(stream.Msg())
	}
	if err == nil {
		err = stream.Err()
	}
	cancel()
	_ = stream.Close() // err says what happened
	if err == nil {
		err = connect.NewError(connect.CodeUnavailable, errEnded)
	}
	return convert.ErrorFromPB(err, label)
}
