package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hither/fusion"
	"hither/mirror/wire"
	pb "hither/proto/hither/v1"
)

// open opens the desktop and gives its hello.
func open(t *testing.T, host fusion.Host, options fusion.ViewOptions) (fusion.Pipe, wire.Hello) {
	t.Helper()
	pipe, err := host.Screens().Open(t.Context(), fusion.Self, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pipe.Close() }) // it may have ended
	return pipe, helloOf(t, pipe.Read)
}

func helloOf(t *testing.T, read func() ([]byte, error)) wire.Hello {
	t.Helper()
	first, err := read()
	if err != nil {
		t.Fatal(err)
	}
	message, err := wire.ParseHost(first)
	hello, ok := message.(wire.Hello)
	if err != nil || !ok {
		t.Fatalf("first came %+v, %v", message, err)
	}
	return hello
}

// ending reads a view to its end and gives why it ended.
func ending(t *testing.T, pipe fusion.Pipe) (wire.Closed, bool) {
	t.Helper()
	stop := time.AfterFunc(patience, func() { _ = pipe.Close() })
	defer stop.Stop()
	var why wire.Closed
	told := false
	for {
		m, err := pipe.Read()
		if err != nil {
			return why, told
		}
		message, err := wire.ParseHost(m)
		if err != nil {
			t.Fatal(err)
		}
		if closed, ok := message.(wire.Closed); ok {
			why, told = closed, true
		}
	}
}

func TestScreenOverAStream(t *testing.T) {
	s := newScene(t)
	owner := s.owner()
	_, hello := open(t, hostOf(owner, ""), fusion.ViewOptions{})
	if hello.ViewOnly || hello.Width == 0 {
		t.Errorf("the owner got %+v", hello)
	}
	if _, hello := open(t, hostOf(owner, "nas"), fusion.ViewOptions{ViewOnly: true}); !hello.ViewOnly {
		t.Errorf("asked for view only, got %+v", hello)
	}
}

func TestAViewerWithoutControlOnlyLooks(t *testing.T) {
	s := newScene(t)
	host := hostOf(s.peer("laptop"), "")
	for grant, viewOnly := range map[fusion.Capability]bool{fusion.ViewCap: true, fusion.ControlCap: false, fusion.AdminCap: false, fusion.AppsCap: true} {
		s.node.grant("laptop", grant)
		pipe, hello := open(t, host, fusion.ViewOptions{})
		if hello.ViewOnly != viewOnly {
			t.Errorf("%s: got %+v", grant, hello)
		}
		if err := pipe.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestGrantsChangedEndsViews(t *testing.T) {
	s := newScene(t)
	host := hostOf(s.peer("laptop"), "")
	s.node.grant("laptop", fusion.ControlCap)
	active, _ := open(t, host, fusion.ViewOptions{})
	looks, _ := open(t, host, fusion.ViewOptions{ViewOnly: true})
	other, _ := open(t, hostOf(s.owner(), ""), fusion.ViewOptions{})
	s.waitViews(3)

	s.node.grant("laptop", fusion.ViewCap)
	s.server.GrantsChanged("laptop")
	if why, told := ending(t, active); !told || why.Reason != wire.Revoked {
		t.Errorf("a view with input ended with %+v, %v", why, told)
	}
	s.waitViews(2)
	s.node.grant("laptop")
	s.server.GrantsChanged("laptop")
	if why, told := ending(t, looks); !told || why.Reason != wire.Revoked {
		t.Errorf("a view ended with %+v, %v", why, told)
	}
	s.waitViews(1)
	if err := other.Write(wire.Refresh{}.Append(nil)); err != nil {
		t.Errorf("the owner's view ended too: %v", err)
	}
}

// TestDropsNeedFiles: a view that may take drops ends with the grant, and one that
// began without it goes on.
func TestDropsNeedFiles(t *testing.T) {
	s := newScene(t)
	modes := func() (drops, none int) {
		for _, v := range s.server.views.of(func(*view) bool { return true }) {
			if v.mode.NoDrops {
				none++
			} else {
				drops++
			}
		}
		return drops, none
	}
	host := hostOf(s.peer("laptop"), "")
	s.node.grant("laptop", fusion.ControlCap)
	open(t, host, fusion.ViewOptions{})
	s.waitViews(1)
	if drops, none := modes(); drops != 0 || none != 1 {
		t.Errorf("without files %d views take drops", drops)
	}
	s.node.grant("laptop", fusion.ControlCap, fusion.FilesCap)
	takes, _ := open(t, host, fusion.ViewOptions{})
	s.waitViews(2)
	if drops, none := modes(); drops != 1 || none != 1 {
		t.Errorf("with files %d views take drops", drops)
	}
	s.node.grant("laptop", fusion.ControlCap)
	s.server.GrantsChanged("laptop")
	if why, told := ending(t, takes); !told || why.Reason != wire.Revoked {
		t.Errorf("a view that took drops ended with %+v, %v", why, told)
	}
	s.waitViews(1)
}

func (s *scene) waitViews(n int) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		got := len(s.server.views.of(func(*view) bool { return true }))
		if got == n {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%d views are open, want %d", got, n)
		}
	}
}

