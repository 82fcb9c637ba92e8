package tunnel

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"hither/fusion"
	"hither/vmctl/proxy"
)

// entry is one tunnel that is kept here. Its exported fields are what the file has, and are
// not changed once it is in the Store, but for Limit: that with Store.mu and mu.
type entry struct {
	fusion.TunnelSpec
	ID     string        `json:"id"`
	HostID fusion.HostID `json:"hostId"`

	gauge *proxy.Gauge
	again chan struct{} // capacity 1: try now

	ctx    context.Context // with cancel, set by Store.start: ends with the tunnel
	cancel context.CancelFunc
	done   chan struct{} // closed when run has ended

	mu   sync.Mutex // guards the fields below
	port door       // nil while it does not listen
	why  error      // why it does not, or why the last connection failed
	news siteNews   // of a site
}

// door is what a tunnel listens with: a proxy.Port here, or a stream to the host that listens.
type door interface {
	Shut()
	Wait()
}

func (e *entry) init() {
	e.gauge = proxy.NewGauge(e.Limit)
	e.again = make(chan struct{}, 1)
	e.done = make(chan struct{})
}

// Where is the computer whose address Listen is, "" for this one.
func (e *entry) Where() fusion.HostID {
	if e.Kind == fusion.ReverseTunnel {
		return e.HostID
	}
	return ""
}

// startLocked runs an entry until it ends, or the Store does. mu is held.
func (s *Store) startLocked(e *entry) {
	e.ctx, e.cancel = context.WithCancel(s.ctx)
	s.work.Go(func() {
		defer close(e.done)
		s.run(e.ctx, e)
	})
}

// end ends an entry, and waits for that.
func (e *entry) end() {
	e.cancel()
	<-e.done
}

// drop ends what listens for an entry, which first may have begun for one that is not
// kept, or that ended before it ran.
func (e *entry) drop() {
	e.mu.Lock()
	port := e.port
	e.mu.Unlock()
	if port != nil {
		port.Shut()
		port.Wait()
	}
}

// After a failure it is tried again after a pause that grows, or when the host comes back.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// run keeps a tunnel listened, whatever breaks, until ctx ends.
func (s *Store) run(ctx context.Context, e *entry) {
	defer e.drop()
	pause := firstRetry
	for ctx.Err() == nil {
		e.mu.Lock()
		port := e.port // of first
		e.mu.Unlock()
		var err error
		if port == nil {
			if port, err = s.listen(ctx, e); err == nil {
				e.set(port, nil)
			}
		}
		if err == nil {
			pause = firstRetry
			shut := make(chan struct{})
			stop := context.AfterFunc(ctx, func() {
				defer close(shut)
				port.Shut()
			})
			port.Wait()
			if !stop() {
				<-shut
			}
			err = errBroke
		}
		if ctx.Err() != nil {
			return
		}
		e.set(nil, err)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-e.again:
			pause = firstRetry
		}
		timer.Stop()
		pause = min(2*pause, lastRetry)
	}
}

// errBroke: a door ended by itself.
var errBroke = &fusion.Error{Op: "tunnel", Cause: fusion.ErrOffline, Detail: "the connection to the other computer broke"}

func (e *entry) set(port door, why error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.port, e.why = port, why
}

// told keeps how the last connection went, nil for well.
func (e *entry) told(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.why = err
}

// PeerBack says that a host came online: what waits for it goes on at once.
func (s *Store) PeerBack(id fusion.HostID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.HostID == id {
			select {
			case e.again <- struct{}{}:
			default:
			}
		}
	}
}

// first tries to listen for a new entry, so that a port that is taken is the answer to the
// request. Another host that is offline is none: run tries again.
func (s *Store) first(ctx context.Context, e *entry) error {
	port, err := s.listen(ctx, e)
	if err != nil && e.Kind == fusion.ReverseTunnel && errors.Is(err, fusion.ErrOffline) && !anyPort(e.Listen) {
		e.why = err
		return nil
	}
	if err != nil {
		return err
	}
	e.port = port
	return nil
}

// listen begins to listen for an entry, here or at its host. A port that was free to choose
// is the entry's from then on.
func (s *Store) listen(ctx context.Context, e *entry) (door, error) {
	if e.Kind == fusion.ReverseTunnel {
		return s.listenThere(ctx, e)
	}
	cfg := proxy.Config{Most: maxThrough, Patience: reachTime, Gauge: e.gauge,
		Reach: func(ctx context.Context) (net.Conn, error) { return s.reach(ctx, e, e.Proto, e.Target) }}
	if e.Kind == fusion.ProxyTunnel {
		cfg.Handle = func(ctx context.Context, conn net.Conn) { s.serveProxy(ctx, e, conn) }
	}
	var port *proxy.Port
	var err error
	if path, unix := strings.CutPrefix(e.Listen, "unix:"); unix {
		var l net.Listener
		if l, err = listenUnix(path); err == nil {
			port = proxy.Serve(s.ctx, l, cfg)
		}
	} else {
		port, err = proxy.Listen(s.ctx, e.Proto, e.Listen, cfg)
	}
	if err != nil {
		return nil, portError("tunnel.add", e.Listen, err)
	}
	if anyPort(e.Listen) {
		e.Listen = port.Addr().String()
	}
	return port, nil
}

// reach connects to a target at a tunnel's host.
func (s *Store) reach(ctx context.Context, e *entry, proto string, t fusion.Target) (net.Conn, error) {
	conn, _, err := s.ask(ctx, e.HostID, hello{Do: doOpen, Proto: proto, Target: t})
	e.told(err)
	if err != nil {
		s.cfg.Log.Debug("a tunnel's connection", "id", e.ID, "target", t, "err", err)
		return nil, err
	}
	if proto == "udp" {
		return datagrams{conn}, nil
	}
	return conn, nil
}

// portError says why an address cannot be listened on.
func portError(op, listen string, err error) error {
	e := &fusion.Error{Op: op, Path: listen, Cause: err}
	var said *fusion.Error
	switch {
	case errors.As(err, &said):
		return err
	case errors.Is(err, syscall.EADDRINUSE):
		e.Cause, e.Detail, e.Hint = fusion.ErrBusy, "another program has this port", "take another port, or end the program that has it"
	case errors.Is(err, syscall.EACCES):
		e.Cause, e.Detail, e.Hint = fusion.ErrPermission, "this user may not listen there", "take a port of 1024 or more, or a socket in a directory of this user's"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		e.Cause, e.Detail, e.Hint = fusion.ErrInvalid, "this computer does not have that address", "listen on 127.0.0.1 for this computer alone, or on 0.0.0.0 for everybody"
	default:
		e.Hint = "listen on another address"
	}
	return e
}
