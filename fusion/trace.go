package fusion

import (
	"context"
	"crypto/rand"
)

type traceKey struct{}

// WithTrace returns a context whose calls carry the trace ID id: one ID from
// the page over the API and the other host down to libvirt, in every log line.
func WithTrace(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, traceKey{}, id)
}

// Trace gives the trace ID of ctx, or "".
func Trace(ctx context.Context) string {
	id, _ := ctx.Value(traceKey{}).(string)
	return id
}

// NewTrace makes a random trace ID of 26 letters and digits.
func NewTrace() string { return rand.Text() }
