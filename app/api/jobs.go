package api

import (
	"context"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"hither/app/client"
	"hither/app/convert"
	"hither/app/jobs"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// long makes jobs of the calls that the method table calls so: each runs to its
// end, whatever becomes of the request, and answers every request with its key.
type long struct{ s *Server }

func (l long) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		ctx = withKey(ctx, req)
		row := methods[req.Spec().Procedure]
		if row.job == "" {
			return next(ctx, req)
		}
		call, err := l.s.job(ctx, row.job, req)
		if err != nil {
			return nil, err
		}
		res, err := l.s.node.Jobs().Do(ctx, call, func(ctx context.Context) (any, error) {
			res, err := next(ctx, req)
			if err == nil {
				// Made here: several requests read them at a time.
				res.Header()
				res.Trailer()
			}
			return res, err
		})
		if err != nil {
			return nil, err
		}
		return res.(connect.AnyResponse), nil
	}
}

// job describes a call. One that this node only forwards is the other's job.
func (s *Server) job(ctx context.Context, op string, req connect.AnyRequest) (jobs.Call, error) {
	message, _ := req.Any().(proto.Message)
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		return jobs.Call{}, err
	}
	call := jobs.Call{Caller: callerOf(ctx).String(), Key: fusion.Key(ctx), Print: req.Spec().Procedure + "\n" + string(text),
		Op: op}
	call.Name, call.Made = subject(message)
	if at, ok := message.(interface{ GetHost() string }); ok {
		_, info, err := s.resolve(ctx, at.GetHost())
		if err != nil {
			return jobs.Call{}, err
		}
		call.Hidden = !info.Local
	}
	return call, nil
}

// subject gives what a request is about, and the name of what it makes of that: a machine and its
// clone, snapshot or restored twin, an image and what the names of its machines begin with; a
// server that ssh reaches; else what it names.
func subject(message proto.Message) (name, made string) {
	machine, ofMachine := message.(interface{ GetMachine() string })
	named, ok := message.(interface{ GetName() string })
	login, ofServer := message.(interface{ GetLogin() *pb.Login })
	switch {
	case ofServer:
		return login.GetLogin().GetServer(), ""
	case ofMachine && ok:
		return machine.GetMachine(), named.GetName()
	case ofMachine:
		name = machine.GetMachine()
	case ok:
		name = named.GetName()
	}
	switch m := message.(type) {
	case interface{ GetAs() string }:
		made = m.GetAs()
	case interface{ GetPrefix() string }:
		made = m.GetPrefix()
	}
	return name, made
}

// maxKey bounds an idempotency key that came from outside.
const maxKey = 64

// withKey takes the caller's idempotency key if it is a sound one.
func withKey(ctx context.Context, req connect.AnyRequest) context.Context {
	key := req.Header().Get(client.KeyHeader)
	if len(key) > maxKey || fusion.CheckName(key) != nil {
		return ctx
	}
	return fusion.WithKey(ctx, key)
}

func (long) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

func (long) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

type jobService struct{ s *Server }

func (j jobService) List(ctx context.Context, req *connect.Request[pb.JobListRequest]) (*connect.Response[pb.JobListResponse], error) {
	h, info, err := j.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	list, err := h.Jobs().List(ctx)
	if err != nil {
		return nil, err
	}
	if sight := j.s.sight(ctx, fusion.ViewCap); sight != nil {
		list = kept(list, sight.job)
	}
	return connect.NewResponse(&pb.JobListResponse{Jobs: convert.All(list, func(x fusion.Job) *pb.Job {
		x.Host = info.Name
		return convert.JobToPB(x)
	})}), nil
}

func (j jobService) Cancel(ctx context.Context, req *connect.Request[pb.JobCancelRequest]) (*connect.Response[pb.JobCancelResponse], error) {
	h, _, err := j.s.resolve(ctx, req.Msg.Host)
	if err != nil {
		return nil, err
	}
	if req.Msg.Id != "" {
		err = h.Jobs().Cancel(ctx, req.Msg.Id)
	} else { // the call came here, whoever does the work
		err = j.s.node.Jobs().CancelCall(ctx, callerOf(ctx).String(), fusion.Key(ctx))
	}
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&pb.JobCancelResponse{}), nil
}
