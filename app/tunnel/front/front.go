package front

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"hither/fusion"
)

// Config says what a Front stands in. Dir is required.
type Config struct {
	// Dir keeps certificates and the CA's account, readable for the owner alone.
	Dir string
	// CA is the ACME directory's URL. Default: Let's Encrypt.
	CA string
	// Roots are trusted for the CA's own HTTPS. Default: the system's.
	Roots *x509.CertPool
	// Log gets what the owner would want in a report. Default: silent.
	Log *slog.Logger

	renewAt    float64       // tests: renewed when so much of the lifetime is left; default a third
	renewCheck time.Duration // tests: how often is looked; default 10 minutes
	headTime   time.Duration // tests: how long headers may take; default headTime
}

// Site is a service that is published.
type Site struct {
	fusion.Site
	// Listen is ADDRESS:PORT; port 0 is one that is free.
	Listen string
	// User and Hash are what visitors are asked for (RFC 7617), Hash as HashPassword gives it;
	// without Hash nobody is asked, and without User any name will do.
	User, Hash string
	// Reach connects to the service.
	Reach func(ctx context.Context) (net.Conn, error)
}

// Front publishes sites. A goroutine for each address serves it, and one for each site with
// TLS looks after its certificate; they end with Close.
type Front struct {
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	certs  certs
	once   sync.Once // of Close

	mu    sync.Mutex       // guards the field below, and door.sites
	doors map[string]*door // by the address that was bound
}

// Open begins; it listens when there is a site.
func Open(cfg Config) *Front {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	f := &Front{cfg: cfg, doors: map[string]*door{}}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.certs.open(cfg)
	return f
}

// Close ends all sites and waits for that.
func (f *Front) Close() { f.once.Do(f.close) }

func (f *Front) close() {
	f.cancel()
	f.mu.Lock()
	doors := f.doors
	f.doors = map[string]*door{}
	f.mu.Unlock()
	for _, d := range doors {
		d.close()
	}
	f.work.Wait()
	f.certs.close()
}

// Ports are those that it listens on.
func (f *Front) Ports() (ports []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for address := range f.doors {
		if at, err := netip.ParseAddrPort(address); err == nil {
			ports = append(ports, int(at.Port()))
		}
	}
	return ports
}

// Lease is a site that is published, until Close.
type Lease struct {
	f    *Front
	site *site
	// Listen is where, with the port that was free to choose.
	Listen string
}

// Publish begins a site. It returns the listener's error for an address that cannot be bound,
// and promises ErrExists for a name that is published there.
func (f *Front) Publish(s Site) (*Lease, error) {
	if f.ctx.Err() != nil {
		return nil, &fusion.Error{Op: "publish", Path: s.Name, Cause: fusion.ErrOffline, Detail: "the node stops", Hint: "ask again when it runs"}
	}
	site := newSite(f, s)
	f.mu.Lock()
	defer f.mu.Unlock()
	d, err := f.enterLocked(s.Listen, s.TLS, site)
	if err != nil {
		return nil, err
	}
	site.doors = append(site.doors, d)
	if s.TLS && s.Plain != 0 {
		at := d.at
		plain, err := f.enterLocked(netip.AddrPortFrom(at.Addr(), uint16(s.Plain)).String(), false, site)
		if err != nil {
			f.leaveLocked(site)
			return nil, &plainError{err}
		}
		site.doors = append(site.doors, plain)
		site.plain = plain.at.Port()
	}
	site.port = d.at.Port()
	if s.TLS {
		f.work.Go(func() { f.certs.keep(site.ctx, site, d.at) })
	}
	return &Lease{f: f, site: site, Listen: d.at.String()}, nil
}

// plainError is of the port that leads HTTP to HTTPS.
type plainError struct{ error }

func (e *plainError) Unwrap() error { return e.error }

// OfPlain says whether an error of Publish is of the port for HTTP beside that for HTTPS.
func OfPlain(err error) bool {
	var plain *plainError
	return errors.As(err, &plain)
}

// Close ends a site and the requests to it.
func (l *Lease) Close() {
	l.site.end()
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	l.f.leaveLocked(l.site)
}

// Certificate says until when the site's certificate holds, zero while there is none, and why
// the CA gives none, "" when nothing is wrong.
func (l *Lease) Certificate() (until time.Time, why string) {
	return l.f.certs.state(l.site)
}

// enterLocked makes a site known at an address, at which it begins to listen when nobody does.
// mu is held.
func (f *Front) enterLocked(listen string, tls bool, s *site) (*door, error) {
	d := f.doors[listen]
	if d == nil {
		var err error
		if d, err = f.openDoor(listen, tls); err != nil {
			return nil, err
		}
		f.doors[d.at.String()] = d
	}
	switch {
	case d.tls != tls:
		return nil, &fusion.Error{Op: "publish", Path: listen, Cause: fusion.ErrBusy, Detail: "sites of the other kind, HTTP or HTTPS, listen there", Hint: "take another port"}
	case d.sites[s.Name] != nil:
		return nil, &fusion.Error{Op: "publish", Path: s.Name, Cause: fusion.ErrExists, Detail: "this name is published there already", Hint: "take another name, or remove the tunnel that has it: hither forward rm"}
	}
	d.sites[s.Name] = s
	return d, nil
}

// leaveLocked takes a site from its addresses; one that nobody is at any more is closed.
func (f *Front) leaveLocked(s *site) {
	for _, d := range s.doors {
		if d.sites[s.Name] == s {
			delete(d.sites, s.Name)
		}
		if at := d.at.String(); len(d.sites) == 0 && f.doors[at] == d {
			delete(f.doors, at)
			d.shut()
		}
	}
}

// at gives the site of a name at an address, nil when there is none.
func (f *Front) at(d *door, name string) *site {
	f.mu.Lock()
	defer f.mu.Unlock()
	return d.sites[name]
}
