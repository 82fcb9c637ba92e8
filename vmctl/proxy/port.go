// Package proxy leads ports of this computer to guests: each Port listens, and connects what
// comes with wherever its reach function finds the guest now. It knows TCP and UDP, bounds
// the connections through a port, and needs no rights but those of its user. Of QEMU's own
// user-mode network it reads which loopback ports lead into it.
package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// Port is an address of this computer that leads elsewhere. A goroutine of its own listens,
// and each connection has two; they end by Close.
type Port struct {
	tcp    net.Listener   // or
	udp    net.PacketConn // this
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	slots  chan struct{} // one per connection
	reach  func(ctx context.Context) (net.Conn, error)
}

const (
	// maxThrough bounds the connections through one forward.
	maxThrough = 256
	// reachPatience bounds how long the guest may take to answer.
	reachPatience = 10 * time.Second
	// udpIdle ends the way of a UDP client that says nothing more, and hears nothing.
	udpIdle = time.Minute
	// maxDatagram is the largest that UDP has.
	maxDatagram = 65535
)

// Listen listens on an address of this computer, until parent ends or the port is
// closed. Each connection, or each client of "udp", gets one of its own by reach, whose
// context bounds how long that may take.
func Listen(parent context.Context, proto, address string, reach func(ctx context.Context) (net.Conn, error)) (*Port, error) {
	ctx, cancel := context.WithCancel(parent)
	p := &Port{ctx: ctx, cancel: cancel, slots: make(chan struct{}, maxThrough), reach: reach}
	var listening net.ListenConfig
	var err error
	if proto == "udp" {
		p.udp, err = listening.ListenPacket(ctx, "udp", address)
	} else {
		p.tcp, err = listening.Listen(ctx, "tcp", address)
	}
	if err != nil {
		cancel()
		return nil, err
	}
	serve := p.acceptTCP
	if p.udp != nil {
		serve = p.relayUDP
	}
	p.work.Go(serve)
	return p, nil
}

// Number is the port's number on the host.
func (p *Port) Number() int {
	var address net.Addr
	if p.tcp != nil {
		address = p.tcp.Addr()
	} else {
		address = p.udp.LocalAddr()
	}
	_, text, _ := net.SplitHostPort(address.String())
	n, _ := strconv.Atoi(text) // the kernel's own text
	return n
}

// Wait waits until all of it has ended.
func (p *Port) Wait() { p.work.Wait() }

// Shut ends it without waiting for that.
func (p *Port) Shut() {
	p.cancel()
	if p.tcp != nil {
		_ = p.tcp.Close() // nobody is to hear of it
	} else {
		_ = p.udp.Close() // likewise
	}
}

// Close ends it and waits until all of it has ended.
func (p *Port) Close() {
	p.Shut()
	p.work.Wait()
}

func (p *Port) acceptTCP() {
	for {
		conn, err := p.tcp.Accept()
		switch {
		case p.ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			if err == nil {
				_ = conn.Close() // it came too late
			}
			return
		case err != nil: // too many open files, as a rule
			select {
			case <-time.After(100 * time.Millisecond):
			case <-p.ctx.Done():
			}
			continue
		}
		select {
		case p.slots <- struct{}{}:
			p.work.Go(func() {
				defer func() { <-p.slots }()
				p.through(conn)
			})
		default: // too many: this one is refused
			_ = conn.Close()
		}
	}
}

// through connects a client with the guest until both have said all, or the forward
// ends. A guest that cannot be reached ends the client's connection.
func (p *Port) through(client net.Conn) {
	defer client.Close()
	ctx, cancel := context.WithTimeout(p.ctx, reachPatience)
	guest, err := p.reach(ctx)
	cancel()
	if err != nil {
		return
	}
	defer guest.Close()
	stop := context.AfterFunc(p.ctx, func() {
		_ = client.Close() // ends both copies
		_ = guest.Close()
	})
	defer stop()
	var half sync.WaitGroup
	half.Go(func() { pour(guest, client) })
	pour(client, guest)
	half.Wait()
}

// pour copies until the source has said all, and says so to the other side.
func pour(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if half, ok := to.(*net.TCPConn); ok && err == nil {
		err = half.CloseWrite()
	}
	if err != nil { // one side broke: so does the other
		_ = to.Close()
		_ = from.Close()
	}
}
