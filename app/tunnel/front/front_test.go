package front

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hither/fusion"
)

// patience bounds what a test waits for; it is no measure.
const patience = time.Minute

// open begins a Front, until the test ends.
func open(t *testing.T, cfg Config) *Front {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	f := Open(cfg)
	t.Cleanup(f.Close)
	return f
}

// service is an HTTP service that says what it was asked, with a WebSocket that echoes.
func service(t *testing.T) func(context.Context) (net.Conn, error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/socket" {
			echo(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body) // what came of it is said
		fmt.Fprintf(w, "%s %s host=%s for=%s proto=%s real=%q forwarded=%q auth=%q body=%q", r.Method, r.URL.RequestURI(), r.Host,
			r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"), r.Header.Get("X-Real-Ip"), r.Header.Get("Forwarded"), r.Header.Get("Authorization"), body)
	}))
	t.Cleanup(server.Close)
	return func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		kind, data, err := c.Read(r.Context())
		if err != nil || c.Write(r.Context(), kind, data) != nil {
			return
		}
	}
}

func publish(t *testing.T, f *Front, s Site) *Lease {
	t.Helper()
	lease, err := f.Publish(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(lease.Close)
	return lease
}

// plain gives a client that comes to address whatever the name, and follows nothing.
func plain(t *testing.T, address string, trust *tls.Config) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: trust, ForceAttemptHTTP2: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func get(t *testing.T, c *http.Client, url string, change ...func(*http.Request)) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(r)
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func header(key, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(key, value) }
}

// TestNamesShareAnAddress: requests find their site, and what is not here answers alike.
func TestNamesShareAnAddress(t *testing.T) {
	f := open(t, Config{})
	one := publish(t, f, Site{Site: fusion.Site{Name: "one.example"}, Listen: "127.0.0.1:0", Reach: service(t)})
	two := publish(t, f, Site{Site: fusion.Site{Name: "two.example"}, Listen: one.Listen, Reach: service(t)})
	c := plain(t, one.Listen, nil)
	_, text := get(t, c, "http://ONE.example:8080/a?b", header("X-Forwarded-For", "6.6.6.6"), header("X-Real-Ip", "6.6.6.6"), header("Forwarded", "for=6.6.6.6"), header("X-Forwarded-Proto", "https"))
	if want := `GET /a?b host=ONE.example:8080 for=127.0.0.1 proto=http real="" forwarded="" auth="" body=""`; text != want {
		t.Errorf("%s\nwant %s", text, want)
	}
	if _, text := get(t, c, "http://two.example/"); !strings.Contains(text, "host=two.example ") {
		t.Error(text)
	}
	for _, name := range []string{"three.example", "127.0.0.1", "one.example.evil.example"} {
		if res, text := get(t, c, "http://"+name+"/"); res.StatusCode != http.StatusNotFound || text != "not found\n" {
			t.Errorf("%s: %s %q", name, res.Status, text)
		}
	}
	if _, err := f.Publish(Site{Site: fusion.Site{Name: "one.example"}, Listen: one.Listen}); !errors.Is(err, fusion.ErrExists) {
		t.Errorf("a name twice: %v", err)
	}
	two.Close()
	if res, _ := get(t, c, "http://two.example/"); res.StatusCode != http.StatusNotFound {
		t.Errorf("after it ended: %s", res.Status)
	}
	one.Close()
	if conn, err := net.Dial("tcp", one.Listen); err == nil {
		_ = conn.Close()
		t.Error("nobody is there, and it listens")
	} else if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error(err)
	}
}

