// Package proxy joins what comes to an address of this computer with somewhere else: each
// Port listens, and connects what comes with what its reach function gives, wherever that is
// now. It knows TCP, unix sockets and UDP, counts and slows what passes, bounds the
// connections through a port, and needs no rights but those of its user. Port forwards to
// guests and tunnels between computers are made of it. Of QEMU's own user-mode network it
// reads which loopback ports lead into it.
package proxy

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"
)

// Config says how a port is served. Reach, or Handle, is required.
type Config struct {
	// Reach connects to where the port leads: once for each connection, and for each
	// client of "udp", where a Write and a Read of it are a datagram each. Its context
	// bounds how long that may take.
	Reach func(ctx context.Context) (net.Conn, error)
	// Handle, when set, serves a connection in Reach's place, until ctx ends. It closes it.
	Handle func(ctx context.Context, conn net.Conn)
	// Most bounds the connections, or clients of "udp", at a time; more are refused.
	// Default 256.
	Most int
	// Patience bounds Reach. Default 10 s.
	Patience time.Duration
	// Gauge counts and slows what passes; nil does neither.
	Gauge *Gauge
}

func (c Config) withDefaults() Config {
	if c.Most == 0 {
		c.Most = 256
	}
	if c.Patience == 0 {
		c.Patience = 10 * time.Second
	}
	return c
}

// Port is an address of this computer that leads elsewhere. A goroutine of its own listens,
// and each connection has two; they end by Close.
type Port struct {
	cfg    Config
	tcp    net.Listener   // or
	udp    net.PacketConn // this
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	slots  chan struct{} // one per connection
}

const (
	// udpIdle ends the way of a UDP client that says nothing more, and hears nothing.
	udpIdle = time.Minute
	// maxDatagram is the largest that UDP has.
	maxDatagram = 65535
)

// Listen listens on an address of this computer for "tcp" or "udp", until parent ends or the
// port is closed.
func Listen(parent context.Context, proto, address string, cfg Config) (*Port, error) {
	var listening net.ListenConfig
	if proto == "udp" {
		conn, err := listening.ListenPacket(parent, "udp", address)
		if err != nil {
			return nil, err
		}
		p := newPort(parent, cfg)
		p.udp = conn
		p.work.Go(p.relayUDP)
		return p, nil
	}
	l, err := listening.Listen(parent, "tcp", address)
	if err != nil {
		return nil, err
	}
	return Serve(parent, l, cfg), nil
}

// Serve serves a listener, which is the port's from then on, until parent ends or the port is
// closed.
func Serve(parent context.Context, l net.Listener, cfg Config) *Port {
	p := newPort(parent, cfg)
	p.tcp = l
	p.work.Go(p.accept)
	return p
}

func newPort(parent context.Context, cfg Config) *Port {
	cfg = cfg.withDefaults()
	p := &Port{cfg: cfg, slots: make(chan struct{}, cfg.Most)}
	p.ctx, p.cancel = context.WithCancel(parent)
	return p
}

// Addr is where it listens.
func (p *Port) Addr() net.Addr {
	if p.tcp != nil {
		return p.tcp.Addr()
	}
	return p.udp.LocalAddr()
}

// Number is the port's number on the host.
func (p *Port) Number() int {
	_, text, _ := net.SplitHostPort(p.Addr().String())
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

func (p *Port) accept() {
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
			Abort(conn)
		}
	}
}

// through connects a client with where the port leads, until both have said all or the port
// ends. A client whose way cannot be made is reset, as by a port where nobody listens.
func (p *Port) through(client net.Conn) {
	p.cfg.Gauge.enter()
	defer p.cfg.Gauge.leave()
	if p.cfg.Handle != nil {
		stop := context.AfterFunc(p.ctx, func() { Abort(client) })
		defer stop()
		p.cfg.Handle(p.ctx, client)
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, p.cfg.Patience)
	far, err := p.cfg.Reach(ctx)
	cancel()
	if err != nil {
		Abort(client)
		return
	}
	Join(p.ctx, client, far, p.cfg.Gauge)
}
