package api

import (
	"context"
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"hither/app/audit"
	"hither/app/client"
	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

type auditService struct{ s *Server }

// at gives the log that a request means: nil and how to ask its computer when it is another's.
func (a auditService) at(ctx context.Context, host string) (client.Auditor, error) {
	h, info, err := a.s.resolve(ctx, host)
	if err != nil || info.Local {
		return nil, err
	}
	other, ok := h.(client.Auditor)
	if !ok {
		return nil, &fusion.Error{Op: "audit", Path: info.Name, Cause: fusion.ErrUnsupported, Hint: "update Hither on " + info.Name}
	}
	return other, nil
}

// of gives the ID of a paired computer; one that was forgotten is known by its ID alone.
func (a auditService) of(name string) fusion.HostID {
	if name == "" {
		return ""
	}
	if _, info, err := a.s.node.Resolve(name); err == nil {
		return info.ID
	}
	return fusion.HostID(name)
}

func (a auditService) List(ctx context.Context, req *connect.Request[pb.AuditListRequest]) (*connect.Response[pb.AuditListResponse], error) {
	other, err := a.at(ctx, req.Msg.Host)
	switch {
	case err != nil:
		return nil, err
	case other != nil:
		return client.Forward(ctx, other, req.Msg, client.AuditList)
	}
	q := audit.Query{Host: a.of(req.Msg.Of), Before: req.Msg.Before, Limit: int(req.Msg.Limit)}
	if req.Msg.Since != nil {
		q.Since = req.Msg.Since.AsTime()
	}
	list, more, from, err := a.s.node.Audit().Find(ctx, q)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.AuditListResponse{Records: convert.All(list, audit.ToPB), More: more,
		FromSeq: from.Seq, FromTime: audit.Stamp(from.Time)}), nil
}

func (a auditService) Follow(ctx context.Context, req *connect.Request[pb.AuditFollowRequest], stream *connect.ServerStream[pb.AuditRecord]) error {
	other, err := a.at(ctx, req.Msg.Host)
	if err == nil {
		err = stream.Send(nil) // the headers: the caller need not wait for a record to know that it follows
	}
	switch {
	case err != nil:
		return err
	case other != nil:
		return client.FollowAudit(ctx, other, req.Msg, stream.Send)
	}
	of := a.of(req.Msg.Of)
	return a.s.node.Audit().Follow(ctx, req.Msg.After, func(r audit.Record) error {
		if of != "" && r.Host != of {
			return nil
		}
		return stream.Send(audit.ToPB(r))
	})
}

func (a auditService) Verify(ctx context.Context, req *connect.Request[pb.AuditVerifyRequest]) (*connect.Response[pb.AuditVerdict], error) {
	other, err := a.at(ctx, req.Msg.Host)
	switch {
	case err != nil:
		return nil, err
	case other != nil:
		return client.Forward(ctx, other, req.Msg, client.AuditVerify)
	}
	v, err := a.s.node.Audit().Verify(ctx)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.AuditVerdict{Records: int64(v.Records), FromSeq: v.From.Seq, FromTime: audit.Stamp(v.From.Time),
		LastSeq: v.Last.Seq, LastTime: audit.Stamp(v.Last.Time), Hash: v.Hash, Bad: v.Bad}), nil
}

func (a auditService) Live(ctx context.Context, req *connect.Request[pb.AuditLiveRequest]) (*connect.Response[pb.AuditLiveResponse], error) {
	other, err := a.at(ctx, req.Msg.Host)
	switch {
	case err != nil:
		return nil, err
	case other != nil:
		return client.Forward(ctx, other, req.Msg, client.AuditLive)
	}
	return connect.NewResponse(&pb.AuditLiveResponse{Sessions: convert.All(a.s.node.Audit().Live(), func(l audit.Live) *pb.AuditSession {
		return &pb.AuditSession{Id: l.ID, Host: string(l.Host), Name: a.s.node.HostName(l.Host), What: l.What, Object: l.Object,
			Since: timestamppb.New(l.Since), BytesIn: l.In, BytesOut: l.Out, ViewOnly: l.Detail == audit.LooksOnly}
	})}), nil
}

func (a auditService) End(ctx context.Context, req *connect.Request[pb.AuditEndRequest]) (*connect.Response[pb.AuditEndResponse], error) {
	other, err := a.at(ctx, req.Msg.Host)
	switch {
	case err != nil:
		return nil, err
	case other != nil:
		return client.Forward(ctx, other, req.Msg, client.AuditEnd)
	case (req.Msg.Id == "") == (req.Msg.Of == ""):
		return nil, &fusion.Error{Op: "host.kick", Cause: fusion.ErrInvalid, Detail: "it names a computer, or one thing that is open", Hint: "hither audit --live shows what is open"}
	}
	ended := a.s.node.Audit().End(req.Msg.Id, a.of(req.Msg.Of))
	if ended == 0 && req.Msg.Id != "" {
		return nil, &fusion.Error{Op: "host.kick", Path: req.Msg.Id, Cause: fusion.ErrNotFound, Detail: "it is not open any more", Hint: "hither audit --live shows what is open"}
	}
	return connect.NewResponse(&pb.AuditEndResponse{Ended: int32(ended)}), nil
}

// label gives what a request is about as it calls it, for people.
func label(request any) string {
	if t, ok := request.(thing); ok {
		return t.name
	}
	var parts []string
	switch r := request.(type) {
	case hasApp:
		parts = []string{r.GetMachine(), r.GetApp()}
	case hasMachine:
		parts = []string{r.GetMachine()}
	case hasScreen:
		parts = []string{r.GetScreen()}
	case hasName:
		parts = []string{r.GetName()}
	}
	return strings.Trim(strings.Join(parts, "/"), "/")
}

