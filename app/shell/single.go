package shell

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"hither/app/home"
	"hither/fusion"
)

// single is the one window of a home: whoever connects to its socket wants to
// see it. It runs one goroutine, which Close ends.
type single struct {
	listener net.Listener
	done     chan struct{}
}

// errShown says that another window of this home was raised.
var errShown = errors.New("the window is open already")

// claim makes this program the home's one window, or raises the one there is
// and returns errShown.
func claim(h home.Home) (*single, error) {
	if err := h.Make(); err != nil {
		return nil, err
	}
	path := filepath.Join(h.Run, "window.sock")
	conn, err := net.Dial("unix", path)
	if err == nil {
		return nil, errors.Join(errShown, conn.Close())
	}
	// Nobody listens: what is there is a leftover.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("window: %w", err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, &fusion.Error{Op: "window", Path: path, Cause: fusion.ErrBusy, Detail: err.Error(), Hint: "try again"}
	}
	return &single{listener: listener, done: make(chan struct{})}, nil
}

// serve calls raise for each program that wanted to be the window.
func (s *single) serve(raise func()) {
	defer close(s.done)
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		_ = conn.Close() // connecting was the message
		raise()
	}
}

// Close gives the place up; serve must have been called.
func (s *single) Close() error {
	err := s.listener.Close()
	<-s.done
	return err
}
