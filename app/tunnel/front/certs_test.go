package front

import (
	"context"
	"crypto/tls"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"hither/fusion"
	"hither/internal/acmetest"
)

// TestACAThatIsAway keeps the site, and says why it has no certificate.
func TestACAThatIsAway(t *testing.T) {
	f := open(t, Config{CA: "https://127.0.0.1:" + strconv.Itoa(acmetest.Port(t)) + "/dir"})
	lease := publish(t, f, Site{Site: fusion.Site{Name: "one.example", TLS: true, Agreed: true}, Listen: "127.0.0.1:0"})
	eventually(t, "the reason is known", func() bool {
		_, why := lease.Certificate()
		return strings.Contains(why, "connection refused")
	})
}

// TestCertificates gets one by each of the CA's questions, serves with it over HTTP/1.1 and 2,
// keeps it over a restart without another order, and refuses other names.
func TestCertificates(t *testing.T) {
	for _, over := range []string{"http-01", "tls-alpn-01"} {
		t.Run(over, func(t *testing.T) { testCertificate(t, over) })
	}
}

func testCertificate(t *testing.T, over string) {
	httpPort, tlsPort := acmetest.Port(t), acmetest.Port(t)
	nobody := acmetest.Port(t)
	asked := acmetest.Config{HTTPPort: nobody, TLSPort: tlsPort}
	if over == "http-01" {
		asked = acmetest.Config{HTTPPort: httpPort, TLSPort: nobody}
	}
	ca := acmetest.Start(t, asked)
	dir := t.TempDir()
	f := open(t, Config{Dir: dir, CA: ca.Directory, Roots: ca.Trust})
	site := Site{Site: fusion.Site{Name: "one.example", TLS: true, Plain: httpPort, Agreed: true, Email: "me@example.org"}, Listen: "127.0.0.1:" + strconv.Itoa(tlsPort), Reach: service(t)}
	lease := publish(t, f, site)
	certified(t, lease)
	trust := &tls.Config{RootCAs: ca.Roots}
	c := plain(t, lease.Listen, trust)
	res, text := get(t, c, "https://one.example/")
	if res.ProtoMajor != 2 || !strings.Contains(text, "proto=https") {
		t.Errorf("%s %s", res.Proto, text)
	}
	if res, _ := get(t, c, "https://one.example/", func(r *http.Request) { r.Host = "two.example" }); res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("another's name over the connection: %s", res.Status)
	}
	for _, name := range []string{"two.example", ""} {
		conn, err := tls.Dial("tcp", lease.Listen, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err == nil {
			_ = conn.Close()
			t.Errorf("a handshake for %q", name)
		}
	}
	over80 := plain(t, "127.0.0.1:"+strconv.Itoa(httpPort), nil)
	for path, want := range map[string]string{"/a?b=c": "/a?b=c", "//evil.example/": "//evil.example/"} {
		res, _ := get(t, over80, "http://one.example"+path, header("X-Forwarded-Host", "evil.example"))
		if to := res.Header.Get("Location"); res.StatusCode != http.StatusPermanentRedirect || to != "https://one.example:"+strconv.Itoa(tlsPort)+want {
			t.Errorf("%s %s", res.Status, to)
		}
	}
	socket(t, lease.Listen, trust)
	ownersAlone(t, dir)
	before := ca.Orders()
	f.Close()
	again := open(t, Config{Dir: dir, CA: ca.Directory, Roots: ca.Trust})
	certified(t, publish(t, again, site))
	if _, text := get(t, plain(t, lease.Listen, trust), "https://one.example/"); !strings.Contains(text, "host=one.example ") {
		t.Error(text)
	}
	// A question that fails ends its order, and the other kind is asked with the next.
	if before < 1 || before > 2 || ca.Orders() != before {
		t.Errorf("%d orders, then %d", before, ca.Orders())
	}
}

func certified(t *testing.T, lease *Lease) {
	t.Helper()
	eventually(t, "a certificate", func() bool {
		until, why := lease.Certificate()
		if why != "" {
			t.Fatal(why)
		}
		return !until.IsZero()
	})
}

// socket echoes over a WebSocket.
func socket(t *testing.T, address string, trust *tls.Config) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trust, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}}}
	c, _, err := websocket.Dial(ctx, "wss://one.example/socket", &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if err := c.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, data, err := c.Read(ctx); err != nil || string(data) != "hello" {
		t.Errorf("%q, %v", data, err)
	}
}

// ownersAlone wants every file to be the owner's alone.
func ownersAlone(t *testing.T, dir string) {
	t.Helper()
	keys := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", path, info.Mode())
		}
		if strings.HasSuffix(path, ".key") {
			keys++
		}
		return err
	})
	if err != nil || keys < 2 { // the account's, and the certificate's
		t.Errorf("%d keys, %v", keys, err)
	}
}

// TestACertificateIsRenewed before it ends, and served without a restart.
func TestACertificateIsRenewed(t *testing.T) {
	tlsPort := acmetest.Port(t)
	ca := acmetest.Start(t, acmetest.Config{HTTPPort: acmetest.Port(t), TLSPort: tlsPort, Lifetime: time.Hour})
	f := open(t, Config{CA: ca.Directory, Roots: ca.Trust, renewAt: 0.9999, renewCheck: 200 * time.Millisecond})
	lease := publish(t, f, Site{Site: fusion.Site{Name: "one.example", TLS: true, Agreed: true}, Listen: "127.0.0.1:" + strconv.Itoa(tlsPort), Reach: service(t)})
	certified(t, lease)
	serial := func() string {
		conn, err := tls.Dial("tcp", lease.Listen, &tls.Config{ServerName: "one.example", RootCAs: ca.Roots})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first := serial()
	eventually(t, "another certificate", func() bool { return serial() != first })
	if _, why := lease.Certificate(); why != "" {
		t.Error(why)
	}
}
