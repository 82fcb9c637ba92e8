package fusion

import (
	"errors"
	"testing"
)

func site(change func(*TunnelSpec)) TunnelSpec {
	s := TunnelSpec{Kind: ReverseTunnel, Proto: "tcp", Listen: "0.0.0.0:443", Open: true, Host: "cloud", Target: Target{Port: 8080},
		Site: Site{Name: "www.example.org", TLS: true, Plain: 80, Agreed: true}}
	change(&s)
	return s
}

func TestCheckOfSites(t *testing.T) {
	for name, change := range map[string]func(*TunnelSpec){
		"a certificate":  func(*TunnelSpec) {},
		"HTTP alone":     func(s *TunnelSpec) { s.Site = Site{Name: "nas.lan"} },
		"a password":     func(s *TunnelSpec) { s.Password = "correct horse" },
		"and a user":     func(s *TunnelSpec) { s.User, s.Password = "me", "correct horse" },
		"an e-mail":      func(s *TunnelSpec) { s.Site.Email = "me@example.org" },
		"another port":   func(s *TunnelSpec) { s.Listen = "[::]:8443" },
		"xn-- of a name": func(s *TunnelSpec) { s.Site.Name = "xn--bcher-kva.example" },
	} {
		if err := site(change).Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*TunnelSpec){
		"an address":         func(s *TunnelSpec) { s.Site.Name = "10.0.0.1" },
		"a number":           func(s *TunnelSpec) { s.Site.Name = "0x7f000001" },
		"capitals":           func(s *TunnelSpec) { s.Site.Name = "WWW.example.org" },
		"a last dot":         func(s *TunnelSpec) { s.Site.Name = "www.example.org." },
		"a star":             func(s *TunnelSpec) { s.Site.Name = "*.example.org" },
		"an underscore":      func(s *TunnelSpec) { s.Site.Name = "a_b.example.org" },
		"a port":             func(s *TunnelSpec) { s.Site.Name = "www.example.org:443" },
		"no name":            func(s *TunnelSpec) { s.Site.Name = "" },
		"no terms":           func(s *TunnelSpec) { s.Site.Agreed = false },
		"terms without TLS":  func(s *TunnelSpec) { s.Site.TLS, s.Site.Plain = false, 0 },
		"one port for both":  func(s *TunnelSpec) { s.Site.Plain = 443 },
		"no port":            func(s *TunnelSpec) { s.Site.Plain = 65536 },
		"a short password":   func(s *TunnelSpec) { s.Password = "1234567" },
		"a user alone":       func(s *TunnelSpec) { s.User = "me" },
		"a user with colon":  func(s *TunnelSpec) { s.User, s.Password = "m:e", "correct horse" },
		"no e-mail":          func(s *TunnelSpec) { s.Site.Email = "me" },
		"a forward":          func(s *TunnelSpec) { s.Kind = ForwardTunnel },
		"datagrams":          func(s *TunnelSpec) { s.Proto = "udp" },
		"not open":           func(s *TunnelSpec) { s.Open = false },
		"no target":          func(s *TunnelSpec) { s.Target = Target{} },
		"an e-mail of lines": func(s *TunnelSpec) { s.Site.Email = "a@b\r\nc" },
	} {
		if err := site(change).Check(); !errors.Is(err, ErrInvalid) || Hint(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAGrantOfASite(t *testing.T) {
	object := Site{Name: "www.example.org", TLS: true}.Object()
	g, err := ParseGrant("tunnel@" + object)
	if err != nil || g.String() != "tunnel@https:www.example.org" {
		t.Fatalf("%v, %v", g, err)
	}
	for text, want := range map[string]bool{"tunnel@https:www.example.org": true, "admin": true, "tunnel": false,
		"tunnel@http:www.example.org": false, "tunnel@https:example.org": false, "control": false} {
		g, err := ParseGrant(text)
		if err != nil || AllowsOn([]Grant{g}, TunnelCap, object) != want {
			t.Errorf("%s: want %v, %v", text, want, err)
		}
	}
	if AllowsOn([]Grant{g}, TunnelCap, "") || AllowsOn([]Grant{g}, TunnelCap, "self/80") {
		t.Error("it opens more than its name")
	}
	for _, bad := range []string{"tunnel@https:", "tunnel@https:10.0.0.1", "tunnel@https:WWW.example.org", "tunnel@ftp:www.example.org", "tunnel@https://www.example.org"} {
		if _, err := ParseGrant(bad); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestURLOfASite(t *testing.T) {
	for _, tc := range []struct {
		tls          bool
		listen, want string
	}{{true, "0.0.0.0:443", "https://a.example/"}, {true, "[::]:8443", "https://a.example:8443/"}, {false, "0.0.0.0:80", "http://a.example/"}, {false, "0.0.0.0:443", "http://a.example:443/"}} {
		if got := (Site{Name: "a.example", TLS: tc.tls}).URL(tc.listen); got != tc.want {
			t.Errorf("%v: %s", tc, got)
		}
	}
}
