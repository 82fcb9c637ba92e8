package proxy

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// clients are the UDP clients of a port, each with a way of its own to where it leads.
type clients struct {
	p  *Port
	mu sync.Mutex // guards to
	to map[string]*client
}

// client is one of them.
type client struct {
	in chan []byte // bounded: what is not taken is lost, as on any path
}

// maxWaiting are the datagrams that wait for a guest.
const maxWaiting = 64

// relayUDP hands datagrams to the guest and answers back, until the forward ends.
func (p *Port) relayUDP() {
	w := &clients{p: p, to: map[string]*client{}}
	buf := make([]byte, maxDatagram)
	for {
		n, from, err := p.udp.ReadFrom(buf)
		if p.ctx.Err() != nil {
			return
		}
		if err != nil {
			continue // an ICMP error of one client is not the forward's end
		}
		if to := w.of(from); to != nil {
			select {
			case to.in <- append([]byte(nil), buf[:n]...):
			default:
			}
		}
	}
}

// of gives a client's way, nil when there are too many.
func (w *clients) of(from net.Addr) *client {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := from.String()
	if known := w.to[key]; known != nil {
		return known
	}
	select {
	case w.p.slots <- struct{}{}:
	default:
		return nil
	}
	to := &client{in: make(chan []byte, maxWaiting)}
	w.to[key] = to
	w.p.work.Go(func() {
		defer func() { <-w.p.slots }()
		w.carry(from, to)
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.to, key)
	})
	return to
}

// carry serves one client until nothing was said for udpIdle.
func (w *clients) carry(from net.Addr, to *client) {
	w.p.cfg.Gauge.enter()
	defer w.p.cfg.Gauge.leave()
	ctx, cancel := context.WithTimeout(w.p.ctx, w.p.cfg.Patience)
	guest, err := w.p.cfg.Reach(ctx)
	cancel()
	if err != nil {
		return
	}
	heard := make(chan struct{}, 1)
	var answers sync.WaitGroup
	answers.Go(func() { w.answers(from, guest, heard) })
	defer answers.Wait()
	defer guest.Close()
	for {
		select {
		case data := <-to.in:
			if w.p.cfg.Gauge.outward().moved(w.p.ctx, len(data)) != nil {
				return
			}
			if _, err := guest.Write(data); err != nil {
				return // the next datagram looks for the guest anew
			}
		case <-heard:
		case <-time.After(udpIdle):
			return
		case <-w.p.ctx.Done():
			return
		}
	}
}

// answers hands what the guest says to the client, until its socket is closed.
func (w *clients) answers(to net.Addr, guest net.Conn, heard chan<- struct{}) {
	buf := make([]byte, maxDatagram)
	for {
		n, err := guest.Read(buf)
		if err != nil {
			return // closed, or the guest has nobody there
		}
		if w.p.cfg.Gauge.inward().moved(w.p.ctx, n) != nil {
			return
		}
		if _, err := w.p.udp.WriteTo(buf[:n], to); err != nil && w.p.ctx.Err() != nil {
			return
		}
		select {
		case heard <- struct{}{}:
		default:
		}
	}
}

// Datagrams copies one after the other until either side ends; a socket whose peer said that
// nobody is there goes on. The gauge, which may be nil, counts them as in or out.
func (g *Gauge) Datagrams(ctx context.Context, to, from net.Conn, touch func(), in bool) {
	way := g.outward()
	if in {
		way = g.inward()
	}
	buf := make([]byte, maxDatagram)
	for {
		n, err := from.Read(buf)
		if errors.Is(err, syscall.ECONNREFUSED) {
			continue
		}
		if err != nil {
			return
		}
		touch()
		if way.moved(ctx, n) != nil {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
	}
}
