package fusion

import (
	"net"
	"net/netip"
	"strings"
)

// Site is a web service that is published by name.
type Site struct {
	// Name is what its visitors type: a name of the DNS that leads to the computer that
	// listens, in small letters.
	Name string `json:"name,omitempty"`
	// TLS: its visitors come by HTTPS, with a certificate of a CA; else by HTTP.
	TLS bool `json:"tls,omitempty"`
	// Plain, with TLS, is a port beside that of Listen that leads visitors by HTTP to HTTPS,
	// and where the CA may ask; 0 is none.
	Plain int `json:"plain,omitempty"`
	// Agreed: the CA's terms are accepted, which a certificate needs. Email, which may be
	// empty, is where the CA writes to.
	Agreed bool   `json:"agreed,omitempty"`
	Email  string `json:"email,omitempty"`
}

// Object is what a grant of tunnel names for a site: https:NAME or http:NAME. A grant of
// everything does not cover it: it opens the computer to its network.
func (s Site) Object() string {
	scheme := httpScheme
	if s.TLS {
		scheme = httpsScheme
	}
	return scheme + s.Name
}

const httpScheme, httpsScheme = "http:", "https:"

// siteOf reads an object that is a site's.
func siteOf(object string) (Site, bool) {
	name, tls := strings.CutPrefix(object, httpsScheme)
	plain := false
	if !tls {
		name, plain = strings.CutPrefix(object, httpScheme)
	}
	s := Site{Name: name, TLS: tls}
	return s, (tls || plain) && siteName(name)
}

// siteName says whether a site can have this name.
func siteName(name string) bool {
	return hostName(name) && name == strings.ToLower(strings.TrimSuffix(name, ".")) && !strings.Contains(name, "_")
}

// URL is where the visitors of a site that listens at an address come to.
func (s Site) URL(listen string) string {
	scheme, usual := "http://", "80"
	if s.TLS {
		scheme, usual = "https://", "443"
	}
	if _, port, err := net.SplitHostPort(listen); err == nil && port != usual {
		return scheme + s.Name + ":" + port + "/"
	}
	return scheme + s.Name + "/"
}

// maxSitePassword and minSitePassword bound a site's password, in bytes: bcrypt reads no more.
const minSitePassword, maxSitePassword = 8, 72

// checkSite is Check for what publishes a site; what every tunnel has is checked.
func (t TunnelSpec) checkSite() error {
	s := t.Site
	refuse := func(detail, hint string) error {
		return &Error{Op: "publish", Path: clip(s.Name), Cause: ErrInvalid, Detail: detail, Hint: hint}
	}
	at, err := netip.ParseAddrPort(t.Listen)
	switch {
	case !siteName(s.Name):
		return refuse("that is no name of a site", "write a name of the DNS in small letters, as in www.example.org; one of other letters as its xn-- form")
	case t.Kind != ReverseTunnel || t.Proto != "tcp" || err != nil:
		return refuse("only a port of another computer is published by name", "hither publish --https NAME LOCAL HOST")
	case s.TLS && !s.Agreed:
		return refuse("a certificate needs that the terms of its CA are accepted", "read them, for Let's Encrypt at https://letsencrypt.org/repository/, then add --agree")
	case !s.TLS && (s.Plain != 0 || s.Agreed || s.Email != ""):
		return refuse("a site over HTTP has no certificate", "leave the CA's terms and the port for HTTP out, or publish it over HTTPS")
	case s.Plain < 0 || s.Plain > 65535 || s.Plain != 0 && s.Plain == int(at.Port()):
		return refuse("the port for HTTP is not one of its own", "take another port, as in --plain 80, or 0 for none")
	case len(s.Email) > 254 || s.Email != "" && (strings.Count(s.Email, "@") != 1 || strings.ContainsAny(s.Email, " ,;<>\"\r\n")):
		return refuse("that is no e-mail address", "write one, as in me@example.org, or none")
	case t.Password != "" && (len(t.Password) < minSitePassword || len(t.Password) > maxSitePassword):
		return refuse("its password is too short or too long", "a password of a site has 8 to 72 bytes")
	case t.Password == "" && t.User != "":
		return refuse("a user without a password lets everybody in", "give it a password: --password-file FILE")
	case len(t.User) > maxProxyUser || strings.ContainsAny(t.User, ":\r\n"):
		return refuse("that is no user", "a user without a colon, of at most 255 bytes")
	}
	return t.Target.Check()
}
