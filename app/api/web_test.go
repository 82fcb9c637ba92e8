package api

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"hither/app/client"
	pb "hither/proto/hither/v1"
)

// web is the page's door, with a client that asks like a browser.
type web struct {
	*scene
	addr string
	http *http.Client
	node *client.Client // the owner's command line
}

func newWeb(t *testing.T) *web {
	s := newScene(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.server.ServeWeb(listener)
	dial := s.owner()
	return &web{scene: s, addr: listener.Addr().String(), node: client.New(dial, dial),
		http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

// ask makes a request with headers in pairs and gives the answer with its body.
func (w *web) ask(method, path, body string, headers ...string) (*http.Response, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, "http://"+w.addr+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	res, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res, string(text)
}

const listPath = "/hither.v1.MachineService/List"

// list asks for the machines as the page does.
func (w *web) list(headers ...string) (*http.Response, string) {
	w.t.Helper()
	return w.ask(http.MethodPost, listPath, "{}", append([]string{"Content-Type", "application/json"}, headers...)...)
}

// trade gives a one-time token away for a bearer; "" when it is refused.
func (w *web) trade(token string) (bearer string, status int) {
	w.t.Helper()
	res, text := w.ask(http.MethodPost, "/hither.v1.NodeService/Session", `{"token":"`+token+`"}`, "Content-Type", "application/json")
	var answer struct{ Bearer string }
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		w.t.Fatal(err, text)
	}
	return answer.Bearer, res.StatusCode
}

func (w *web) token() string {
	w.t.Helper()
	res, err := w.node.Nodes.WebToken(w.t.Context(), connect.NewRequest(&pb.WebTokenRequest{}))
	if err != nil {
		w.t.Fatal(err)
	}
	if res.Msg.Url != "http://"+w.addr+"/#token="+res.Msg.Token {
		w.t.Errorf("url %q", res.Msg.Url)
	}
	return res.Msg.Token
}

func (w *web) bearer() string {
	w.t.Helper()
	bearer, _ := w.trade(w.token())
	if bearer == "" {
		w.t.Fatal("no bearer")
	}
	return bearer
}

func TestWebNeedsATokenOfTheOwner(t *testing.T) {
	w := newWeb(t)
	for _, headers := range [][]string{nil, {"Authorization", "Bearer nonsense"}, {"Authorization", "Bearer "}, {"Authorization", w.token()}} {
		if res, text := w.list(headers...); res.StatusCode != http.StatusUnauthorized || strings.Contains(text, `"machines"`) {
			t.Errorf("with %q: %s %s", headers, res.Status, text)
		}
	}
	if res, _ := w.ask(http.MethodPut, "/images/x", "1"); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("an image: %s", res.Status)
	}
	bearer := w.bearer()
	if res, text := w.list("Authorization", "Bearer "+bearer); res.StatusCode != http.StatusOK || !strings.Contains(text, `"cloud/self"`) {
		t.Errorf("with a bearer: %s %s", res.Status, text)
	}
	if res, text := w.ask(http.MethodPut, "/images/x", "1", "Authorization", "Bearer "+bearer); res.StatusCode != http.StatusNoContent {
		t.Errorf("an image: %s %s", res.Status, text)
	}
	if res, text := w.ask(http.MethodPut, "/images/x", "1", "Authorization", "Bearer "+bearer); res.StatusCode != http.StatusConflict {
		t.Errorf("an image again: %s %s", res.Status, text)
	}
}

func TestOneTimeTokens(t *testing.T) {
	w := newWeb(t)
	token := w.token()
	if bearer, status := w.trade(token); bearer == "" {
		t.Errorf("refused: %d", status)
	}
	if bearer, status := w.trade(token); bearer != "" || status != http.StatusUnauthorized {
		t.Errorf("used twice: %q, %d", bearer, status)
	}
	token = w.token()
	w.server.tokens.mu.Lock()
	for hash := range w.server.tokens.once {
		w.server.tokens.once[hash] = time.Now().Add(-time.Second)
	}
	w.server.tokens.mu.Unlock()
	if bearer, status := w.trade(token); bearer != "" || status != http.StatusUnauthorized {
		t.Errorf("too old: %q, %d", bearer, status)
	}
}

func TestWebKeepsOtherSitesOut(t *testing.T) {
	w := newWeb(t)
	bearer := []string{"Authorization", "Bearer " + w.bearer()}
	port := w.addr[strings.LastIndex(w.addr, ":"):]
	for _, tc := range []struct {
		header, value string
		status        int
	}{
		{"Host", "evil.example", http.StatusForbidden}, // DNS rebinding
		{"Host", "evil.example" + port, http.StatusForbidden},
		{"Host", "wails.localhost", http.StatusForbidden},
		{"Host", "127.0.0.1", http.StatusForbidden},
		{"Host", "localhost" + port, http.StatusOK},
		{"Origin", "http://evil.example", http.StatusForbidden},
		{"Origin", "http://127.0.0.1:1", http.StatusForbidden},
		{"Origin", "null", http.StatusForbidden},
		{"Origin", "https://" + w.addr, http.StatusForbidden},
		{"Origin", "http://" + w.addr, http.StatusOK},
		{"Origin", "http://localhost" + port, http.StatusOK},
		{"Origin", "wails://wails", http.StatusOK},
		{"Sec-Fetch-Site", "cross-site", http.StatusForbidden},
		{"Sec-Fetch-Site", "same-origin", http.StatusOK},
	} {
		if res, text := w.list(append(bearer, tc.header, tc.value)...); res.StatusCode != tc.status {
			t.Errorf("%s %s: %s %s", tc.header, tc.value, res.Status, text)
		}
		if res, _ := w.ask(http.MethodGet, "/", "", tc.header, tc.value); res.StatusCode != tc.status {
			t.Errorf("page with %s %s: %s", tc.header, tc.value, res.Status)
		}
	}
}

func TestTheWindowMayReadAnswers(t *testing.T) {
	w := newWeb(t)
	for _, origin := range shellOrigins {
		res, _ := w.ask(http.MethodOptions, listPath, "", "Origin", origin, "Access-Control-Request-Method", "POST",
			"Access-Control-Request-Headers", "authorization,content-type,connect-protocol-version,hither-trace")
		h := res.Header
		if res.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != origin || h.Get("Vary") != "Origin" ||
			!strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "PUT") {
			t.Errorf("preflight of %s: %s %v", origin, res.Status, h)
		}
		if res, _ := w.list("Origin", origin); res.Header.Get("Access-Control-Allow-Origin") != origin {
			t.Errorf("a call of %s: %v", origin, res.Header)
		}
	}
	for _, origin := range []string{"", "http://" + w.addr, "http://evil.example"} {
		var headers []string
		if origin != "" {
			headers = []string{"Origin", origin}
		}
		if res, _ := w.ask(http.MethodOptions, listPath, "", headers...); res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%q may read answers: %v", origin, res.Header)
		}
	}
}

