package proxy

import (
	"context"
	"net"
	"sync"
	"time"
)

// ways are the UDP clients of a forward, each with a socket of its own to the guest.
type ways struct {
	p  *Port
	mu sync.Mutex // guards to
	to map[string]*way
}

// way is one client's.
type way struct {
	in chan []byte // bounded: what the guest does not take is lost, as on any path
}

// maxWaiting are the datagrams that wait for a guest.
const maxWaiting = 64

// relayUDP hands datagrams to the guest and answers back, until the forward ends.
func (p *Port) relayUDP() {
	w := &ways{p: p, to: map[string]*way{}}
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
func (w *ways) of(client net.Addr) *way {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := client.String()
	if known := w.to[key]; known != nil {
		return known
	}
	select {
	case w.p.slots <- struct{}{}:
	default:
		return nil
	}
	to := &way{in: make(chan []byte, maxWaiting)}
	w.to[key] = to
	w.p.work.Go(func() {
		defer func() { <-w.p.slots }()
		w.carry(client, to)
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.to, key)
	})
	return to
}

// carry serves one client until nothing was said for udpIdle.
func (w *ways) carry(client net.Addr, to *way) {
	ctx, cancel := context.WithTimeout(w.p.ctx, reachPatience)
	guest, err := w.p.reach(ctx)
	cancel()
	if err != nil {
		return
	}
	heard := make(chan struct{}, 1)
	var answers sync.WaitGroup
	answers.Go(func() { w.answers(client, guest, heard) })
	defer answers.Wait()
	defer guest.Close()
	for {
		select {
		case data := <-to.in:
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
func (w *ways) answers(client net.Addr, guest net.Conn, heard chan<- struct{}) {
	buf := make([]byte, maxDatagram)
	for {
		n, err := guest.Read(buf)
		if err != nil {
			return // closed, or the guest has nobody there
		}
		if _, err := w.p.udp.WriteTo(buf[:n], client); err != nil && w.p.ctx.Err() != nil {
			return
		}
		select {
		case heard <- struct{}{}:
		default:
		}
	}
}
