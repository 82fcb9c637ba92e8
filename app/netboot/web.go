package netboot

import (
	"bytes"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"time"

	"hither/fusion"
)

// handler serves the scripts and the files of installations. Who asks is who the kernel
// knows by the address: nothing else of a request is believed but the random name.
func (s *Server) handler(o *opened) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /boot.ipxe", func(w http.ResponseWriter, r *http.Request) { s.serveScript(w, r, o) })
	mux.HandleFunc("GET /t/{token}/{file}", func(w http.ResponseWriter, r *http.Request) { s.serveFile(w, r, o) })
	mux.HandleFunc("GET /t/{token}/step/{step}", s.serveStep)
	return mux
}

// asker gives the MAC of who asks.
func (s *Server) asker(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return s.cfg.mac(at.Addr().Unmap())
}

// serveScript tells a computer what it is to do.
func (s *Server) serveScript(w http.ResponseWriter, r *http.Request, o *opened) {
	mac, err := fusion.ParseMAC(s.asker(r))
	if err != nil {
		http.Error(w, "only computers of this network are served", http.StatusForbidden)
		return
	}
	round, _ := strconv.Atoi(r.FormValue("round")) // what is no number is the first
	text := s.script(mac, o.host(), min(max(round, 0), mostRounds))
	if text == nil {
		http.Error(w, "the list of computers is full", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write(text) // whoever hung up asks again
}

// script decides what a computer does that starts now; nil when there is no room for it.
func (s *Server) script(mac, at string, round int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.list.add(mac)
	if c == nil {
		return nil
	}
	now := s.cfg.now()
	if c.State == "" {
		c.enter(fusion.BareSeen, now)
	}
	if now.Sub(c.Seen) > time.Minute { // it waits; the list tells so now and then
		c.Seen = now
		s.touch()
	}
	say := words{Host: s.cfg.Name, At: at, MAC: mac, Name: c.Name, Round: round + 1, Last: round >= mostRounds, Args: s.cfg.Args}
	if c.Order == nil {
		switch c.State {
		case fusion.BareInstalled, fusion.BarePaired:
			return written(diskText, say)
		case fusion.BareFailed:
			say.Note = echoed(c.Note)
		}
		return written(waitText, say)
	}
	if c.Order.kernel == "" { // the node started anew, and brings the installer
		return written(waitText, say)
	}
	switch c.State {
	case fusion.BareOrdered:
		c.enter(fusion.BareBooting, now)
		s.touch()
	case fusion.BareInstalled:
		return written(diskText, say)
	case fusion.BareInstalling:
		c.fail("it started anew before it was installed", "look at its screen; then install it anew", now)
		s.touch()
		say.Note = echoed(c.Note)
		return written(waitText, say)
	case fusion.BareFailed:
		say.Note = echoed(c.Note)
		return written(waitText, say)
	}
	say.Token, say.Disk = c.Order.Token, c.Order.Spec.Disk
	return written(installText, say)
}

// orderOf gives the installation whose files a request may have: of this random name, and
// of the computer that asks.
func (s *Server) orderOf(r *http.Request) (c *computer, o *order) {
	c = s.list.byToken(r.PathValue("token"))
	if c == nil || s.asker(r) != c.MAC {
		return nil, nil
	}
	return c, c.Order
}

// serveFile gives a file of an installation: the kernel and what it is told until the
// installer is at work, the node's program until the system is there.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request, at *opened) {
	s.mu.Lock()
	c, o := s.orderOf(r)
	var state fusion.BareState
	if c != nil {
		state = c.State
	}
	sum := s.sum
	s.mu.Unlock()
	loading := state == fusion.BareBooting
	switch file := r.PathValue("file"); {
	case loading && file == "linux":
		s.serveDisk(w, r, o.kernel)
	case loading && file == "initrd.gz":
		s.serveDisk(w, r, o.initrd)
	case loading && file == "seed.cpio":
		files, err := s.seedFiles(o, at.host(), sum)
		if err != nil {
			s.cfg.Log.Error("what the installer is told cannot be written", "err", err)
			http.Error(w, "it cannot be written", http.StatusInternalServerError)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.cfg.Pack(files)))
	case (loading || state == fusion.BareInstalling) && file == "hither":
		s.serveDisk(w, r, s.cfg.program)
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) serveDisk(w http.ResponseWriter, r *http.Request, path string) {
	f, err := os.Open(path)
	if err != nil {
		s.cfg.Log.Error("a file for a computer cannot be read", "file", path, "err", err)
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, f)
}

// serveStep notes how far an installation is.
func (s *Server) serveStep(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, _ := s.orderOf(r)
	if c == nil {
		http.NotFound(w, r)
		return
	}
	now := s.cfg.now()
	switch step := fusion.BareState(r.PathValue("step")); {
	case step == fusion.BareInstalling && c.State == fusion.BareBooting,
		step == fusion.BareInstalled && (c.State == fusion.BareBooting || c.State == fusion.BareInstalling):
		c.enter(step, now)
	case step == fusion.BareFailed && (c.State == fusion.BareBooting || c.State == fusion.BareInstalling):
		c.fail("the node's program could not be put there", "its system may be whole: look at its screen; the file /var/log/installer/syslog there says why", now)
	default:
		http.NotFound(w, r)
		return
	}
	if err := s.list.write(s.cfg.File); err != nil {
		s.cfg.Log.Warn("how far an installation is was not kept", "err", err)
	}
	s.touch()
	w.WriteHeader(http.StatusNoContent)
}
