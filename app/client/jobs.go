package client

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"connectrpc.com/connect"

	"hither/app/convert"
	"hither/fusion"
	pb "hither/proto/hither/v1"
)

// KeyHeader carries a call's idempotency key
// (draft-ietf-httpapi-idempotency-key-header).
const KeyHeader = "Idempotency-Key"

type jobs host

var _ fusion.Jobs = (*jobs)(nil)

func (j *jobs) List(ctx context.Context) ([]fusion.Job, error) {
	res, err := call(ctx, j.label, j.c.jobs.List, &pb.JobListRequest{Host: j.name})
	if err != nil {
		return nil, err
	}
	return convert.All(res.Jobs, convert.JobFromPB), nil
}

func (j *jobs) Cancel(ctx context.Context, id string) error {
	if id == "" {
		return &fusion.Error{Op: "job.cancel", Path: j.label, Cause: fusion.ErrNotFound, Hint: "hither job ls lists what is in work"}
	}
	_, err := call(ctx, (*host)(j).path(id), j.c.jobs.Cancel, &pb.JobCancelRequest{Host: j.name, Id: id})
	return err
}

// Watch gives the job events of the host's one watch stream.
func (j *jobs) Watch(ctx context.Context, changed func(fusion.Job, bool)) error {
	return each(ctx, (*host)(j), func(e fusion.Event) {
		if e.Job != nil {
			changed(*e.Job, e.Removed)
		}
	})
}

// cancelTime bounds how long a job that nobody waits for any more is told so.
const cancelTime = 10 * time.Second

// long is call for a method that is a job of the host. When ctx ends it cancels
// the job, which the end of a request alone does not (a release that knows no
// jobs ends it then).
func long[Req, Res any](ctx context.Context, c *Client, path string,
	do func(context.Context, *connect.Request[Req]) (*connect.Response[Res], error), req *Req) (*Res, error) {
	if fusion.Key(ctx) == "" {
		ctx = fusion.WithKey(ctx, rand.Text())
	}
	res, err := call(ctx, path, do, req)
	if err == nil || ctx.Err() == nil {
		return res, err
	}
	return nil, cancelCall(ctx, c, path, err)
}

// cancelCall cancels the job of a call whose ctx ended, which err says; it gives
// what is to be answered.
func cancelCall(ctx context.Context, c *Client, path string, err error) error {
	within, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
	defer stop()
	_, failed := call(within, path, c.jobs.Cancel, &pb.JobCancelRequest{})
	if failed != nil && !errors.Is(failed, fusion.ErrNotFound) && !errors.Is(failed, fusion.ErrUnsupported) {
		return &fusion.Error{Op: "job.cancel", Path: path, Cause: errors.Join(ctx.Err(), failed),
			Detail: "it could not be canceled and may go on", Hint: "hither job ls lists what is in work"}
	}
	return err
}
