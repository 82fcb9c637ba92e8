//go:build linux && e2e

package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"hither/internal/acmetest"
)

// TestSites publishes services of one node by name at another, which gets a certificate for
// it from a CA, and kills either.
func TestSites(t *testing.T) {
	tlsPort, httpPort := acmetest.Port(t), acmetest.Port(t)
	ca := acmetest.Start(t, acmetest.Config{HTTPPort: httpPort, TLSPort: tlsPort})
	a, b := newNode(t, "here", nil), newNode(t, "cloud", nil)
	a.libvirt, b.libvirt = "off", "off"
	withCA := []string{"--acme", ca.Directory, "--acme-roots", ca.TrustFile}
	b.start(withCA...)
	together(t, a, b)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/socket" {
			c, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			defer c.CloseNow()
			if kind, data, err := c.Read(r.Context()); err == nil {
				_ = c.Write(r.Context(), kind, data) // the client hears of it or not
				_, _, _ = c.Read(r.Context())        // it says goodbye
			}
			return
		}
		fmt.Fprintf(w, "hello from %s over %s for %s", r.Host, r.Header.Get("X-Forwarded-Proto"), r.Header.Get("X-Forwarded-For"))
	}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := "cloud:127.0.0.1:" + strconv.Itoa(tlsPort)

	// What is no name, terms that nobody accepted, a port that is taken, a name twice.
	a.refused(2, "no name of a site", "publish", "--https", "10.0.0.1", "--agree", port, at)
	a.refused(2, "terms of its CA", "publish", "--https", "one.example", port, at)
	a.refused(1, "another program has this port", "publish", "--http", "one.example", port, "cloud:127.0.0.1:"+port)
	a.hither("publish", "--https", "one.example", "--agree", "--plain", strconv.Itoa(httpPort), port, at)
	a.hither("publish", "--https", "two.example", "--agree", "--plain", strconv.Itoa(httpPort), "--password-file", secret, port, at)
	a.refused(1, "exists already", "publish", "--https", "one.example", "--agree", port, at)

	client := func(address string) *http.Client {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Roots}, DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", address)
		}}
		return &http.Client{Transport: transport, Timeout: patience}
	}
	visitor := client("127.0.0.1:" + strconv.Itoa(tlsPort))
	fetch := func(url, password string) (int, string) {
		r, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			r.SetBasicAuth("anybody", password)
		}
		res, err := visitor.Do(r)
		if err != nil {
			return 0, err.Error()
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			return 0, err.Error()
		}
		return res.StatusCode, string(text)
	}
	const hello = "hello from one.example over https for 127.0.0.1"
	works := func() bool { _, text := fetch("https://one.example/", ""); return text == hello }
	until(t, "the first site has a certificate", works)
	until(t, "the second site asks", func() bool { code, _ := fetch("https://two.example/", ""); return code == http.StatusUnauthorized })
	if code, _ := fetch("https://two.example/", "wrong horse"); code != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d", code)
	}
	if code, text := fetch("https://two.example/", "correct horse"); code != http.StatusOK || !strings.Contains(text, "two.example") {
		t.Errorf("the right password: %d %s", code, text)
	}
	if code, text := fetch("https://three.example/", ""); code != 0 {
		t.Errorf("a name that is not published: %d %s", code, text)
	}
	until(t, "it is told until when it holds", func() bool { return strings.Contains(a.hither("forward", "ls"), "certificate until ") })
	res, err := (&http.Client{Transport: client("127.0.0.1:" + strconv.Itoa(httpPort)).Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Get("http://one.example/a")
	if err != nil || res.Header.Get("Location") != "https://one.example:"+strconv.Itoa(tlsPort)+"/a" {
		t.Errorf("HTTP leads to %v, %v", res, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "wss://one.example/socket", &websocket.DialOptions{HTTPClient: visitor})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if err := c.Write(ctx, websocket.MessageText, []byte("ping")); err != nil {
		t.Fatal(err)
	}
	if _, data, err := c.Read(ctx); err != nil || string(data) != "ping" {
		t.Errorf("the WebSocket said %q, %v", data, err)
	}
	if kept, err := os.ReadFile(filepath.Join(a.home, "tunnels", "tunnels.json")); err != nil || strings.Contains(string(kept), "correct horse") {
		t.Errorf("the password is kept as it is, or %v", err)
	}

	// Either is killed: the site is there again, with the certificate that it had.
	orders := ca.Orders()
	for _, n := range []*node{b, a} {
		n.kill()
		n.start(map[*node][]string{b: withCA}[n]...)
		until(t, n.name+" is back and so is the site", works)
	}
	if ca.Orders() != orders {
		t.Errorf("%d orders, then %d", orders, ca.Orders())
	}

	// A grant of everything that is no admin opens nothing to strangers; one of the name does.
	b.hither("host", "grant", "here", "-admin", "+tunnel")
	until(t, "the site ends with the grant", func() bool { return !works() })
	a.refused(4, "tunnel@https:new.example", "publish", "--https", "new.example", "--agree", port, at)
	b.hither("host", "grant", "here", "+tunnel@https:one.example")
	until(t, "the name was granted", works)
	a.hither("forward", "rm", "one.example")
	if works() {
		t.Error("a site that was removed answers")
	}
}
