package api

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"

	"hither/fusion"
)

// shellOrigins are the origins of the page inside the desktop window, by
// platform. Only that window's own page has them.
var shellOrigins = []string{"wails://wails", "wails://wails.localhost", "http://wails.localhost"}

// ServeWeb serves the page and the API to browsers on a loopback listener.
func (s *Server) ServeWeb(l net.Listener) {
	addr := l.Addr().String()
	s.mu.Lock()
	s.web = addr
	s.origins = append(slices.Clone(shellOrigins), "http://"+addr)
	if _, port, err := net.SplitHostPort(addr); err == nil {
		s.origins = append(s.origins, "http://localhost:"+port)
	}
	s.mu.Unlock()
	s.serve(l, http.HandlerFunc(s.webRequest), func(ctx context.Context, _ net.Conn) context.Context { return ctx })
}

// WebURL is the page's address without a token, or "".
func (s *Server) WebURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.web == "" {
		return ""
	}
	return "http://" + s.web + "/"
}

// webRequest keeps other sites out, then serves a file of the page or a call.
func (s *Server) webRequest(w http.ResponseWriter, r *http.Request) {
	if err := s.checkHost(r); err != nil {
		writeError(w, err)
		return
	}
	// A file that is downloaded is opened by its ticket, which no other site knows; to
	// the desktop window's page this listener is another site.
	download := r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, copiesPath)
	if err := s.checkOrigin(r); err != nil && !download {
		writeError(w, err)
		return
	}
	s.allowShell(w, r)
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	isCall := strings.HasPrefix(r.URL.Path, "/hither.v1.") || strings.HasPrefix(r.URL.Path, imagesPath) || strings.HasPrefix(r.URL.Path, copiesPath)
	if !isCall && r.URL.Path != screenPath && r.URL.Path != terminalPath {
		s.servePage(w, r)
		return
	}
	caller := Caller{Anonymous: true}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && s.tokens.valid(bearer) {
		caller = Caller{Owner: true}
	}
	s.door.ServeHTTP(w, r.WithContext(withCaller(r.Context(), caller)))
}

// checkHost refuses names that lead here by DNS rebinding.
func (s *Server) checkHost(r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.origins, "http://"+r.Host) && r.Host != "wails.localhost" {
		return nil
	}
	return &fusion.Error{Op: "web", Path: r.Host, Cause: fusion.ErrPermission, Detail: "this address is not the node's own",
		Hint: "open the page with: hither web"}
}

// checkOrigin refuses requests that another site's page makes.
func (s *Server) checkOrigin(r *http.Request) error {
	origin := r.Header.Get("Origin")
	s.mu.Lock()
	defer s.mu.Unlock()
	if origin == "" && r.Header.Get("Sec-Fetch-Site") != "cross-site" || slices.Contains(s.origins, origin) {
		return nil
	}
	return &fusion.Error{Op: "web", Path: origin, Cause: fusion.ErrPermission, Detail: "the request comes from another site",
		Hint: "open the page with: hither web"}
}

// allowShell lets the desktop window's page read the answers.
func (s *Server) allowShell(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	if !slices.Contains(shellOrigins, origin) {
		return
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Vary", "Origin")
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Connect-Protocol-Version, Connect-Timeout-Ms, Hither-Trace")
	h.Set("Access-Control-Max-Age", "600")
}

// policy lets the page load its own parts and talk to its own node only.
const policy = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; " +
	"font-src 'self' data:; connect-src 'self' ws:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// servePage serves a file of the page, and index.html for the page's own paths.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if info, err := fs.Stat(s.page, name); err == nil && !info.IsDir() {
		if strings.HasPrefix(name, "assets/") {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		http.ServeFileFS(w, r, s.page, name)
		return
	}
	if path.Ext(name) != "" && !namesSomething(name) {
		http.NotFound(w, r)
		return
	}
	h.Set("Cache-Control", "no-store")
	for _, index := range []string{"index.html", "placeholder.html"} {
		text, err := fs.ReadFile(s.page, index)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			h.Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write(text) // the browser is gone if this fails
			return
		}
	}
	http.NotFound(w, r)
}

// namesSomething says whether a path of the page holds names, which may have
// dots.
func namesSomething(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return slices.Contains([]string{"machine", "screen", "host", "app", "apps"}, first)
}