// TestAPassword asks visitors, keeps no password, and hands none on.
func TestAPassword(t *testing.T) {
	f := open(t, Config{})
	hash, err := HashPassword("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	lease := publish(t, f, Site{Site: fusion.Site{Name: "one.example"}, Listen: "127.0.0.1:0", User: "me", Hash: hash, Reach: service(t)})
	c := plain(t, lease.Listen, nil)
	as := func(user, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	for _, wrong := range []func(*http.Request){func(*http.Request) {}, as("me", "wrong horse"), as("you", "correct horse"), as("me", hash), as("me", strings.Repeat("x", 100))} {
		if res, _ := get(t, c, "http://one.example/", wrong); res.StatusCode != http.StatusUnauthorized || res.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s", res.Status)
		}
	}
	for range 3 { // the second is known by its sum
		if res, text := get(t, c, "http://one.example/", as("me", "correct horse")); res.StatusCode != http.StatusOK || !strings.Contains(text, `auth=""`) {
			t.Errorf("%s %s", res.Status, text)
		}
	}
	for _, bad := range []string{"short", strings.Repeat("x", 73)} {
		if _, err := HashPassword(bad); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestHostileRequests sends what breaks other proxies.
func TestHostileRequests(t *testing.T) {
	f := open(t, Config{headTime: 300 * time.Millisecond})
	lease := publish(t, f, Site{Site: fusion.Site{Name: "one.example"}, Listen: "127.0.0.1:0", Reach: service(t)})
	for name, tc := range map[string]struct{ send, want string }{
		"length and chunks":   {"POST / HTTP/1.1\r\nHost: one.example\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n", `body=""`},
		"two lengths":         {"POST / HTTP/1.1\r\nHost: one.example\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", "400 Bad Request"},
		"strange chunks":      {"POST / HTTP/1.1\r\nHost: one.example\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501 Not Implemented"},
		"two hosts":           {"GET / HTTP/1.1\r\nHost: one.example\r\nHost: two.example\r\n\r\n", "400 Bad Request"},
		"no host":             {"GET / HTTP/1.1\r\n\r\n", "400 Bad Request"},
		"another's URL":       {"GET http://two.example/ HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n", "404 Not Found"},
		"connect":             {"CONNECT one.example:80 HTTP/1.1\r\nHost: one.example:80\r\nConnection: close\r\n\r\n", "405 Method Not Allowed"},
		"a space in a header": {"GET / HTTP/1.1\r\nHost: one.example\r\nX Y: z\r\n\r\n", "400 Bad Request"},
		"huge headers":        {"GET / HTTP/1.1\r\nHost: one.example\r\nX: " + strings.Repeat("x", maxHead+8192), "431 Request Header Fields Too Large"},
		"slow headers":        {"GET / HTTP/1.1\r\nHost: one.example\r\nX:", ""},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", lease.Listen)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, tc.send); err != nil && name != "huge headers" {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(bufio.NewReader(conn)) // it ends because the other side ends it
			if errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(string(answer), tc.want) || tc.want == "" && len(answer) > 0 && !strings.Contains(string(answer), "408") {
				t.Errorf("%q, %v", answer, err)
			}
		})
	}
}

// TestOneVisitorTakesNotAll bounds the connections of one address.
func TestOneVisitorTakesNotAll(t *testing.T) {
	l := &listener{}
	l.each = map[netip.Addr]int{}
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for range maxEach {
		if !l.enter(a) {
			t.Fatal("refused too early")
		}
	}
	if l.enter(a) || !l.enter(b) {
		t.Error("one visitor has no bound, or another has none of its own")
	}
	l.leave(a)
	if !l.enter(a) {
		t.Error("a place that is free again is not given")
	}
}

// TestAPortThatIsTaken gives the listener's own error, for HTTP beside HTTPS too.
func TestAPortThatIsTaken(t *testing.T) {
	f := open(t, Config{CA: "https://127.0.0.1:1/dir"})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr)
	_, err = f.Publish(Site{Site: fusion.Site{Name: "one.example"}, Listen: taken.String()})
	if !errors.Is(err, syscall.EADDRINUSE) || OfPlain(err) {
		t.Error(err)
	}
	_, err = f.Publish(Site{Site: fusion.Site{Name: "one.example", TLS: true, Plain: taken.Port}, Listen: "127.0.0.1:0"})
	if !errors.Is(err, syscall.EADDRINUSE) || !OfPlain(err) || len(f.Ports()) != 0 {
		t.Errorf("%v; it listens on %v", err, f.Ports())
	}
}

// eventually asks until it is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time: " + what)
		}
	}
}
