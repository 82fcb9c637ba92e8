package front

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
)

const (
	// maxConns bounds the connections at one address, maxEach those of one visitor's address,
	// and maxHead a request's headers in bytes.
	maxConns = 4096
	maxEach  = 256
	maxHead  = 64 << 10
	// headTime bounds a TLS handshake, and the headers of a request; idleTime a connection
	// without one; stillTime how long a visitor may take nothing of an answer, and say
	// nothing of a request's body.
	headTime  = 10 * time.Second
	idleTime  = 2 * time.Minute
	stillTime = 2 * time.Minute
)

// door is an address that sites share.
type door struct {
	f      *Front
	at     netip.AddrPort
	tls    bool
	server *http.Server
	done   chan struct{} // closed when it is served no more

	sites map[string]*site // by name; Front.mu guards it
}

func (f *Front) openDoor(listen string, withTLS bool) (*door, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, err
	}
	at := l.Addr().(*net.TCPAddr).AddrPort()
	d := &door{f: f, at: netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), tls: withTLS, done: make(chan struct{}), sites: map[string]*site{}}
	head := f.cfg.headTime
	if head == 0 {
		head = headTime
	}
	d.server = &http.Server{
		Handler:           d,
		ReadHeaderTimeout: head,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHead,
		ErrorLog:          slog.NewLogLogger(f.cfg.Log.Handler(), slog.LevelDebug),
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 100},
	}
	bounded := &listener{Listener: l, each: map[netip.Addr]int{}}
	f.work.Go(func() {
		defer close(d.done)
		var err error
		if withTLS {
			d.server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: d.certificate,
				NextProtos: []string{"h2", "http/1.1", acmez.ACMETLS1Protocol}}
			err = d.server.ServeTLS(bounded, "", "")
		} else {
			err = d.server.Serve(bounded)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			f.cfg.Log.Error("an address of published sites is served no more", "listen", d.at, "err", err)
		}
	})
	return d, nil
}

// shut ends it without waiting for that.
func (d *door) shut() { _ = d.server.Close() } // nobody is to hear of it

func (d *door) close() {
	d.shut()
	<-d.done
}

// errNoSite ends a handshake for a name that is not published.
var errNoSite = errors.New("no such site")

// certificate gives the certificate of a site, or the answer to the CA's question (RFC 8737).
func (d *door) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	s := d.f.at(d, hostOf(hello.ServerName))
	if s == nil || !s.TLS {
		return nil, errNoSite
	}
	return d.f.certs.certificate(s, hello)
}

// hostOf gives the name of a Host header or of a handshake: without port and last dot, in
// small letters.
func hostOf(text string) string {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	return strings.ToLower(strings.TrimSuffix(text, "."))
}

// ServeHTTP leads a request to its site.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := d.f.at(d, hostOf(r.Host))
	switch {
	case r.TLS != nil && (s == nil || hostOf(r.TLS.ServerName) != s.Name):
		// Another name's connection (RFC 9110, section 15.5.20), whether or not it is here.
		http.Error(w, "this name is not served over this connection", http.StatusMisdirectedRequest)
	case s == nil:
		http.Error(w, "not found", http.StatusNotFound)
	case d.tls == s.TLS:
		s.serve(w, r)
	case certmagic.LooksLikeHTTPChallenge(r) && d.f.certs.challenge(s, w, r):
	default:
		http.Redirect(w, r, s.url(r), http.StatusPermanentRedirect)
	}
}

// listener bounds connections. More than its bounds are closed at once.
type listener struct {
	net.Listener

	mu   sync.Mutex // guards the fields below
	all  int
	each map[netip.Addr]int
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
		if l.enter(from) {
			return &visit{Conn: conn, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		_ = conn.Close() // it is refused
	}
}

func (l *listener) enter(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= maxConns || l.each[from] >= maxEach {
		return false
	}
	l.all++
	l.each[from]++
	return true
}

func (l *listener) leave(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.each[from]--; l.each[from] == 0 {
		delete(l.each, from)
	}
}

// visit is a visitor's connection, which is given up when it takes nothing for stillTime.
type visit struct {
	net.Conn
	leave func()
}

func (c *visit) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(stillTime)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *visit) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// CloseWrite ends what is said to a visitor, for half-closed connections after an upgrade.
func (c *visit) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// joined ends when either of two contexts does.
func joined(ctx, other context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(other, cancel)
	return ctx, func() { stop(); cancel() }
}
