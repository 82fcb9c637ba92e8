package surface

import (
	"sync"
	"time"

	"hither/mirror/wire"
)

// resizePause is how long a window must keep its size before the source is
// asked for it; an edge that is dragged passes through hundreds.
const resizePause = 80 * time.Millisecond

// resizer sends the last size asked for, once the asking pauses.
type resizer struct {
	send func(wire.Message)

	mu     sync.Mutex // guards the fields below
	next   *wire.Resize
	timer  *time.Timer
	closed bool
	wait   sync.WaitGroup
}

func newResizer(send func(wire.Message)) *resizer { return &resizer{send: send} }

func (r *resizer) ask(m wire.Resize) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.next = &m
	if r.timer != nil && r.timer.Stop() {
		r.wait.Done()
	}
	r.wait.Add(1)
	r.timer = time.AfterFunc(resizePause, r.fire)
}

func (r *resizer) fire() {
	defer r.wait.Done()
	r.mu.Lock()
	m := r.next
	r.next = nil
	r.mu.Unlock()
	if m != nil {
		r.send(*m)
	}
}

// close forgets what was not sent and waits for what is being sent.
func (r *resizer) close() {
	r.mu.Lock()
	r.closed, r.next = true, nil
	if r.timer != nil && r.timer.Stop() {
		r.wait.Done()
	}
	r.mu.Unlock()
	r.wait.Wait()
}
