package soundserver

import (
	"bufio"
	"bytes"
	"cmp"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// program is one of a server's. A goroutine reads what it logs until it ends.
type program struct {
	cmd   *exec.Cmd
	ended chan struct{}
	said  said
}

// said is what a program wrote.
type said struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (s *said) line(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b.WriteString(text + "\n")
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// run starts a program that has a directory for its home and its sockets, and
// ends with the test.
func (s *Server) run(t testing.TB, dir, name string, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(name, args...), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_RUNTIME_DIR="+dir, "PULSE_RUNTIME_PATH="+dir+"/pulse", "PULSE_STATE_PATH="+dir,
		"XDG_CONFIG_HOME="+dir+"/.config", "XDG_STATE_HOME="+dir+"/.state",
		"DBUS_SESSION_BUS_ADDRESS="+cmp.Or(s.bus, "disabled:")) // unset, it would start a bus
	r, err := p.cmd.StderrPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatalf("no sound server could be started (install what is missing: build/deps.sh test): %v", err)
	}
	s.programs = append(s.programs, p)
	go func() { // Kill waits for it
		defer close(p.ended)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			p.said.line(lines.Text())
		}
		_ = p.cmd.Wait() // a killed server ends with an error
	}()
	t.Cleanup(s.Kill)
	return p
}

// until waits until a server has done something, as long as all of it runs.
func (s *Server) until(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(Patience); !done(); <-tick.C {
		for _, p := range s.programs {
			select {
			case <-p.ended:
				t.Fatalf("%s ended: %s", p.cmd.Path, p.said.String())
			default:
			}
		}
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s: %s", what, s.Said())
		}
	}
}
