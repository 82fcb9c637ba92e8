package tunnel

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/proxy"

	"hither/fusion"
)

func page(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %v", r.Host, r.URL, r.Header["Proxy-Authorization"])
	}))
	t.Cleanup(s.Close)
	return s
}

// TestSOCKS speaks to the proxy by golang.org/x/net's client.
func TestSOCKS(t *testing.T) {
	a, b := two(t)
	made := a.add(t, fusion.TunnelSpec{Kind: fusion.ProxyTunnel, Host: "b"})
	withUser := a.add(t, fusion.TunnelSpec{Kind: fusion.ProxyTunnel, Host: "b", User: "anna", Password: "secret"})
	port := shouter(t)
	b.names["shop.example"] = []netip.Addr{netip.MustParseAddr("127.0.0.1")} // a trick
	for _, c := range []struct {
		what, listen, target string
		auth                 *proxy.Auth
		ok                   bool
	}{
		{"by address", made.Listen, fmt.Sprintf("127.0.0.1:%d", port), nil, true},
		{"by name", made.Listen, fmt.Sprintf("localhost:%d", port), nil, true},
		{"rebound", made.Listen, fmt.Sprintf("shop.example:%d", port), nil, false},
		{"nobody", made.Listen, "127.0.0.1:1", nil, false},
		{"unspecified", made.Listen, fmt.Sprintf("0.0.0.0:%d", port), nil, false},
		{"user", withUser.Listen, fmt.Sprintf("127.0.0.1:%d", port), &proxy.Auth{User: "anna", Password: "secret"}, true},
		{"wrong user", withUser.Listen, fmt.Sprintf("127.0.0.1:%d", port), &proxy.Auth{User: "anna", Password: "secret2"}, false},
		{"no user", withUser.Listen, fmt.Sprintf("127.0.0.1:%d", port), nil, false},
	} {
		d, err := proxy.SOCKS5("tcp", c.listen, c.auth, proxy.Direct)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := d.Dial("tcp", c.target)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.what, err)
		}
		if err != nil {
			continue
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(conn, "hi")
		got := make([]byte, 2)
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != "HI" {
			t.Errorf("%s: %q, %v", c.what, got, err)
		}
		_ = conn.Close()
	}
	if now := a.shownAs(t, made.ID); now.State != fusion.TunnelOpen {
		t.Errorf("a target that nobody listens at made it %+v", now)
	}
}

func TestAssociate(t *testing.T) {
	a, _ := two(t)
	made := a.add(t, fusion.TunnelSpec{Kind: fusion.ProxyTunnel, Host: "b"})
	port := echoUDP(t)
	control, err := net.Dial("tcp", made.Listen)
	if err != nil {
		t.Fatal(err)
	}
	_ = control.SetDeadline(time.Now().Add(patience))
	_, _ = control.Write([]byte{5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0})
	got := make([]byte, 12)
	if _, err := io.ReadFull(control, got); err != nil || !bytes.Equal(got[:6], []byte{5, 0, 5, 0, 0, 1}) {
		t.Fatalf("% x, %v", got, err)
	}
	at := netip.AddrPortFrom(netip.AddrFrom4([4]byte(got[6:10])), binary.BigEndian.Uint16(got[10:]))
	conn, err := net.Dial("udp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	by := func(name bool) []byte {
		if name {
			return append([]byte{0, 0, 0, 3, 9, 'l', 'o', 'c', 'a', 'l', 'h', 'o', 's', 't', byte(port >> 8), byte(port)}, "hello"...)
		}
		return append(appendSocksAddr([]byte{0, 0, 0}, netip.MustParseAddrPort(fmt.Sprintf("127.0.0.1:%d", port))), "hello"...)
	}
	for _, name := range []bool{false, true} {
		_, _ = conn.Write([]byte{0, 0, 1, 1, 127, 0, 0, 1, 0, 1}) // a fragment, which is lost
		_, _ = conn.Write(by(name))
		answer := make([]byte, 100)
		n, err := conn.Read(answer)
		if err != nil || !bytes.Equal(answer[:n], by(name)) {
			t.Errorf("% x, %v", answer[:n], err)
		}
	}
	// It ends with the connection.
	_ = control.Close()
	until(t, "its end", func() bool { return a.shownAs(t, made.ID).Connections == 0 })
}

