package surface

import (
	"sync"
	"time"
)

// pacer does the newest thing asked of it, on a goroutine of a timer. With
// settle it waits until the asking pauses for so long; without, it does
// something at most once in so long, the first at once.
type pacer struct {
	every  time.Duration
	settle bool

	doing  sync.Mutex // held while something is done
	mu     sync.Mutex // guards the fields below
	next   func()
	timer  *time.Timer
	last   time.Time
	closed bool
	wait   sync.WaitGroup
}

func (p *pacer) ask(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	waiting := p.next != nil
	p.next = do
	if p.settle && p.timer != nil && p.timer.Stop() {
		p.wait.Done()
	} else if waiting {
		return
	}
	pause := p.every
	if !p.settle {
		pause = max(0, time.Until(p.last.Add(p.every)))
	}
	p.wait.Add(1)
	p.timer = time.AfterFunc(pause, p.fire)
}

func (p *pacer) fire() {
	defer p.wait.Done()
	p.doing.Lock()
	defer p.doing.Unlock()
	p.mu.Lock()
	do := p.next
	p.next, p.last = nil, time.Now()
	p.mu.Unlock()
	if do != nil {
		do()
	}
}

// close forgets what was not done and waits for what is being done.
func (p *pacer) close() {
	p.mu.Lock()
	p.closed, p.next = true, nil
	if p.timer != nil && p.timer.Stop() {
		p.wait.Done()
	}
	p.mu.Unlock()
	p.wait.Wait()
}
