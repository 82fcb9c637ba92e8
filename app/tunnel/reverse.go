package tunnel

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"hither/fusion"
	"hither/vmctl/proxy"
)

// A reverse tunnel is listened at its host as long as a stream stands that was opened from
// here (doListen). For each connection the host opens a stream here (doBack), and only the
// host of a tunnel can: it is told by its key. So nothing is kept at the host, and it learns
// of no more than the one target that its owner chose.

// hold is a stream that keeps a host listening.
type hold struct{ conn net.Conn }

// holdPatience is how long a host goes on listening for one that is away: longer than a
// change of path takes, shorter than a connection lasts, as nobody can come in meanwhile.
const holdPatience = 10 * time.Second

// patient lets a stream that outlives its path do so for holdPatience.
func patient(conn net.Conn) {
	if lasting, ok := conn.(interface{ SetPatience(time.Duration) }); ok {
		lasting.SetPatience(holdPatience)
	}
}

// Shut ends it; Wait hears of that.
func (h hold) Shut() { _ = h.conn.Close() }

// Wait returns when the stream has ended; it says nothing until then.
func (h hold) Wait() {
	_, _ = io.Copy(io.Discard, h.conn) // however it ends, it has ended
	h.Shut()
}

// listenThere asks an entry's host to listen.
func (s *Store) listenThere(ctx context.Context, e *entry) (door, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	want := hello{Do: doListen, Proto: e.Proto, Tunnel: e.ID, Listen: e.Listen, Open: e.Open}
	published := e.Site != (fusion.Site{})
	if published {
		want = hello{Do: doSite, Tunnel: e.ID, Listen: e.Listen, Site: e.Site, User: e.User, Hash: e.Password}
	}
	conn, got, err := s.ask(ctx, e.HostID, want)
	if err != nil {
		return nil, err
	}
	if anyPort(e.Listen) {
		listen, err := fusion.ParseListen(got.Listen)
		if err != nil || anyPort(listen) {
			return nil, errors.Join(&fusion.Error{Op: "tunnel.add", Path: e.Host, Cause: fusion.ErrInvalid, Detail: "it does not say on which port it listens", Hint: "update Hither on " + e.Host}, conn.Close())
		}
		e.Listen = listen
	}
	patient(conn)
	if published {
		return siteDoor{hold{conn}, e}, nil
	}
	return hold{conn}, nil
}

// hold listens for another host, as long as its stream stands. A tunnel that it asks for
// again takes over: the stream of before may be one that is dead and not known to be.
func (s *Store) hold(from fusion.HostID, conn net.Conn, h hello) error {
	about(conn, "listen "+h.Listen)
	patient(conn)
	port, err := s.listenFor(from, h)
	if err != nil {
		return errors.Join(err, refuse(conn, err))
	}
	key := doorKey{from, h.Tunnel}
	err = s.far.doors.enter(key, port)
	defer func() {
		port.Close()
		s.far.doors.leave(key, port)
	}()
	if err != nil {
		return errors.Join(err, refuse(conn, err))
	}
	if err := writeFrame(conn, answer{Listen: port.Addr().String()}); err != nil {
		return err
	}
	s.cfg.Log.Info("another computer listens here", "host", s.nameOf(from), "listen", port.Addr().String(), "proto", h.Proto)
	stop := context.AfterFunc(s.ctx, func() { _ = conn.Close() }) // ends the reading below
	defer stop()
	var over sync.WaitGroup
	over.Go(func() {
		port.Wait() // another one took over, or it may not any more
		_ = conn.Close()
	})
	_, err = io.Copy(io.Discard, conn) // it says nothing
	port.Shut()
	over.Wait()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}

// listenFor checks what another host wants to listen on, and listens.
func (s *Store) listenFor(from fusion.HostID, h hello) (*proxy.Port, error) {
	spec := fusion.TunnelSpec{Kind: fusion.ReverseTunnel, Proto: h.Proto, Listen: h.Listen, Open: h.Open, Host: "x", Target: fusion.Target{Port: 1}}
	if err := spec.Check(); err != nil {
		return nil, err
	}
	if len(h.Tunnel) > 64 {
		return nil, &fusion.Error{Op: "tunnel", Cause: fusion.ErrInvalid, Detail: "that is no tunnel's name", Hint: "update Hither on that computer"}
	}
	want := fusion.TunnelCap
	if !fusion.Loopback(h.Listen) {
		want = fusion.AdminCap // it opens this computer to its network
	}
	may := func() error { return s.cfg.Allow(from, want, "listen "+h.Listen) }
	if err := may(); err != nil {
		return nil, err
	}
	s.far.doors.takeOver(doorKey{from, h.Tunnel})
	port, err := proxy.Listen(s.ctx, h.Proto, h.Listen, proxy.Config{Most: maxThrough, Patience: reachTime,
		Reach: func(ctx context.Context) (net.Conn, error) {
			if err := may(); err != nil { // it was taken away
				return nil, err
			}
			conn, _, err := s.ask(ctx, from, hello{Do: doBack, Tunnel: h.Tunnel})
			if err == nil && h.Proto == "udp" {
				conn = datagrams{conn}
			}
			return conn, err
		}})
	if err != nil {
		return nil, portError("tunnel", h.Listen, err)
	}
	return port, nil
}

// back connects a stream of the host of a reverse tunnel with the tunnel's target.
func (s *Store) back(from fusion.HostID, conn net.Conn, h hello) error {
	e := s.reverse(from, h.Tunnel)
	if e == nil {
		return refuse(conn, &fusion.Error{Op: "tunnel", Path: printable(h.Tunnel), Cause: fusion.ErrNotFound, Detail: "no such tunnel", Hint: "hither forward ls lists them"})
	}
	about(conn, objectOf(e.Target))
	target, err := s.dialTarget(e.ctx, e.Proto, e.Target)
	e.told(err)
	if err != nil {
		return errors.Join(err, refuse(conn, err))
	}
	e.gauge.Enter()
	defer e.gauge.Leave()
	return s.join(e.ctx, conn, target, e.Proto, e.gauge)
}

// reverse finds a reverse tunnel of a host, nil when there is none.
func (s *Store) reverse(from fusion.HostID, id string) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.Kind == fusion.ReverseTunnel && e.HostID == from && e.ID == id {
			return e
		}
	}
	return nil
}
