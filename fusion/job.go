package fusion

import (
	"context"
	"time"
)

// Job is a long operation of a host: a call of its API that makes something. It
// belongs to the host, not to the call: a caller that goes away does not end it,
// and one that comes back with the same key finds it. Only Cancel ends it early,
// and then it leaves nothing.
type Job struct {
	// ID names the job on its host. Host is empty inside a Host and filled by
	// whoever holds several hosts.
	ID   string `json:"id"`
	Host string `json:"host"`
	// Op is what is done ("machine.create"), Name to which thing of the host, and Made what is
	// made of that: the name of a clone, of a snapshot, what names of several begin with. Made is
	// "" where it is Name itself, or nothing with a name.
	Op      string    `json:"op"`
	Name    string    `json:"name"`
	Made    string    `json:"made,omitempty"`
	Started time.Time `json:"started"`
	Progress
	// Ended is when it ended, zero while it runs. A job that ended is shown for
	// five minutes more.
	Ended time.Time `json:"ended,omitzero"`
	// Error is why it failed, "" when it did not.
	Error string `json:"error,omitempty"`
}

// Progress is how far a long operation is.
type Progress struct {
	// Step says what it does now, for people; "" when there is one step only.
	Step string `json:"step,omitempty"`
	// Done of Total bytes of this step; Total is 0 when nobody knows.
	Done  int64 `json:"done"`
	Total int64 `json:"total"`
	// Rate is how fast this step goes, in bytes per second, and Left how long it will
	// take at that rate, in seconds; 0 when nobody knows. The list of jobs measures
	// them: what reports leaves them alone.
	Rate int64 `json:"rate,omitempty"`
	Left int64 `json:"left,omitempty"`
}

// Jobs are the long operations of one host.
type Jobs interface {
	// List gives those that run or ended just now, oldest first.
	List(ctx context.Context) ([]Job, error)
	// Cancel ends one and waits until it has cleaned up. It promises ErrNotFound;
	// one that has ended is no error.
	Cancel(ctx context.Context, id string) error
	// Watch is Machines.Watch for jobs.
	Watch(ctx context.Context, changed func(j Job, removed bool)) error
}

type reporterKey struct{}

// WithReporter returns a context whose operation tells report how far it is.
// report must not block, and may be called from many goroutines.
func WithReporter(ctx context.Context, report func(Progress)) context.Context {
	return context.WithValue(ctx, reporterKey{}, report)
}

// Report tells whoever listens to ctx how far its operation is.
func Report(ctx context.Context, p Progress) {
	if report, ok := ctx.Value(reporterKey{}).(func(Progress)); ok {
		report(p)
	}
}

type idempotencyKey struct{}

// WithKey returns a context whose call carries an idempotency key: of several
// creating calls with one key, one makes something, and all have its result
// (draft-ietf-httpapi-idempotency-key-header). Keys are secrets like any random
// number: whoever knows one may ask for the result.
func WithKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, idempotencyKey{}, key)
}

// Key gives the idempotency key of ctx, or "".
func Key(ctx context.Context) string {
	key, _ := ctx.Value(idempotencyKey{}).(string)
	return key
}