func TestCloseEndsViews(t *testing.T) {
	s := newScene(t)
	pipe, _ := open(t, hostOf(s.owner(), ""), fusion.ViewOptions{})
	s.waitViews(1)
	s.server.Close()
	ending(t, pipe)
	s.waitViews(0)
}

// open opens the page's WebSocket and says what it wants.
func (w *web) open(origin, bearer, screen string) (*websocket.Conn, error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	conn, res, err := websocket.Dial(ctx, "ws://"+w.addr+"/screen", &websocket.DialOptions{
		HTTPClient: w.http, HTTPHeader: http.Header{"Origin": {origin}}})
	if err != nil {
		if res == nil || res.StatusCode != http.StatusForbidden {
			w.t.Errorf("origin %s: %v", origin, err)
		}
		return nil, err
	}
	w.t.Cleanup(func() { _ = conn.CloseNow() }) // it may have ended
	conn.SetReadLimit(wire.MaxMessage)
	text, err := json.Marshal(map[string]any{"bearer": bearer, "screen": screen})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := conn.Write(ctx, websocket.MessageText, text); err != nil {
		w.t.Fatal(err)
	}
	return conn, nil
}

func (w *web) read(conn *websocket.Conn) (websocket.MessageType, []byte, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	return conn.Read(ctx)
}

func TestScreenOverAWebSocket(t *testing.T) {
	w := newWeb(t)
	if _, err := w.open("http://evil.example", w.bearer(), fusion.Self); err == nil {
		t.Error("another site opened a screen")
	}
	for _, origin := range []string{"http://" + w.addr, "wails://wails"} {
		for _, tc := range []struct{ bearer, screen, cause string }{
			{"", fusion.Self, "unpaired"},
			{"nonsense", fusion.Self, "unpaired"},
			{w.bearer(), "none", "not_found"},
			{w.bearer(), "", "invalid"},
		} {
			conn, err := w.open(origin, tc.bearer, tc.screen)
			if err != nil {
				t.Fatal(err)
			}
			kind, text, err := w.read(conn)
			var said pb.Error
			if err == nil && kind == websocket.MessageText {
				err = json.Unmarshal(text, &said)
			}
			if err != nil || said.Cause != tc.cause || said.Hint == "" {
				t.Errorf("%q %q: got %s, %v", tc.bearer, tc.screen, text, err)
			}
			if _, _, err := w.read(conn); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
				t.Errorf("ended with %v", err)
			}
		}
		conn, err := w.open(origin, w.bearer(), fusion.Self)
		if err != nil {
			t.Fatal(err)
		}
		hello := helloOf(t, func() ([]byte, error) { _, m, err := w.read(conn); return m, err })
		if hello.ViewOnly {
			t.Errorf("the page got %+v", hello)
		}
	}
}

// flood is a host whose screens say as much as their viewer takes.
type flood struct {
	fusion.Host
	said atomic.Int64 // bytes
}

func (f *flood) Screens() fusion.Screens { return floodScreens{f.Host.Screens(), f} }

type floodScreens struct {
	fusion.Screens
	f *flood
}

func (s floodScreens) Open(ctx context.Context, name string, o fusion.ViewOptions) (fusion.Pipe, error) {
	pipe, err := s.Screens.Open(ctx, name, o)
	return &floodPipe{Pipe: pipe, f: s.f, message: make([]byte, wire.MaxMessage), closed: make(chan struct{})}, err
}

type floodPipe struct {
	fusion.Pipe
	f       *flood
	message []byte
	closed  chan struct{}
	once    atomic.Bool
}

func (p *floodPipe) Read() ([]byte, error) {
	select {
	case <-p.closed:
		return nil, io.EOF
	default:
	}
	p.message[0] = 0x7f // a type that no viewer knows
	p.f.said.Add(int64(len(p.message)))
	return p.message, nil
}

func (p *floodPipe) Close() error {
	if p.once.CompareAndSwap(false, true) {
		close(p.closed)
	}
	return p.Pipe.Close()
}

