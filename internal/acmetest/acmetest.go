// Package acmetest runs a CA for tests: Pebble (github.com/letsencrypt/pebble), which speaks
// ACME as Let's Encrypt does, with a DNS in which every name is 127.0.0.1.
package acmetest

import (
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"encoding/pem"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// CA is a CA that answers until the test ends.
type CA struct {
	// Directory is its URL, and Trust the roots that its own HTTPS is checked with, which
	// TrustFile has in PEM.
	Directory string
	Trust     *x509.CertPool
	TrustFile string
	// Roots are those of the certificates that it gives.
	Roots *x509.CertPool

	orders atomic.Int64
}

// Config says what a CA does.
type Config struct {
	// HTTPPort and TLSPort are where it asks instead of 80 and 443.
	HTTPPort, TLSPort int
	// Lifetime is how long its certificates hold. Default: 90 days.
	Lifetime time.Duration
}

// Orders is how many orders it was given.
func (c *CA) Orders() int { return int(c.orders.Load()) }

// Start begins a CA.
func Start(t *testing.T, cfg Config) *CA {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	if cfg.Lifetime == 0 {
		cfg.Lifetime = 90 * 24 * time.Hour
	}
	silent := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	issuer := ca.New(silent, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "tests", ValidityPeriod: uint64(cfg.Lifetime / time.Second)}})
	asks := va.New(silent, cfg.HTTPPort, cfg.TLSPort, true, serveNames(t), store)
	front := wfe.New(silent, store, asks, issuer, []string{"pebble.letsencrypt.org"}, true, false, 0, 0)
	c := &CA{Trust: x509.NewCertPool(), Roots: x509.NewCertPool()}
	handler := front.Handler()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/order-plz" {
			c.orders.Add(1)
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c.Directory = server.URL + wfe.DirectoryPath
	c.Trust.AddCert(server.Certificate())
	c.TrustFile = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(c.TrustFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(issuer.GetRootCert(0).DER)
	if err != nil {
		t.Fatal(err)
	}
	c.Roots.AddCert(root)
	return c
}

// serveNames is a DNS over TCP.
func serveNames(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		answer := new(dns.Msg).SetReply(q)
		for _, question := range q.Question {
			if question.Qtype == dns.TypeA {
				answer.Answer = append(answer.Answer, &dns.A{A: net.IPv4(127, 0, 0, 1),
					Hdr: dns.RR_Header{Name: question.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}})
			}
		}
		_ = w.WriteMsg(answer) // the CA asks again
	})}
	done := make(chan struct{})
	up := make(chan struct{})
	server.NotifyStartedFunc = func() { close(up) }
	go func() {
		defer close(done)
		_ = server.ActivateAndServe() // it ends with Shutdown
	}()
	<-up
	t.Cleanup(func() {
		_ = server.Shutdown()
		<-done
	})
	return l.Addr().String()
}

// Port gives a port of 127.0.0.1 that was free a moment ago.
func Port(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
