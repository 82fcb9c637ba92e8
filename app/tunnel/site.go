package tunnel

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"hither/app/tunnel/front"
	"hither/fusion"
)

// A site is a reverse tunnel whose host listens for visitors by name (doSite), with package
// front. As with a port the host keeps nothing but certificates, and opens a stream here for
// each connection to the service (doBack). Over the stream that holds the site the host tells
// how its certificate is doing, a frame of siteNews whenever that changes.

// siteNews is how the certificate of a site is doing.
type siteNews struct {
	Until time.Time `json:"until,omitzero"` // it holds, zero while there is none
	Why   string    `json:"why,omitempty"`  // the CA gives none
}

// newsEvery is how often a host looks at a certificate for news.
const newsEvery = time.Second

// siteDoor is the door of an entry that publishes a site.
type siteDoor struct {
	hold
	e *entry
}

// Wait reads the host's news until the stream ends.
func (d siteDoor) Wait() {
	for {
		var news siteNews
		if err := readFrame(d.conn, &news); err != nil {
			d.Shut() // however it ends, it has ended
			d.e.setNews(siteNews{})
			return
		}
		news.Why = strings.ToValidUTF8(news.Why[:min(len(news.Why), 300)], "")
		d.e.setNews(news)
	}
}

func (e *entry) setNews(news siteNews) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.news = news
}

// sealed gives a request as it is kept: of a site's password the hash.
func sealed(spec fusion.TunnelSpec) (fusion.TunnelSpec, error) {
	if spec.Site == (fusion.Site{}) || spec.Password == "" {
		return spec, nil
	}
	hash, err := front.HashPassword(spec.Password)
	spec.Password = hash
	return spec, err
}

// maySite says whether a host may publish a name here.
func (s *Store) maySite(from fusion.HostID, site fusion.Site) error {
	return s.cfg.Allow(from, fusion.TunnelCap, site.Object())
}

// heldSite is a site that is published here for another host.
type heldSite struct {
	site  fusion.Site
	lease *front.Lease
	end   context.CancelFunc // ends the stream that holds it
	done  chan struct{}      // closed when its name is free
}

// Close ends it and waits until its name is free.
func (h *heldSite) Close() {
	h.end()
	<-h.done
}

// site publishes a name for another host, as long as its stream stands.
func (s *Store) site(from fusion.HostID, conn net.Conn, h hello) error {
	about(conn, "publish "+h.Site.Object())
	patient(conn)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	key := doorKey{from, h.Tunnel}
	held, err := s.publishFor(from, key, h, cancel)
	if err != nil {
		return errors.Join(err, refuse(conn, err))
	}
	defer func() {
		held.lease.Close()
		s.far.sites.leave(key, held)
		close(held.done)
	}()
	if err := writeFrame(conn, answer{Listen: held.lease.Listen}); err != nil {
		return err
	}
	s.cfg.Log.Info("another computer publishes a site here", "host", s.nameOf(from), "listen", held.lease.Listen, "site", h.Site.Object())
	var telling sync.WaitGroup
	telling.Go(func() {
		defer conn.Close() // ends the reading below
		tellNews(ctx, conn, held.lease)
	})
	_, err = io.Copy(io.Discard, conn) // it says nothing
	cancel()
	telling.Wait()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}

// tellNews tells how a certificate is doing, until ctx ends or nobody hears it.
func tellNews(ctx context.Context, conn net.Conn, lease *front.Lease) {
	ticker := time.NewTicker(newsEvery)
	defer ticker.Stop()
	var told siteNews
	for {
		var news siteNews
		news.Until, news.Why = lease.Certificate()
		if news != told {
			if conn.SetWriteDeadline(time.Now().Add(answerTime)) != nil || writeFrame(conn, news) != nil {
				return
			}
			told = news
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// publishFor checks what another host wants to publish, and publishes it.
func (s *Store) publishFor(from fusion.HostID, key doorKey, h hello, end context.CancelFunc) (*heldSite, error) {
	spec := fusion.TunnelSpec{Kind: fusion.ReverseTunnel, Proto: "tcp", Listen: h.Listen, Open: true, Host: "x", Target: fusion.Target{Port: 1}, Site: h.Site}
	if err := spec.Check(); err != nil {
		return nil, err
	}
	if h.Site == (fusion.Site{}) || len(h.Tunnel) > 64 || len(h.User) > 255 || len(h.Hash) > 100 {
		return nil, &fusion.Error{Op: "tunnel", Cause: fusion.ErrInvalid, Detail: "that is no tunnel's name", Hint: "update Hither on that computer"}
	}
	if err := s.maySite(from, h.Site); err != nil {
		return nil, err
	}
	if at, err := netip.ParseAddrPort(h.Listen); err != nil || at.Port() != 0 && slices.Contains(s.cfg.Own(), int(at.Port())) {
		return nil, forbiddenError(h.Listen, "that is a port of the node or of libvirt", "take another port")
	}
	s.far.sites.takeOver(key)
	lease, err := s.front.Publish(front.Site{Site: h.Site, Listen: h.Listen, User: h.User, Hash: h.Hash, Reach: func(ctx context.Context) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, reachTime)
		defer cancel()
		if err := s.maySite(from, h.Site); err != nil { // it was taken away
			return nil, err
		}
		conn, _, err := s.ask(ctx, from, hello{Do: doBack, Tunnel: h.Tunnel})
		return conn, err
	}})
	if err != nil {
		return nil, siteError(h, err)
	}
	held := &heldSite{site: h.Site, lease: lease, end: end, done: make(chan struct{})}
	if err := s.far.sites.enter(key, held); err != nil {
		lease.Close()
		return nil, err
	}
	return held, nil
}

// siteError says why a name cannot be published.
func siteError(h hello, err error) error {
	listen := h.Listen
	if front.OfPlain(err) {
		listen = netip.AddrPortFrom(netip.MustParseAddrPort(listen).Addr(), uint16(h.Site.Plain)).String()
	}
	why := portError("publish", listen, err)
	var e *fusion.Error
	switch {
	case !errors.As(why, &e):
	case errors.Is(why, fusion.ErrPermission):
		e.Detail = "the node there may not listen on a port below 1024"
		e.Hint = "there, as root: sysctl net.ipv4.ip_unprivileged_port_start=80, or setcap cap_net_bind_service=ep on the program hither"
	case front.OfPlain(err) && errors.Is(why, fusion.ErrBusy):
		e.Hint = "end the program that has it, or do without HTTP beside HTTPS: --plain 0"
	}
	return why
}