func TestPage(t *testing.T) {
	w := newWeb(t)
	for _, tc := range []struct {
		method, path, want string
		status             int
	}{
		{http.MethodGet, "/", "<title>page", http.StatusOK},
		{http.MethodGet, "/machine/cloud/vm.1", "<title>page", http.StatusOK},
		{http.MethodGet, "/app/my.host/self/org.xfce.mousepad-1", "<title>page", http.StatusOK},
		{http.MethodGet, "/apps/my.host", "<title>page", http.StatusOK},
		{http.MethodGet, "/assets/a.js", "1", http.StatusOK},
		{http.MethodGet, "/assets/none.js", "", http.StatusNotFound},
		{http.MethodGet, "/../../etc/passwd.txt", "", http.StatusNotFound},
		{http.MethodPost, "/", "", http.StatusMethodNotAllowed},
	} {
		res, text := w.ask(tc.method, tc.path, "")
		if res.StatusCode != tc.status || !strings.Contains(text, tc.want) {
			t.Errorf("%s %s: %s %q", tc.method, tc.path, res.Status, text)
		}
		if res.Header.Get("X-Content-Type-Options") != "nosniff" && tc.status == http.StatusOK ||
			!strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'self'") && tc.status == http.StatusOK {
			t.Errorf("%s: %v", tc.path, res.Header)
		}
	}
}
