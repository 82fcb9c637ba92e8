package capture

import (
	"errors"
	"net"
	"os"
	"time"
)

// errWoken is what a wait for the next message gives after Wake.
var errWoken = errors.New("woken")

// waker reads a connection and can be woken while it waits for the beginning of
// a message: by a deadline that has passed, which nothing else sets once on is
// true. Nothing is lost, as what was read stays in the reader's buffer.
type waker struct {
	conn    net.Conn
	on      bool
	waiting bool // the beginning of a message is waited for
	late    bool // Wake was called while the rest of one was
}

// Wake makes the wait that is under way, or else the next, end with errWoken.
func (w *waker) Wake() {
	_ = w.conn.SetReadDeadline(time.Unix(1, 0)) // a connection that is gone wakes by itself
}

func (w *waker) Read(p []byte) (int, error) {
	for {
		n, err := w.conn.Read(p)
		if n > 0 || !w.on || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if err := w.conn.SetReadDeadline(time.Time{}); err != nil {
			return 0, err
		}
		if w.waiting {
			return 0, errWoken
		}
		w.late = true
	}
}

// wait waits for the beginning of a message with the Peek of a reader of w.
func (w *waker) wait(peek func(n int) ([]byte, error)) error {
	if w.late {
		w.late = false
		return errWoken
	}
	w.waiting = true
	_, err := peek(1)
	w.waiting = false
	return err
}