// A page that does not read holds its screen back; nothing piles up here.
func TestASlowWebSocketIsBounded(t *testing.T) {
	w := newWeb(t)
	f := &flood{Host: w.scene.node.host}
	w.scene.node.host = f
	if _, err := w.open("http://"+w.addr, w.bearer(), fusion.Self); err != nil {
		t.Fatal(err)
	}
	w.waitViews(1)
	const most = 64 << 20 // buffers of the kernel are a few MiB
	still := 0
	for last := int64(-1); still < 20; {
		now := f.said.Load()
		if now > most {
			t.Fatalf("%d bytes were taken for a page that reads nothing", now)
		}
		if still++; now != last || now == 0 {
			still = 0
		}
		last = now
		time.Sleep(20 * time.Millisecond) // between looks
	}
	t.Logf("it stopped after %d KiB", f.said.Load()>>10)
	w.server.Close() // a viewer that does not read holds up nothing
	w.waitViews(0)
}

func TestErrorsComeThroughTheClient(t *testing.T) {
	s := newScene(t)
	refusing := &refuser{Host: s.node.host}
	s.node.host = refusing
	host := hostOf(s.owner(), "")
	for name, cause := range fusion.Causes {
		refusing.err = &fusion.Error{Op: "machine.start", Path: "vm", Cause: cause, Detail: "it has no disk", Hint: "give it one"}
		_, byGet := host.Machines().Get(t.Context(), "vm")
		byPut := host.Machines().Upload(t.Context(), "vm", 0, http.NoBody)
		_, byOpen := host.Screens().Open(t.Context(), "vm", fusion.ViewOptions{})
		for way, err := range map[string]error{"call": byGet, "put": byPut, "upgrade": byOpen} {
			var got *fusion.Error
			want := fusion.Error{Op: "machine.start", Path: "cloud/vm", Cause: cause, Detail: "it has no disk", Hint: "give it one"}
			if !errors.As(err, &got) || *got != want {
				t.Errorf("%s by %s: got %+v, %v", name, way, got, err)
			}
		}
	}
}

// refuser is a host that answers some calls with an error.
type refuser struct {
	fusion.Host
	err error
}

func (r *refuser) Machines() fusion.Machines { return refusingMachines{r.Host.Machines(), r.err} }
func (r *refuser) Screens() fusion.Screens   { return refusingScreens{r.Host.Screens(), r.err} }

type refusingMachines struct {
	fusion.Machines
	err error
}

func (m refusingMachines) Get(context.Context, string) (fusion.Machine, error) {
	return fusion.Machine{}, m.err
}

func (m refusingMachines) Upload(context.Context, string, int64, io.Reader) error { return m.err }

type refusingScreens struct {
	fusion.Screens
	err error
}

func (s refusingScreens) Open(context.Context, string, fusion.ViewOptions) (fusion.Pipe, error) {
	return nil, s.err
}

// A request is answered for this computer or refused: never passed on for
// another computer.
func TestAPeerNamesNoThirdHost(t *testing.T) {
	s := newScene(t)
	s.node.grant("laptop", fusion.AdminCap)
	peer, owner := s.peer("laptop"), s.owner()
	for name, mine := range map[string]bool{"": true, "cloud": true, "nas": false, "id-nas": false} {
		if _, err := hostOf(owner, name).Machines().List(t.Context()); err != nil {
			t.Errorf("the owner asks for %q: %v", name, err)
		}
		_, err := hostOf(peer, name).Machines().List(t.Context())
		_, opened := hostOf(peer, name).Screens().Open(t.Context(), "none", fusion.ViewOptions{})
		put := hostOf(peer, name).Machines().Upload(t.Context(), "x", 0, http.NoBody)
		for what, err := range map[string]error{"list": err, "open": opened, "put": put} {
			if errors.Is(err, fusion.ErrPermission) == mine || !mine && fusion.Hint(err) == "" {
				t.Errorf("a peer asks for %s of %q: %v", what, name, err)
			}
		}
	}
}

// Errors that the connection makes say what a person calls the host.
func TestErrorsNameTheHostAsAPersonDoes(t *testing.T) {
	s := newScene(t)
	dial := s.peer("12D3stranger")
	host := hostOf(dial, "12D3cloud")
	s.server.Close()
	_, info := host.Info(t.Context())
	_, stats := host.Machines().Stats(t.Context())
	_, folders := host.Folders().List(t.Context())
	var watch error
	for _, watch = range host.Watch(t.Context()) {
		break
	}
	for what, err := range map[string]error{"info": info, "stats": stats, "folders": folders, "watch": watch} {
		var e *fusion.Error
		if !errors.As(err, &e) || e.Path != "cloud" || !errors.Is(err, fusion.ErrOffline) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}
