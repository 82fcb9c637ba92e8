// Package xserver starts X servers for tests. A test that needs a display asks
// for one of its own, which ends with the test.
package xserver

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// patience bounds how long a server may take to say its number.
const patience = time.Minute

// tries is how many servers are started before it counts as broken.
const tries = 5

// Server is a running Xvfb.
type Server struct {
	// Display is its name, as in DISPLAY.
	Display string
	cmd     *exec.Cmd
	ended   chan struct{}
	said    bytes.Buffer // read after ended
}

// Start runs Xvfb with arguments of the test's own, on a free number, without
// TCP. It fails the test when that does not work.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	var err error
	for range tries {
		var s *Server
		if s, err = start(args); err != nil {
			break
		}
		t.Cleanup(s.Kill)
		// An older server of the same number that ends just now takes the
		// socket of this one with it. Nobody can connect then.
		conn, dialed := net.Dial("unix", "/tmp/.X11-unix/X"+s.Display[1:])
		if dialed == nil {
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			return s
		}
		s.Kill()
		err = dialed
	}
	t.Fatalf("no X server could be started (install what is missing: build/deps.sh test): %v", err)
	return nil
}

func start(args []string) (*Server, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	s := &Server{ended: make(chan struct{})}
	s.cmd = exec.Command("Xvfb", append([]string{"-displayfd", "3", "-nolisten", "tcp", "-noreset"}, args...)...)
	s.cmd.ExtraFiles = []*os.File{write}
	s.cmd.Stderr = &s.said
	err = s.cmd.Start()
	if err = errors.Join(err, write.Close()); err != nil {
		return nil, err
	}
	go func() { // Kill waits for it
		_ = s.cmd.Wait() // a killed server ends with an error
		close(s.ended)
	}()
	err = read.SetReadDeadline(time.Now().Add(patience))
	number, rerr := io.ReadAll(io.LimitReader(read, 16)) // Xvfb closes it when it is ready
	if err = errors.Join(err, rerr); err == nil && len(number) < 2 {
		err = errors.New("it named no display")
	}
	if err != nil {
		s.Kill()
		return nil, errors.Join(err, errors.New(s.said.String()))
	}
	s.Display = ":" + strings.TrimSpace(string(number))
	return s, nil
}

// Kill ends the server as a crash does, and waits for it. It may be called
// again.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.ended
}