func TestHTTPProxy(t *testing.T) {
	a, _ := two(t)
	made := a.add(t, fusion.TunnelSpec{Kind: fusion.ProxyTunnel, Host: "b"})
	withUser := a.add(t, fusion.TunnelSpec{Kind: fusion.ProxyTunnel, Host: "b", User: "anna", Password: "secret"})
	plain := page(t)
	secure := httptest.NewTLSServer(plain.Config.Handler)
	t.Cleanup(secure.Close)
	get := func(through, at string, user *url.Userinfo) (int, string) {
		transport := secure.Client().Transport.(*http.Transport).Clone()
		transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: through, User: user})
		transport.DisableKeepAlives = true
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := (&http.Client{Transport: transport}).Do(req)
		if err != nil {
			return 0, err.Error()
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Error(err)
		}
		return res.StatusCode, string(text)
	}
	for _, c := range []struct {
		what, through, at string
		user              *url.Userinfo
		code              int
		says              string
	}{
		{"http", made.Listen, plain.URL + "/x?y=1", nil, 200, strings.TrimPrefix(plain.URL, "http://") + " /x?y=1 []"},
		{"https", made.Listen, secure.URL + "/x", nil, 200, "/x"},
		{"nobody", made.Listen, "http://127.0.0.1:1/", nil, 502, "hint: start the service"},
		{"user", withUser.Listen, plain.URL + "/x", url.UserPassword("anna", "secret"), 200, "/x []"},
		{"user of https", withUser.Listen, secure.URL + "/x", url.UserPassword("anna", "secret"), 200, "/x"},
		{"no user", withUser.Listen, plain.URL + "/x", nil, 407, "asks for a user"},
		{"no user of https", withUser.Listen, secure.URL + "/x", nil, 0, "Proxy Authentication Required"},
	} {
		if code, text := get(c.through, c.at, c.user); code != c.code || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %q", c.what, code, text)
		}
	}
	// What a page in a browser could send to the port.
	conn, err := net.Dial("tcp", made.Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", made.Listen)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusBadRequest {
		t.Errorf("%v, %v", res, err)
	}
}

// scripted is what a client says, and takes what it is answered.
type scripted struct {
	io.Reader
	bytes.Buffer
}

func (s *scripted) Read(b []byte) (int, error) { return s.Reader.Read(b) }

func FuzzSOCKS(f *testing.F) {
	f.Add([]byte{1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 80}, false)
	f.Add([]byte{2, 0, 2, 1, 1, 'u', 1, 'p', 5, 1, 0, 3, 4, 'h', 'o', 's', 't', 0, 80}, true)
	f.Add([]byte{1, 0, 5, 3, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 53}, false)
	f.Fuzz(func(t *testing.T, said []byte, asks bool) {
		user := ""
		if asks {
			user = "u"
		}
		s := &scripted{Reader: bytes.NewReader(said)}
		command, target, err := greetSocks(s, user, strings.Replace(user, "u", "p", 1))
		if err == nil && command != socksConnect && command != socksAssociate {
			t.Errorf("command %d", command)
		}
		if err == nil && asks && !bytes.Contains(said, []byte{1, 1, 'u', 1, 'p'}) {
			t.Error("it was not asked")
		}
		_ = target.Check() // must not panic
		if s.Len() > 64 {
			t.Errorf("answered %d bytes", s.Len())
		}
	})
}

func FuzzSOCKSDatagram(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 127, 0, 0, 1, 0, 80, 'x'})
	f.Add([]byte{0, 0, 0, 3, 1, 'h', 0, 80})
	f.Fuzz(func(t *testing.T, b []byte) {
		target, data, ok := parseSocksDatagram(b)
		if ok && (len(data) > len(b)-8 || target.Port < 0 || target.Port > 65535) {
			t.Errorf("%v, %d of %d bytes", target, len(data), len(b))
		}
	})
}

func FuzzDatagrams(f *testing.F) {
	f.Add([]byte{0, 1, 'x', 0, 0, 0, 2, 'a'})
	f.Fuzz(func(t *testing.T, b []byte) {
		d := datagrams{&pipeEnd{Reader: bytes.NewReader(b)}}
		small, total := make([]byte, 100), 0
		for {
			n, err := d.Read(small)
			if err == io.EOF && total != len(b) {
				t.Fatalf("a good end after %d of %d bytes", total, len(b))
			}
			if err != nil {
				return
			}
			size := int(binary.BigEndian.Uint16(b[total:]))
			if n != min(size, len(small)) || !bytes.Equal(small[:n], b[total+2:total+2+n]) {
				t.Fatalf("%d of %d bytes", n, size)
			}
			total += 2 + size
		}
	})
}

type pipeEnd struct {
	net.Conn
	io.Reader
}

func (p *pipeEnd) Read(b []byte) (int, error) { return p.Reader.Read(b) }

func FuzzHello(f *testing.F) {
	f.Add([]byte("\x00\x10{\"do\":\"open\"}   "))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h hello
		r := bytes.NewReader(b)
		if readFrame(r, &h) == nil && h.Target.Check() == nil && objectOf(h.Target) == "" {
			t.Error("a target without a name")
		}
		if read := len(b) - r.Len(); read > 2+maxHello {
			t.Errorf("read %d bytes", read)
		}
	})
}
