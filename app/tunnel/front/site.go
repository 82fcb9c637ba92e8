package front

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"time"
)

// site is a Site that is published.
type site struct {
	Site
	f     *Front
	doors []*door
	port  uint16 // that visitors come to
	plain uint16 // that leads HTTP to HTTPS, 0 for none
	ctx   context.Context
	end   context.CancelFunc // ends requests, and what looks after its certificate
	proxy *httputil.ReverseProxy
	guard *guard // nil when nobody is asked

	mu     sync.Mutex // guards the fields below, of certs
	keeper *magic
	why    string
}

const (
	// maxThrough bounds the connections to one service, restTime those that rest, and
	// answerTime how long a service may take to begin an answer.
	maxThrough = 256
	restTime   = 30 * time.Second
	answerTime = 5 * time.Minute
	maxAnswer  = 256 << 10
)

func newSite(f *Front, s Site) *site {
	s.Name = hostOf(s.Name)
	out := &site{Site: s, f: f}
	out.ctx, out.end = context.WithCancel(f.ctx)
	if s.Hash != "" {
		out.guard = newGuard(s.User, s.Hash)
	}
	transport := &http.Transport{
		DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return s.Reach(ctx) },
		MaxConnsPerHost: maxThrough, MaxIdleConnsPerHost: 16, IdleConnTimeout: restTime,
		ResponseHeaderTimeout: answerTime, MaxResponseHeaderBytes: maxAnswer, DisableCompression: true,
	}
	context.AfterFunc(out.ctx, transport.CloseIdleConnections)
	out.proxy = &httputil.ReverseProxy{
		Rewrite:      out.rewrite,
		Transport:    transport,
		ErrorHandler: out.failed,
		ErrorLog:     slog.NewLogLogger(f.cfg.Log.Handler(), slog.LevelDebug),
	}
	return out
}

// rewrite makes a visitor's request the service's. ReverseProxy has dropped hop-by-hop headers.
func (s *site) rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", s.Name, r.In.Host
	for key := range r.Out.Header {
		if strings.HasPrefix(key, "X-Forwarded-") || key == "Forwarded" || key == "X-Real-Ip" {
			delete(r.Out.Header, key)
		}
	}
	r.SetXForwarded()
	if s.guard != nil {
		r.Out.Header.Del("Authorization") // it is for this computer alone
	}
}

// failed answers for a service that did not. What went wrong is nothing for strangers.
func (s *site) failed(w http.ResponseWriter, r *http.Request, err error) {
	var large *http.MaxBytesError
	switch {
	case s.ctx.Err() != nil, r.Context().Err() != nil && errors.Is(err, context.Canceled):
		w.WriteHeader(http.StatusBadGateway)
		return
	case errors.As(err, &large):
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	s.f.cfg.Log.Debug("a published site does not answer", "name", s.Name, "err", err)
	http.Error(w, "the service does not answer", http.StatusBadGateway)
}

// serve answers a request to the site.
func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect || r.Method == http.MethodTrace {
		http.Error(w, "not allowed", http.StatusMethodNotAllowed)
		return
	}
	if s.guard != nil && !s.guard.admit(w, r) {
		return
	}
	ctx, cancel := joined(r.Context(), s.ctx)
	defer cancel()
	r = r.WithContext(ctx)
	if r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0 {
		r.Body = &body{ReadCloser: r.Body, control: http.NewResponseController(w)}
	}
	s.proxy.ServeHTTP(w, r)
}

// url is where a request over HTTP is led: the site's own name, whatever the request said.
func (s *site) url(r *http.Request) string {
	host := s.Name
	if s.port != 443 {
		host = net.JoinHostPort(host, strconv.Itoa(int(s.port)))
	}
	path := r.URL.RequestURI()
	if !strings.HasPrefix(path, "/") {
		path = "/"
	}
	return "https://" + host + path
}

// body is a request's, which is given up when nothing of it comes for stillTime.
type body struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *body) Read(p []byte) (int, error) {
	if err := b.control.SetReadDeadline(time.Now().Add(stillTime)); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	if err == nil {
		return n, nil
	}
	// The rest of the connection has bounds of its own.
	if failed := b.control.SetReadDeadline(time.Time{}); failed != nil {
		return n, errors.Join(err, failed)
	}
	return n, err
}
