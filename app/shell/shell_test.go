package shell

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"connectrpc.com/connect"
	"go.uber.org/goleak"

	"hither/app/home"
	"hither/fusion"
	pb "hither/proto/hither/v1"
	"hither/proto/hither/v1/hitherv1connect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests.
const patience = 30 * time.Second

// testHome is a home with short socket paths.
func testHome(t *testing.T) home.Home {
	t.Helper()
	run, err := os.MkdirTemp("/tmp", "hshell")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(run); err != nil {
			t.Error(err)
		}
	})
	h := home.Home{Dir: filepath.Join(run, "home"), Run: filepath.Join(run, "r"), Explicit: true}
	if err := h.Make(); err != nil {
		t.Fatal(err)
	}
	return h
}

// node is an API that knows just enough for a window.
type node struct {
	hitherv1connect.UnimplementedNodeServiceHandler
	url  string
	away chan struct{} // ends Watch
}

func (n *node) Status(context.Context, *connect.Request[pb.StatusRequest]) (*connect.Response[pb.StatusResponse], error) {
	return connect.NewResponse(&pb.StatusResponse{Name: "desk"}), nil
}

func (n *node) WebToken(context.Context, *connect.Request[pb.WebTokenRequest]) (*connect.Response[pb.WebTokenResponse], error) {
	return connect.NewResponse(&pb.WebTokenResponse{Url: n.url, Token: "once"}), nil
}

func (n *node) Watch(ctx context.Context, _ *connect.Request[pb.WatchRequest], out *connect.ServerStream[pb.Event]) error {
	if err := out.Send(&pb.Event{Kind: string(fusion.EventReady)}); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-n.away:
	}
	return nil
}

// run serves the node on the home's socket until end is called.
func (n *node) run(t *testing.T, h home.Home) (end func()) {
	t.Helper()
	n.away = make(chan struct{})
	listener, err := net.Listen("unix", h.Socket())
	if err != nil {
		t.Fatal(err)
	}
	_, handler := hitherv1connect.NewNodeServiceHandler(n)
	server := &http.Server{Handler: handler}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends by Close
	}()
	end = sync.OnceFunc(func() {
		close(n.away)
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-served
	})
	t.Cleanup(end)
	return end
}

// glass is a desktop that tells what was asked of it.
type glass struct{ did chan string }

func newGlass() *glass                                  { return &glass{did: make(chan string, 16)} }
func (g *glass) SetTitle(title string)                  { g.did <- "title " + title }
func (g *glass) Raise()                                 { g.did <- "raise" }
func (g *glass) Reload()                                { g.did <- "reload" }
func (g *glass) Complain(text string)                   { g.did <- "complain " + text }
func (g *glass) ChooseDirectory(string) (string, error) { return "/chosen", nil }
func (g *glass) Notify(string, string) error            { return nil }

func (g *glass) expect(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-g.did:
		if got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("%q did not come", want)
	}
}

func startedBridge(t *testing.T, h home.Home) (*Bridge, *glass) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	b, g := newBridge(h), newGlass()
	b.start(ctx, g)
	return b, g
}

func TestEndpointCarriesNoTokenInItsURL(t *testing.T) {
	h := testHome(t)
	(&node{url: "http://127.0.0.1:7/#token=once"}).run(t, h)
	b, _ := startedBridge(t, h)
	got, err := b.Endpoint()
	if err != nil || got != (Endpoint{URL: "http://127.0.0.1:7/", Token: "once"}) {
		t.Fatalf("Endpoint = %+v, %v", got, err)
	}
}

func TestEndpointOfANodeWithoutPage(t *testing.T) {
	h := testHome(t)
	(&node{}).run(t, h)
	b, _ := startedBridge(t, h)
	if _, err := b.Endpoint(); !errors.Is(err, fusion.ErrUnsupported) || fusion.Hint(err) == "" {
		t.Fatalf("Endpoint = %v, want ErrUnsupported with a hint", err)
	}
}

func TestEndpointDoesNotStartANodeTwice(t *testing.T) {
	h := testHome(t)
	end := (&node{url: "http://127.0.0.1:7/"}).run(t, h)
	b, _ := startedBridge(t, h)
	if _, err := b.Endpoint(); err != nil {
		t.Fatal(err)
	}
	end()
	if _, err := b.Endpoint(); !errors.Is(err, fusion.ErrOffline) || !strings.Contains(fusion.Hint(err), "hither up") {
		t.Fatalf("Endpoint = %v, want ErrOffline", err)
	}
}

func TestWatchFollowsTheNode(t *testing.T) {
	h := testHome(t)
	end := (&node{url: "http://127.0.0.1:7/"}).run(t, h)
	b, g := startedBridge(t, h)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.watch(ctx)
	}()
	if _, err := b.Endpoint(); err != nil {
		t.Fatal(err)
	}
	end()
	g.expect(t, "title "+titleAway)
	(&node{}).run(t, h)
	g.expect(t, "title "+title)
	g.expect(t, "reload")
	cancel()
	<-done
}

func TestSecondStartRaisesTheFirst(t *testing.T) {
	h, g := testHome(t), newGlass()
	// A window that was killed leaves its socket.
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(h.Run, "window.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	first, err := claim(h)
	if err != nil {
		t.Fatal(err)
	}
	go first.serve(g.Raise)
	if _, err := claim(h); !errors.Is(err, errShown) {
		t.Errorf("second claim: %v, want errShown", err)
	}
	g.expect(t, "raise")
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	again, err := claim(h)
	if err != nil {
		t.Fatalf("claim after Close: %v", err)
	}
	go again.serve(g.Raise)
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestWindowThatNeverStartedCloses(t *testing.T) {
	t.Setenv("DISPLAY", ":0")
	w, err := New(testHome(t), fstest.MapFS{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestPageOrPlaceholder(t *testing.T) {
	o := pageOptions(fstest.MapFS{"index.html": {Data: []byte("<html><head><title>page</title></head></html>")}})
	if o.Assets == nil {
		t.Error("the page is not served")
	}
	for path, want := range map[string]int{"/machine/cloud/web": 200, "/machine/cloud/a.b": 200, "/assets/gone.js": 404} {
		w := httptest.NewRecorder()
		o.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		bound := strings.Contains(w.Body.String(), `<script src="/wails/runtime.js">`)
		if w.Code != want || bound != (want == 200) {
			t.Errorf("%s: got %d %q", path, w.Code, w.Body)
		}
	}
	o = pageOptions(fstest.MapFS{placeholder: {Data: []byte("run make build")}})
	w := httptest.NewRecorder()
	o.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
}

func TestErrorsKeepTheirParts(t *testing.T) {
	err := &fusion.Error{Op: "node", Cause: fusion.ErrOffline, Hint: "start it"}
	parts, ok := pageError(err).(map[string]string)
	if !ok || parts["op"] != "node" || parts["cause"] != "offline" || parts["hint"] != "start it" {
		t.Errorf("got %v", parts)
	}
	if got := errorText(err); got != "node: offline; start it" {
		t.Errorf("got %q", got)
	}
}
