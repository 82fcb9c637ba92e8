package terminal

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"hither/fusion"
	"hither/mirror/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a terminal that gives chunks, then an end.
type scripted struct {
	chunks   chan fusion.TerminalChunk
	end      error
	viewOnly bool
	once     sync.Once
	closed   chan struct{}

	mu    sync.Mutex // guards the fields below
	typed []byte
	sizes [][2]int
}

func newScripted(end error, chunks ...fusion.TerminalChunk) *scripted {
	s := &scripted{chunks: make(chan fusion.TerminalChunk, 16), end: end, closed: make(chan struct{})}
	for _, c := range chunks {
		s.chunks <- c
	}
	return s
}

func (s *scripted) Next() (fusion.TerminalChunk, error) {
	select {
	case c, more := <-s.chunks:
		if more {
			return c, nil
		}
		return c, s.end
	case <-s.closed:
		return fusion.TerminalChunk{}, io.ErrClosedPipe
	}
}

func (s *scripted) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.typed = append(s.typed, p...)
	if bytes.Contains(s.typed, []byte("end")) {
		close(s.chunks)
	}
	return len(p), nil
}

func (s *scripted) Resize(columns, rows int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sizes = append(s.sizes, [2]int{columns, rows})
	return nil
}

func (s *scripted) ViewOnly() bool { return s.viewOnly }

func (s *scripted) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// over gives the terminal as a viewer at the other end of a connection sees it.
func over(t *testing.T, here fusion.Terminal) fusion.Terminal {
	t.Helper()
	a, b := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- wire.Join(Host(here), wire.Stream(a)) }()
	there, err := Open(wire.Stream(b), "nas/web")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = there.Close() // it may have ended
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return there
}

func TestTerminalOverAConnection(t *testing.T) {
	end := &fusion.Error{Op: "machine.console", Path: "web", Cause: io.EOF, Detail: "the machine is off", Hint: "start it"}
	here := newScripted(end, fusion.TerminalChunk{Data: []byte("one")}, fusion.TerminalChunk{Skipped: 7, Data: []byte("two")})
	there := over(t, here)
	if there.ViewOnly() {
		t.Error("it is for looking only")
	}
	for _, want := range []fusion.TerminalChunk{{Data: []byte("one")}, {Skipped: 7, Data: []byte("two")}} {
		got, err := there.Next()
		if err != nil || got.Skipped != want.Skipped || string(got.Data) != string(want.Data) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	if err := there.Resize(132, 43); err != nil {
		t.Error(err)
	}
	if err := there.Resize(5000, 1); !errors.Is(err, fusion.ErrInvalid) {
		t.Errorf("a size that makes no sense: %v", err)
	}
	if n, err := there.Write(bytes.Repeat([]byte("x"), 20_000)); n != 20_000 || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	if _, err := there.Write([]byte("end")); err != nil {
		t.Error(err)
	}
	_, err := there.Next()
	var why *fusion.Error
	if !errors.As(err, &why) || why.Cause != io.EOF || why.Detail != end.Detail || why.Hint != end.Hint || why.Path != "nas/web" {
		t.Errorf("it ended with %#v", err)
	}
	if _, again := there.Next(); again != err {
		t.Errorf("then with %v", again)
	}
	here.mu.Lock()
	defer here.mu.Unlock()
	if len(here.typed) != 20_003 || len(here.sizes) != 1 || here.sizes[0] != [2]int{132, 43} {
		t.Errorf("typed %d bytes, sizes %v", len(here.typed), here.sizes)
	}
}

func TestViewOnlyOverAConnection(t *testing.T) {
	here := newScripted(nil)
	here.viewOnly = true
	there := over(t, here)
	if _, err := there.Write([]byte("x")); !there.ViewOnly() || !errors.Is(err, fusion.ErrPermission) {
		t.Errorf("got %v", err)
	}
	if err := there.Close(); err != nil {
		t.Error(err)
	}
	if _, err := there.Next(); err == nil {
		t.Error("it goes on")
	}
	<-here.closed // the viewer's end closes the terminal
}

func TestAConnectionThatBreaks(t *testing.T) {
	a, b := net.Pipe()
	go func() {
		_ = wire.Stream(a).Write(hello(false))
		_ = a.Close()
	}()
	there, err := Open(wire.Stream(b), "nas/web")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := there.Next(); !errors.Is(err, fusion.ErrOffline) || fusion.Hint(err) == "" {
		t.Errorf("got %v", err)
	}
	if err := there.Close(); err != nil {
		t.Error(err)
	}
}

func TestNoHello(t *testing.T) {
	for _, first := range [][]byte{{typeData, 'x'}, {typeHello, 9, 0}, {typeHello}} {
		a, b := net.Pipe()
		go func() { _ = wire.Stream(a).Write(first) }()
		if _, err := Open(wire.Stream(b), "nas/web"); !errors.Is(err, fusion.ErrUnsupported) {
			t.Errorf("%x: %v", first, err)
		}
	}
}

func TestAFailureIsTold(t *testing.T) {
	here := newScripted(&fusion.Error{Op: "x", Cause: errors.New("odd"), Detail: strings.Repeat("long\n", 9000)})
	close(here.chunks)
	_, err := over(t, here).Next()
	if err == nil || errors.Is(err, io.EOF) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

// TestATerminalThatWasLost: nothing is said, so that its viewer looks for it.
func TestATerminalThatWasLost(t *testing.T) {
	here := newScripted(&fusion.Error{Op: "x", Cause: fusion.ErrOffline, Detail: "it moved"})
	here.chunks <- fusion.TerminalChunk{Data: []byte("the last")}
	close(here.chunks)
	there := over(t, here)
	if chunk, err := there.Next(); err != nil || string(chunk.Data) != "the last" {
		t.Errorf("got %q, %v", chunk.Data, err)
	}
	if _, err := there.Next(); !errors.Is(err, fusion.ErrOffline) || strings.Contains(err.Error(), "moved") {
		t.Errorf("got %v", err)
	}
}

// FuzzHost: whatever a host says, a viewer takes it or refuses it.
func FuzzHost(f *testing.F) {
	for _, m := range [][]byte{hello(true), append([]byte{typeData}, "text"...), skipped(9), closed(io.EOF), {0x7f}, {}} {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, m []byte) {
		said, err := parseHost(m)
		if err == nil && (said.kind != m[0] || len(said.data) > fusion.MaxTerminalChunk || said.skipped < 0) {
			t.Errorf("%x gives %+v", m, said)
		}
	})
}

// FuzzViewer: likewise what a viewer says.
func FuzzViewer(f *testing.F) {
	for _, m := range [][]byte{input([]byte("ls\n")), size(80, 24), size(0, 0), {0xff}, {}} {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, m []byte) {
		said, err := parseViewer(m)
		if err == nil && (said.kind != m[0] || fusion.CheckTerminalSize(said.columns, said.rows) != nil || len(said.data) > fusion.MaxTerminalChunk) {
			t.Errorf("%x gives %+v", m, said)
		}
	})
}
