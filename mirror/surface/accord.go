package surface

import (
	"sync"
	"time"
)

// answerTime is how long a change by one side is taken for the answer to what
// the other said before.
const answerTime = 3 * time.Second

// maxExpected bounds what is waited for; of more, the oldest is forgotten.
const maxExpected = 32

// accord settles a value that both the host and this desktop may change, such
// as the place of a window, without either answering the other's answer. The
// wire carries no numbers for that: an echo is known by its value. While this
// desktop's word is under way, what the host says does not count: the last
// word belongs to the person who drags.
type accord[T comparable] struct {
	now func() time.Time // time.Now

	mu     sync.Mutex // guards the fields below
	host   T          // what the host said last
	here   T          // what it is on this desktop
	agreed T          // what the host has, or will have once it heard all we told
	asked  awaited[T]
	told   awaited[T]
}

// verdict says what the host's word means.
type verdict int

const (
	echo    verdict = iota // nothing new
	follow                 // the host changed it: make it so here
	contest                // both did; this desktop's word stands
)

// newAccord begins with what the host said, which this desktop is asked for.
func newAccord[T comparable](now func() time.Time, v T) *accord[T] {
	a := &accord[T]{now: now, host: v, here: v, agreed: v}
	a.asked.add(v, now())
	return a
}

// hostSays takes the host's word. On follow the caller makes it so here.
func (a *accord[T]) hostSays(v T) verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	changed := v != a.host
	a.host = v
	now := a.now()
	if !changed || a.told.take(v, now) {
		return echo
	}
	if a.told.waits(now) {
		return contest
	}
	a.agreed = v
	if v == a.here && !a.asked.waits(now) { // else it may yet become what was asked for
		return echo
	}
	a.asked.add(v, now)
	return follow
}

// news says what a change of this desktop means for the host.
type news int

const (
	known news = iota // it is what the host has
	tell              // the host must hear of it
	wait              // perhaps only a step to what the host asked for
)

// hereIs takes what it is on this desktop now. While the desktop is on its way
// to what the host asked for, other values may be steps of it: the caller waits
// until it rests and says so. Then the host is told unless it has that.
func (a *accord[T]) hereIs(v T, rests bool) news {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.here = v
	now := a.now()
	a.asked.take(v, now)
	switch {
	case rests:
		a.asked = awaited[T]{}
	case a.asked.waits(now):
		return wait
	}
	if v == a.agreed {
		return known
	}
	a.agreed = v
	a.told.add(v, now)
	return tell
}

// yield takes back what the host was told: its next word counts.
func (a *accord[T]) yield() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = awaited[T]{}
}

// hold takes back what this desktop was asked for: its person is at it.
func (a *accord[T]) hold() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = awaited[T]{}
}

// ask notes that this desktop is asked for v, by us and not by its person.
func (a *accord[T]) ask(v T) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked.add(v, a.now())
}

// put notes what it is here, and tells nobody.
func (a *accord[T]) put(v T) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.here = v
}

// both gives what the host said last and what it is here.
func (a *accord[T]) both() (host, here T) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.host, a.here
}

// hostHas gives what the host has, or will have once it heard all.
func (a *accord[T]) hostHas() T {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.agreed
}

// anew begins with another view of the host, which says v; what it is here
// stands. It says whether to tell the host.
func (a *accord[T]) anew(v T) (here T, tell bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.host, a.agreed = v, v
	a.asked, a.told = awaited[T]{}, awaited[T]{}
	if a.here == v {
		return a.here, false
	}
	a.agreed = a.here
	a.told.add(a.here, a.now())
	return a.here, true
}

// awaited are values that one side was sent and has not shown yet, oldest
// first. It may never show them: they are forgotten after answerTime.
type awaited[T comparable] struct{ list []sent[T] }

type sent[T comparable] struct {
	value T
	until time.Time
}

func (e *awaited[T]) add(v T, now time.Time) {
	e.forget(now)
	if len(e.list) == maxExpected {
		e.list = e.list[1:]
	}
	e.list = append(e.list, sent[T]{v, now.Add(answerTime)})
}

// take says whether v was expected; it and what is older no longer is.
func (e *awaited[T]) take(v T, now time.Time) bool {
	e.forget(now)
	for i, one := range e.list {
		if one.value == v {
			e.list = e.list[i+1:]
			return true
		}
	}
	return false
}

// waits says whether something is still expected.
func (e *awaited[T]) waits(now time.Time) bool {
	e.forget(now)
	return len(e.list) > 0
}

func (e *awaited[T]) forget(now time.Time) {
	for len(e.list) > 0 && !now.Before(e.list[0].until) {
		e.list = e.list[1:]
	}
}
