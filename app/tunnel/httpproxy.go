package tunnel

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"

	"hither/fusion"
	"hither/vmctl/proxy"
)

// serveHTTP serves one connection of an HTTP proxy: CONNECT, and requests with an absolute
// http: URI. A request of any other kind, such as a page in a browser could make, is refused.
func (s *Store) serveHTTP(ctx context.Context, e *entry, conn net.Conn, first byte) {
	if conn.SetDeadline(time.Time{}) != nil { // the server has bounds of its own
		return
	}
	one := &oneConn{Conn: conn, in: io.MultiReader(bytes.NewReader([]byte{first}), conn), closed: make(chan struct{})}
	server := &http.Server{
		Handler:           &webProxy{s: s, e: e, ctx: ctx},
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: proxyHello,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
	_ = server.Serve(&oneListener{conn: one}) // it ends after the one; its connection goes on
	<-one.closed
}

// oneListener gives one connection, then the end.
type oneListener struct{ conn net.Conn }

func (l *oneListener) Accept() (net.Conn, error) {
	if l.conn == nil {
		return nil, net.ErrClosed
	}
	conn := l.conn
	l.conn = nil
	return conn, nil
}

func (l *oneListener) Close() error   { return nil }
func (l *oneListener) Addr() net.Addr { return &net.TCPAddr{} }

// oneConn is a connection of which a byte was read, and that says when it is closed.
type oneConn struct {
	net.Conn
	in     io.Reader
	once   sync.Once
	closed chan struct{}
}

func (c *oneConn) Read(b []byte) (int, error) { return c.in.Read(b) }

func (c *oneConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { close(c.closed) })
	return err
}

func (c *oneConn) CloseWrite() error { return closeHalf(c.Conn) }

// SetLinger lets proxy.Abort reset it.
func (c *oneConn) SetLinger(sec int) error {
	if tcp, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return tcp.SetLinger(sec)
	}
	return nil
}

func closeHalf(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// webProxy answers the requests of one connection.
type webProxy struct {
	s   *Store
	e   *entry
	ctx context.Context
}

func (p *webProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !p.known(r):
		w.Header().Set("Proxy-Authenticate", `Basic realm="Hither", charset="UTF-8"`)
		http.Error(w, "this proxy asks for a user and a password", http.StatusProxyAuthRequired)
	case r.Method == http.MethodConnect:
		p.connect(w, r)
	case r.URL.Scheme == "http" && r.URL.Host != "":
		p.pass(w, r)
	default:
		http.Error(w, "this is a proxy of Hither: set it as HTTP or SOCKS 5 proxy of a program", http.StatusBadRequest)
	}
}

// known checks the user, if the tunnel has one.
func (p *webProxy) known(r *http.Request) bool {
	if p.e.User == "" {
		return true
	}
	// net/http reads Basic from Authorization only.
	as := http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
	user, password, ok := as.BasicAuth()
	return ok && sameUser(p.e.User, p.e.Password, user, password)
}

// targetOf reads HOST:PORT; without a port it is the scheme's.
func targetOf(hostport, port string) (fusion.Target, error) {
	if _, _, err := net.SplitHostPort(hostport); err != nil && port != "" {
		hostport += ":" + port
	}
	_, t, err := fusion.ParseTarget(":" + hostport)
	return t, err
}

func (p *webProxy) connect(w http.ResponseWriter, r *http.Request) {
	t, err := targetOf(r.Host, "")
	if err != nil {
		fail(w, err)
		return
	}
	far, err := p.s.reachFor(r.Context(), p.e, "tcp", t)
	if err != nil {
		fail(w, err)
		return
	}
	conn, rest, err := http.NewResponseController(w).Hijack()
	if err != nil {
		proxy.Abort(far)
		fail(w, err)
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		proxy.Abort(far)
		_ = conn.Close() // it broke
		return
	}
	client := conn
	if n := rest.Reader.Buffered(); n > 0 { // it did not wait for the answer
		early, _ := rest.Reader.Peek(n) // it is there
		client = &oneConn{Conn: conn, in: io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn), closed: make(chan struct{})}
	}
	proxy.Join(p.ctx, client, far, p.e.gauge)
}

// pass hands one request on, and its answer back.
func (p *webProxy) pass(w http.ResponseWriter, r *http.Request) {
	pass := &httputil.ReverseProxy{
		Rewrite: func(out *httputil.ProxyRequest) {}, // hop-by-hop fields are gone; nothing is added
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
				t, err := targetOf(addr, "")
				if err != nil {
					return nil, err
				}
				conn, err := p.s.reachFor(ctx, p.e, "tcp", t)
				if err != nil {
					return nil, err
				}
				return p.e.gauge.Count(p.ctx, conn), nil
			},
			DisableCompression: true,
			DisableKeepAlives:  true, // a request's connection ends with it
		},
		ErrorLog:     slog.NewLogLogger(p.s.cfg.Log.Handler(), slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) { fail(w, err) },
	}
	pass.ServeHTTP(w, r)
}

// fail tells a program why not, as text for whoever sees it.
func fail(w http.ResponseWriter, err error) {
	code := http.StatusBadGateway
	switch {
	case errors.Is(err, fusion.ErrInvalid):
		code = http.StatusBadRequest
	case errors.Is(err, fusion.ErrPermission):
		code = http.StatusForbidden
	}
	text := err.Error()
	if hint := fusion.Hint(err); hint != "" {
		text += "\nhint: " + hint
	}
	http.Error(w, text, code)
}
