//go:build cgo

package vmctl

import (
	"sync"

	"libvirt.org/go/libvirt"
)

// eventLoop is libvirt's event loop, which it has once per process and which
// must run before any connection opens. Its one goroutine runs while a
// connection is open.
var eventLoop struct {
	mu         sync.Mutex // guards the fields below
	registered bool
	users      int
	timer      int // wakes the loop so that it sees stop
	stop, done chan struct{}
}

func holdEventLoop() error {
	l := &eventLoop
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.registered {
		if err := libvirt.EventRegisterDefaultImpl(); err != nil {
			return err
		}
		l.registered = true
	}
	if l.users == 0 {
		timer, err := libvirt.EventAddTimeout(-1, func(int) {})
		if err != nil {
			return err
		}
		l.timer, l.stop, l.done = timer, make(chan struct{}), make(chan struct{})
		go turn(l.stop, l.done)
	}
	l.users++
	return nil
}

// turn runs the loop until stop, and once more so that libvirt frees what closed
// connections left in it. A failure of poll(2) ends it.
func turn(stop, done chan struct{}) {
	defer close(done)
	for stopping := false; !stopping; {
		select {
		case <-stop:
			stopping = true
		default:
		}
		if err := libvirt.EventRunDefaultImpl(); err != nil {
			return
		}
	}
}

func releaseEventLoop() {
	l := &eventLoop
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users--; l.users > 0 {
		return
	}
	close(l.stop)
	libvirt.EventUpdateTimeout(l.timer, 0)
	<-l.done
	_ = libvirt.EventRemoveTimeout(l.timer) // fails only for an unknown timer
}
