package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"connectrpc.com/connect"

	"hither/app/client"
	"hither/app/convert"
	"hither/fusion"
)

// guard checks each call against the method table, gives it its trace ID,
// logs it once, and makes its error fit for the wire.
type guard struct{ s *Server }

func (g guard) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		call, err := g.s.begin(withTrace(ctx, req.Header()), req.Spec().Procedure, req.Any())
		if err != nil {
			return nil, convert.ErrorToPB(err)
		}
		res, err := next(call.ctx, req)
		return res, convert.ErrorToPB(call.end(err))
	}
}

func (g guard) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		call, err := g.s.begin(withTrace(ctx, conn.RequestHeader()), conn.Spec().Procedure, nil)
		if err != nil {
			return convert.ErrorToPB(err)
		}
		return convert.ErrorToPB(call.end(next(call.ctx, guarded{conn, call})))
	}
}

// guarded checks a stream's message against the method table once it has come.
type guarded struct {
	connect.StreamingHandlerConn
	call *call
}

func (g guarded) Receive(message any) error {
	if err := g.StreamingHandlerConn.Receive(message); err != nil {
		return err
	}
	return g.call.named(message)
}

func (guard) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// maxTrace bounds a trace ID that came from outside.
const maxTrace = 64

// withTrace takes the caller's trace ID if it is a sound one, else makes one.
func withTrace(ctx context.Context, header http.Header) context.Context {
	id := header.Get(client.TraceHeader)
	if len(id) > maxTrace || fusion.CheckName(id) != nil {
		id = fusion.NewTrace()
	}
	return fusion.WithTrace(ctx, id)
}

// logCall writes one line for a call.
func (s *Server) logCall(ctx context.Context, method string, start time.Time, err error) {
	level := slog.LevelInfo
	if methods[method].quiet {
		level = slog.LevelDebug
	}
	if !s.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{slog.String("trace", fusion.Trace(ctx)), slog.String("method", method),
		slog.Duration("took", time.Since(start).Round(time.Microsecond)), slog.String("caller", callerOf(ctx).String())}
	if err != nil && ctx.Err() == nil {
		attrs = append(attrs, slog.String("err", err.Error()))
	}
	s.log.LogAttrs(ctx, level, "call", attrs...)
}

// String names the caller for the log.
func (c Caller) String() string {
	switch {
	case c.Owner:
		return "owner"
	case c.Anonymous:
		return "anonymous"
	}
	return string(c.Peer)
}
