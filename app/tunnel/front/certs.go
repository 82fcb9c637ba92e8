package front

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
	"go.uber.org/zap"
)

// certs gets certificates and renews them, with certmagic. That would listen by itself where
// nobody does: each site's issuer is told the site's own addresses, so that it never has to.
type certs struct {
	cfg     Config
	cache   *certmagic.Cache
	storage *certmagic.FileStorage

	mu    sync.Mutex // guards the field below
	magic map[string]*magic
}

// magic is what looks after the certificate of one name, for all sites of it.
type magic struct {
	cfg    *certmagic.Config
	issuer *certmagic.ACMEIssuer
}

func (c *certs) open(cfg Config) {
	c.cfg, c.magic, c.storage = cfg, map[string]*magic{}, &certmagic.FileStorage{Path: cfg.Dir}
	c.cache = certmagic.NewCache(certmagic.CacheOptions{GetConfigForCert: c.configOf, RenewCheckInterval: cfg.renewCheck, Logger: zap.NewNop()})
}

// close ends renewing.
func (c *certs) close() { c.cache.Stop() }

// configOf says how a certificate is renewed.
func (c *certs) configOf(cert certmagic.Certificate) (*certmagic.Config, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range cert.Names {
		if m := c.magic[name]; m != nil {
			return m.cfg, nil
		}
	}
	return nil, errNoSite
}

// keep gets a site's certificate, from the disk or from the CA, and tries until it has it. The
// cache renews it from then on, as long as there is a site of that name.
func (c *certs) keep(ctx context.Context, s *site, at netip.AddrPort) {
	m := c.begin(ctx, s, at)
	defer c.end(s, m)
	s.mu.Lock()
	s.keeper = m
	s.mu.Unlock()
	// It tries again by itself, after pauses that grow from one minute to six hours.
	if err := m.cfg.ObtainCertAsync(ctx, s.Name); err != nil {
		c.told(s, err)
	} else if cert, err := m.cfg.CacheManagedCertificate(ctx, s.Name); err != nil {
		c.told(s, err)
	} else {
		c.told(s, nil)
		c.cfg.Log.Info("a published site has a certificate", "name", s.Name, "until", cert.Leaf.NotAfter)
	}
	<-ctx.Done()
}

func (c *certs) begin(ctx context.Context, s *site, at netip.AddrPort) *magic {
	m := &magic{}
	m.cfg = certmagic.New(c.cache, certmagic.Config{Storage: c.storage, RenewalWindowRatio: c.cfg.renewAt, Logger: zap.NewNop(),
		OnEvent: func(_ context.Context, event string, data map[string]any) error {
			switch err, _ := data["error"].(error); event {
			case "cert_failed":
				c.told(s, err)
			case "cert_obtained":
				c.told(s, nil)
			}
			return nil
		}})
	m.issuer = certmagic.NewACMEIssuer(m.cfg, certmagic.ACMEIssuer{CA: c.cfg.CA, TrustedRoots: c.cfg.Roots, Email: s.Email, Agreed: s.Agreed,
		ListenHost: at.Addr().String(), AltTLSALPNPort: int(at.Port()), AltHTTPPort: int(s.plain), DisableHTTPChallenge: s.plain == 0, Logger: zap.NewNop()})
	m.cfg.Issuers = []certmagic.Issuer{m.issuer}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.magic[s.Name] = m
	return m
}

func (c *certs) end(s *site, m *magic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.magic[s.Name] == m {
		delete(c.magic, s.Name)
	}
}

// told keeps how the last try went.
func (c *certs) told(s *site, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	why := ""
	if err != nil {
		why = reason(err)
		c.cfg.Log.Warn("the CA gives no certificate", "name", s.Name, "err", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why = why
}

// reason gives the last word of a failure, which the CA says where it was asked.
func reason(err error) string {
	var problem acme.Problem
	if errors.As(err, &problem) && problem.Detail != "" {
		return problem.Detail
	}
	text := err.Error()
	if i := strings.LastIndex(text, " (ca="); i > 0 {
		text = text[:i]
	}
	text = strings.Join(strings.Fields(text), " ")
	return strings.ToValidUTF8(text[max(0, len(text)-300):], "")
}

// state says until when a site's certificate holds, and what is wrong.
func (c *certs) state(s *site) (until time.Time, why string) {
	if !s.TLS {
		return time.Time{}, ""
	}
	for _, cert := range c.cache.AllMatchingCertificates(s.Name) {
		if cert.Leaf != nil && cert.Leaf.NotAfter.After(until) {
			until = cert.Leaf.NotAfter
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return until, s.why
}

func (s *site) magic() *magic {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keeper
}

// certificate gives a site's certificate, or what answers the CA.
func (c *certs) certificate(s *site, hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	m := s.magic()
	if m == nil {
		return nil, errNoSite
	}
	return m.cfg.GetCertificate(hello)
}

// challenge answers the CA over HTTP (RFC 8555, section 8.3); false when it was not it that asked.
func (c *certs) challenge(s *site, w http.ResponseWriter, r *http.Request) bool {
	m := s.magic()
	return m != nil && m.issuer.HandleHTTPChallenge(w, r)
}
