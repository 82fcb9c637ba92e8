package hosttest

import (
	"context"
	"testing"

	"hither/fusion"
)

// testJobs checks what holds whatever the host does just now.
func (s *suite) testJobs(t *testing.T) {
	jobs := s.host.Jobs()
	if _, err := jobs.List(s.ctx(t)); err != nil {
		t.Errorf("list: %v", err)
	}
	refused(t, "cancel of no job", jobs.Cancel(s.ctx(t), "none"), fusion.ErrNotFound)
	refused(t, "cancel of nothing", jobs.Cancel(s.ctx(t), ""), fusion.ErrNotFound)
	ctx, cancel := context.WithCancel(s.ctx(t))
	cancel()
	if err := jobs.Watch(ctx, func(fusion.Job, bool) {}); err == nil {
		t.Error("a watch outlives its context")
	}
}

// memoryJobs are none: everything here is done at once.
type memoryJobs struct{}

func (memoryJobs) List(ctx context.Context) ([]fusion.Job, error) { return []fusion.Job{}, ctx.Err() }

func (memoryJobs) Cancel(_ context.Context, id string) error {
	return &fusion.Error{Op: "job.cancel", Path: id, Cause: fusion.ErrNotFound, Hint: "nothing is in work"}
}

func (memoryJobs) Watch(ctx context.Context, _ func(fusion.Job, bool)) error {
	<-ctx.Done()
	return ctx.Err()
}
