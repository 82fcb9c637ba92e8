package api

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"hither/app/audit"
	"hither/fusion"
)

// calls is the set of other computers' calls that are being answered, so that each ends
// when its caller loses what it needs.
type calls struct {
	mu  sync.Mutex // guards all
	all map[*call]bool
}

// call is one request, of the owner or of another computer.
type call struct {
	s      *Server
	ctx    context.Context
	cancel context.CancelCauseFunc
	method string
	start  time.Time
	// mu guards access: a stream's message comes later.
	mu     sync.Mutex
	access access
	// grants are the caller's, of a call that ends when they change.
	grants []fusion.Grant
	// record is what the audit log will have, durable when it is waited for, and session
	// what another computer has open with it; nil for the owner and for looks.
	record  audit.Record
	durable bool
	session *audit.Session
}

type callKey struct{}

// begin admits a request. Its caller ends it.
func (s *Server) begin(ctx context.Context, method string, request any) (*call, error) {
	c := &call{s: s, method: method, start: time.Now()}
	access, err := s.allow(ctx, method, request)
	if err != nil {
		s.logCall(ctx, method, c.start, err)
		s.refused(ctx, method, request, err)
		return nil, err
	}
	c.access = access
	ctx, c.cancel = context.WithCancelCause(ctx)
	c.ctx = context.WithValue(ctx, callKey{}, c)
	if err := c.asked(request); err != nil || access.peer == "" {
		if err != nil {
			c.cancel(nil)
		}
		return c, err
	}
	if access.need.anew {
		c.grants, _ = s.node.Grants(access.peer)
	}
	s.calls.mu.Lock()
	if s.calls.all == nil {
		s.calls.all = map[*call]bool{}
	}
	s.calls.all[c] = true
	s.calls.mu.Unlock()
	c.look() // a grant that was taken away meanwhile is seen here, a later one by GrantsChanged
	return c, nil
}

// named says what a stream is about once its message has come.
func (c *call) named(request any) error {
	access, err := c.s.allow(c.ctx, c.method, request)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.record = c.s.record(c.ctx, c.method, request)
	if err == nil {
		c.access = access
	}
	return err
}

// allowed is what the call was allowed; the zero one for calls of the owner.
func (c *call) allowed() access {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.access
}

// callOf gives the call of a context; the guard and beginPath put it there.
func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// thingOf gives what the call of a context is about.
func thingOf(ctx context.Context) thing { return callOf(ctx).allowed().thing }

// look ends the call when its caller may not go on.
func (c *call) look() {
	access := c.allowed()
	if err := c.s.still(access); err != nil {
		c.cancel(err)
		return
	}
	if access.need.anew {
		if now, _ := c.s.node.Grants(access.peer); !slices.Equal(now, c.grants) {
			c.cancel(&fusion.Error{Op: "watch", Path: c.s.node.Name(), Cause: fusion.ErrBusy,
				Detail: "what this computer may see there has changed", Hint: "watch again"})
		}
	}
}

// end gives the call's error: why it was ended, or what it came to.
func (c *call) end(err error) error {
	c.s.calls.mu.Lock()
	delete(c.s.calls.all, c)
	c.s.calls.mu.Unlock()
	if cause := context.Cause(c.ctx); err != nil && fusion.CauseName(cause) != "" {
		err = cause
	}
	c.s.logCall(c.ctx, c.method, c.start, err)
	c.note(err)
	c.cancel(nil)
	return err
}

// of gives the calls of a computer.
func (cs *calls) of(peer fusion.HostID) []*call {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	var out []*call
	for c := range cs.all {
		if c.allowed().peer == peer {
			out = append(out, c)
		}
	}
	return out
}

// body gives a request's body, which ends with the call.
func (c *call) body(r *http.Request) io.Reader { return callBody{c, r.Body} }

type callBody struct {
	c    *call
	body io.Reader
}

func (b callBody) Read(p []byte) (int, error) {
	if b.c.ctx.Err() != nil {
		return 0, context.Cause(b.c.ctx)
	}
	n, err := b.body.Read(p)
	if b.c.session != nil {
		b.c.session.In.Add(int64(n))
	}
	return n, err
}

// answer gives where the answer is written, which ends with the call.
func (c *call) answer(w http.ResponseWriter) http.ResponseWriter { return callAnswer{w, c} }

type callAnswer struct {
	http.ResponseWriter
	c *call
}

func (a callAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a callAnswer) Write(p []byte) (int, error) {
	if a.c.ctx.Err() != nil {
		return 0, context.Cause(a.c.ctx)
	}
	n, err := a.ResponseWriter.Write(p)
	if a.c.session != nil {
		a.c.session.Out.Add(int64(n))
	}
	return n, err
}

// beginPath admits a request that is no Connect method.
func (s *Server) beginPath(r *http.Request, path string, request any) (*call, error) {
	if request == nil {
		request = asked("")
	}
	return s.begin(withTrace(r.Context(), r.Header), path, request)
}

// about says what a call turned out to be about, for its record.
func (c *call) about(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.record.Object = name
}
