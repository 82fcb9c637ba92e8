package tunnel

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hither/fusion"
)

const example = "www.example.org"

// greeter is a web service of this computer.
func greeter(t *testing.T) (port int) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "welcome") }))
	t.Cleanup(server.Close)
	return server.Listener.Addr().(*net.TCPAddr).Port
}

// siteSpec publishes a name by HTTP on b.
func siteSpec(name string, port int) fusion.TunnelSpec {
	return fusion.TunnelSpec{Kind: fusion.ReverseTunnel, Host: "b", Listen: "127.0.0.1:0", Open: true,
		Site: fusion.Site{Name: name}, Target: fusion.Target{Port: port}}
}

// visit asks for a name at an address, and gives the answer's status and text.
func visit(t *testing.T, at, name, user, password string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = name
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return res.StatusCode, err.Error()
	}
	return res.StatusCode, string(body)
}

// sited gives two hosts of which b lets everybody publish a name.
func sited(t *testing.T, names ...string) (a, b *host) {
	a, b = two(t)
	b.f.mu.Lock()
	for _, name := range names {
		b.objects = append(b.objects, fusion.Grant{Cap: fusion.TunnelCap, Object: "http:" + name})
	}
	b.f.mu.Unlock()
	return a, b
}

// TestSite: a name is there as long as the stream that holds it, comes back after a break, and
// goes with its grant and with its tunnel.
func TestSite(t *testing.T) {
	a, b := sited(t, example)
	made := a.add(t, siteSpec(example, greeter(t)))
	welcome := func() bool {
		status, text := visit(t, a.shownAs(t, made.ID).Listen, example, "", "")
		return status == http.StatusOK && text == "welcome"
	}
	if !welcome() {
		t.Fatal("the service does not answer")
	}
	at := made.Listen
	if status, _ := visit(t, at, "other.example.org", "", ""); status != http.StatusNotFound {
		t.Errorf("another name: %d", status)
	}
	a.f.cut(false)
	until(t, "it is back", welcome)
	b.f.mu.Lock()
	b.objects = nil
	b.f.mu.Unlock()
	b.GrantsChanged("a")
	until(t, "it is refused", func() bool { return a.shownAs(t, made.ID).State == fusion.TunnelFailed })
	if status, text := visit(t, at, example, "", ""); status == http.StatusOK {
		t.Errorf("without a grant: %d %q", status, text)
	}
	b.f.mu.Lock()
	b.objects = []fusion.Grant{{Cap: fusion.TunnelCap, Object: "http:" + example}}
	b.f.mu.Unlock()
	a.PeerBack("b")
	until(t, "it is allowed", welcome)
	at = a.shownAs(t, made.ID).Listen
	if err := a.Remove(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	until(t, "it is closed", func() bool { status, _ := visit(t, at, example, "", ""); return status == 0 })
}

// TestSiteRefused: what a host does not publish for another.
func TestSiteRefused(t *testing.T) {
	a, b := sited(t, example)
	port := greeter(t)
	_, err := a.Add(t.Context(), siteSpec("other.example.org", port))
	refusedWith(t, "a name that is not granted, though tunnel is", err, fusion.ErrPermission)
	spec := siteSpec(example, port)
	b.own = []int{4711}
	spec.Listen = "127.0.0.1:4711"
	_, err = a.Add(t.Context(), spec)
	refusedWith(t, "the node's own port", err, fusion.ErrPermission)
	made := a.add(t, siteSpec(example, port))
	c := a.f.open(t, "c", t.TempDir())
	c.grant("b", fusion.TunnelCap)
	spec.Listen = made.Listen
	_, err = c.Add(t.Context(), spec)
	refusedWith(t, "a name that another computer has", err, fusion.ErrExists)
	if status, text := visit(t, made.Listen, example, "", ""); status != http.StatusOK {
		t.Errorf("the one that has it: %d %q", status, text)
	}
	for what, h := range map[string]hello{
		"no site":            {Do: doSite, Tunnel: "x", Listen: "127.0.0.1:0"},
		"a tunnel's name":    {Do: doSite, Tunnel: strings.Repeat("x", 65), Listen: "127.0.0.1:0", Site: fusion.Site{Name: example}},
		"a user's name":      {Do: doSite, Tunnel: "x", Listen: "127.0.0.1:0", Site: fusion.Site{Name: example}, User: strings.Repeat("x", 256)},
		"a hash":             {Do: doSite, Tunnel: "x", Listen: "127.0.0.1:0", Site: fusion.Site{Name: example}, Hash: strings.Repeat("x", 101)},
		"a name of a path":   {Do: doSite, Tunnel: "x", Listen: "127.0.0.1:0", Site: fusion.Site{Name: "../etc"}},
		"nowhere to listen":  {Do: doSite, Tunnel: "x", Listen: "", Site: fusion.Site{Name: example}},
		"a socket of a file": {Do: doSite, Tunnel: "x", Listen: "unix:/tmp/site", Site: fusion.Site{Name: example}},
	} {
		conn, _, err := a.ask(t.Context(), "b", h)
		if err == nil {
			conn.Close()
		}
		refusedWith(t, what, err, fusion.ErrInvalid)
	}
}

// TestSitePassword: visitors are asked for it, and it is kept nowhere.
func TestSitePassword(t *testing.T) {
	a, _ := sited(t, example)
	spec := siteSpec(example, greeter(t))
	spec.User, spec.Password = "me", "open sesame"
	made := a.add(t, spec)
	for _, c := range []struct {
		user, password string
		want           int
	}{{"", "", 401}, {"me", "sesame", 401}, {"you", "open sesame", 401}, {"me", "open sesame", 200}} {
		if status, _ := visit(t, made.Listen, example, c.user, c.password); status != c.want {
			t.Errorf("%q %q: %d, want %d", c.user, c.password, status, c.want)
		}
	}
	err := filepath.WalkDir(a.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), spec.Password) {
			t.Errorf("%s has the password", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSiteNews: what the host says of a certificate is shown, bounded, and gone with the stream.
func TestSiteNews(t *testing.T) {
	near, far, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	e := &entry{}
	ended := make(chan struct{})
	go func() { // ends with far
		defer close(ended)
		siteDoor{hold{near}, e}.Wait()
	}()
	news := func() siteNews {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.news
	}
	day := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := writeFrame(far, siteNews{Until: day, Why: strings.Repeat("因", 200)}); err != nil {
		t.Fatal(err)
	}
	until(t, "the news", func() bool { return news().Until.Equal(day) })
	if why := news().Why; len(why) > 300 || !utf8.ValidString(why) || why == "" {
		t.Errorf("%d bytes, valid %v", len(why), utf8.ValidString(why))
	}
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	<-ended
	if news() != (siteNews{}) {
		t.Errorf("after the end: %v", news())
	}
}
