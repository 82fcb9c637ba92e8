package peers

import (
	"sync"
	"time"
)

// limiter counts tries to pair that came to nothing, whichever key made them:
// keys are free. Ten in a row, then one each six seconds. It protects from
// noise and load; that nobody guesses a code is owed to burning it.
type limiter struct {
	mu   sync.Mutex
	now  func() time.Time
	debt time.Duration // six seconds per failure, paid off by time
	last time.Time
}

const (
	perFailure  = 6 * time.Second
	maxFailures = 10
)

// take books a failure in advance; false means: too many.
func (l *limiter) take() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.debt = max(0, l.debt-max(0, now.Sub(l.last)))
	l.last = now
	if l.debt+perFailure > maxFailures*perFailure {
		return false
	}
	l.debt += perFailure
	return true
}

// giveBack takes back the booking of a try that succeeded.
func (l *limiter) giveBack() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.debt = max(0, l.debt-perFailure)
}

// reset forgets all: the owner has just made a new code, three guesses each.
func (l *limiter) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.debt = 0
}