// detail gives what a record says beside: what was done, never with what. Of a program it
// is the name alone, as arguments may hold passwords.
func detail(request any) string {
	switch r := request.(type) {
	case *pb.MachineDoRequest:
		return r.Verb
	case *pb.HostGrantRequest:
		return strings.Join(r.Grants, " ")
	case *pb.OfferRequest:
		return strings.Join(r.Grants, " ")
	case *pb.JoinRequest:
		return strings.Join(r.Grants, " ")
	case *pb.GuestExecRequest:
		if len(r.Argv) > 0 {
			return r.Argv[0]
		}
	case *pb.HardwareChangeRequest:
		return r.Change.GetKind()
	case *pb.RenameRequest:
		return r.Name
	case *pb.CloneRequest:
		return r.Name
	case *pb.RestoreRequest:
		return r.As
	case *pb.MigrateRequest:
		return r.To
	case *pb.FolderShareRequest:
		return r.With
	case *pb.AuditEndRequest:
		return strings.TrimSpace(r.Of + " " + r.Id)
	case *pb.InviteAddRequest:
		return r.Login.GetServer()
	case *pb.InviteLeaveRequest:
		return r.Login.GetServer()
	case *pb.TunnelAddRequest:
		spec := convert.TunnelSpecFromPB(r.Spec)
		to := spec.Host
		if spec.Kind != fusion.ProxyTunnel {
			to += spec.Target.String()
		}
		return fmt.Sprintf("%s %s %s", spec.Kind, spec.Listen, to)
	case *pb.TunnelRemoveRequest:
		return r.Id
	case *pb.TunnelLimitRequest:
		return r.Id
	}
	return ""
}

// methodName is a method or path as the log has it.
func methodName(method string) string { return strings.TrimPrefix(method, "/hither.v1.") }

// record begins a call's record.
func (s *Server) record(ctx context.Context, method string, request any) audit.Record {
	caller := callerOf(ctx)
	r := audit.Record{Trace: fusion.Trace(ctx), What: methodName(method), Object: label(request), Detail: detail(request)}
	if caller.Owner {
		if at, ok := request.(interface{ GetHost() string }); ok && at.GetHost() != "" {
			r.Object = strings.Trim(at.GetHost()+"/"+r.Object, "/")
		}
		return r
	}
	if r.Host = caller.Peer; caller.Anonymous {
		r.Stranger, r.Name = true, "no token"
		return r
	}
	_, paired := s.node.Grants(caller.Peer)
	r.Stranger, r.Name = !paired, s.node.HostName(caller.Peer)
	return r
}

// refused writes down that a call was not permitted. The answer waits for the disk.
func (s *Server) refused(ctx context.Context, method string, request any, err error) {
	r := s.record(ctx, method, request)
	r.Result, r.Error = audit.ResultOf(err), err.Error()
	s.warnAudit(s.node.Audit().Record(r, true))
}

func (s *Server) warnAudit(err error) {
	if err != nil {
		s.log.Warn("it is not in the audit log", "err", err)
	}
}

// needsAdmin says whether a call is written down before it is done.
func needsAdmin(method string, request any) bool {
	n := methods[method]
	if r, ok := request.(*pb.MachineDoRequest); ok && r.Name == fusion.Self {
		return true
	}
	return n.cap == fusion.AdminCap && !n.quiet
}

// ownersDeeds are the services whose changes by the owner are written down, beside all
// that needs admin: who may come here, and what.
var ownersDeeds = []string{"/hither.v1.HostService/", "/hither.v1.InviteService/", "/hither.v1.NodeService/", "/hither.v1.AuditService/"}

func ownersDeed(method string) bool {
	n := methods[method]
	if n.quiet || n.open {
		return false
	}
	for _, service := range ownersDeeds {
		if strings.HasPrefix(method, service) {
			return true
		}
	}
	return n.cap == fusion.AdminCap
}

// asked writes down what needs admin before another computer does it: without a record it
// is not done. The owner's own deeds go on, with a warning: whoever sits at a computer
// whose disk is full must be able to make room.
func (c *call) asked(request any) error {
	s := c.s
	c.record = s.record(c.ctx, c.method, request)
	peer := c.access.peer
	switch n := methods[c.method]; {
	case peer == "":
		return nil
	case n.quiet:
		s.node.Audit().Look(peer, c.record.Name)
		return nil
	}
	if needsAdmin(c.method, request) {
		r := c.record
		r.Result = audit.Asked
		if err := s.node.Audit().Record(r, true); err != nil {
			return err
		}
		c.durable = true
	}
	c.session = s.node.Audit().Open(c.record, false, func(err error) { c.cancel(err) })
	return nil
}

// note writes down how a call ended.
func (c *call) note(err error) {
	if c.session != nil {
		c.session.Close(err)
	}
	peer, n := c.access.peer, methods[c.method]
	r := c.record
	r.Result, r.Ms = audit.ResultOf(err), time.Since(c.start).Milliseconds()
	if err != nil {
		r.Error = err.Error()
	}
	if err != nil && c.ctx.Err() != nil && r.Result == audit.Failed {
		r.Result = audit.Ended
	}
	if c.session != nil {
		r.In, r.Out = c.session.In.Load(), c.session.Out.Load()
	}
	refused := r.Result == audit.Refused
	switch {
	case peer == "" && (!callerOf(c.ctx).Owner || !ownersDeed(c.method)):
	case peer != "" && n.quiet && !refused:
	default:
		c.s.warnAudit(c.s.node.Audit().Record(r, c.durable || refused || peer == ""))
	}
}
