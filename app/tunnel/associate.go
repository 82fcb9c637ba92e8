package tunnel

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"hither/fusion"
)

// association is one UDP ASSOCIATE (RFC 1928, section 7): a port for one client, and a stream
// of datagrams for each target that it names. It ends with the client's TCP connection.
type association struct {
	s      *Store
	e      *entry
	socket *net.UDPConn
	from   netip.Addr // the only one whose datagrams are taken
	work   sync.WaitGroup

	mu     sync.Mutex // guards the fields below
	client netip.AddrPort
	to     map[fusion.Target]chan []byte
}

const (
	// maxTargets bounds the targets of one association, and targetQueue the datagrams
	// that wait for one; more are lost, as on any path.
	maxTargets  = 64
	targetQueue = 64
	// targetIdle ends a target's stream when nothing was said.
	targetIdle = time.Minute
	// maxDatagram is the largest that UDP has.
	maxDatagram = 65535
)

func (s *Store) socksAssociate(ctx context.Context, e *entry, conn net.Conn) {
	here, ok := conn.LocalAddr().(*net.TCPAddr)
	there, ok2 := conn.RemoteAddr().(*net.TCPAddr)
	if !ok || !ok2 { // a socket's path has no UDP beside it
		_ = answerSocks(conn, socksNoCommand, netip.AddrPort{}) // the connection ends either way
		return
	}
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: here.IP})
	if err != nil {
		_ = answerSocks(conn, socksFailed, netip.AddrPort{}) // likewise
		return
	}
	a := &association{s: s, e: e, socket: socket, from: there.AddrPort().Addr().Unmap(), to: map[fusion.Target]chan []byte{}}
	ctx, cancel := context.WithCancel(ctx)
	a.work.Go(func() { a.read(ctx) })
	if answerSocks(conn, socksDone, socket.LocalAddr().(*net.UDPAddr).AddrPort()) == nil && conn.SetDeadline(time.Time{}) == nil {
		_, _ = io.Copy(io.Discard, conn) // it says nothing; its end is the association's
	}
	cancel()
	_ = socket.Close() // ends read
	a.work.Wait()
}

// read takes the client's datagrams.
func (a *association) read(ctx context.Context) {
	buf := make([]byte, maxDatagram)
	for {
		n, from, err := a.socket.ReadFromUDPAddrPort(buf)
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || from.Addr().Unmap() != a.from {
			continue
		}
		target, data, ok := parseSocksDatagram(buf[:n])
		if ok && target.Check() == nil {
			a.send(ctx, from, target, data)
		}
	}
}

// parseSocksDatagram reads RSV, FRAG, ATYP, address, port and data. Fragments are not taken.
func parseSocksDatagram(b []byte) (t fusion.Target, data []byte, ok bool) {
	if len(b) < 4 || b[0] != 0 || b[1] != 0 || b[2] != 0 {
		return t, nil, false
	}
	r := bytes.NewReader(b[3:])
	t, err := readSocksTarget(r)
	return t, b[len(b)-r.Len():], err == nil
}

// send hands a datagram to its target's stream, which it begins when there is none. The port
// that the client sent from last is where answers go.
func (a *association) send(ctx context.Context, from netip.AddrPort, t fusion.Target, data []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.client = from
	queue := a.to[t]
	if queue == nil {
		if len(a.to) >= maxTargets {
			return
		}
		queue = make(chan []byte, targetQueue)
		a.to[t] = queue
		a.work.Go(func() {
			a.carry(ctx, t, queue)
			a.mu.Lock()
			defer a.mu.Unlock()
			delete(a.to, t)
		})
	}
	select {
	case queue <- bytes.Clone(data):
	default:
	}
}

// carry serves one target until nothing was said for targetIdle.
func (a *association) carry(ctx context.Context, t fusion.Target, queue <-chan []byte) {
	stream, err := a.s.reachFor(ctx, a.e, "udp", t)
	if err != nil {
		return
	}
	far := a.e.gauge.Count(ctx, stream)
	heard := make(chan struct{}, 1)
	var answers sync.WaitGroup
	answers.Go(func() { a.answers(far, t, heard) })
	defer answers.Wait()
	defer far.Close()
	for {
		select {
		case data := <-queue:
			if _, err := far.Write(data); err != nil {
				return
			}
		case <-heard:
		case <-time.After(targetIdle):
			return
		case <-ctx.Done():
			return
		}
	}
}

// answers hands what a target says to the client, under the target's own address.
func (a *association) answers(far net.Conn, t fusion.Target, heard chan<- struct{}) {
	head := []byte{0, 0, 0}
	if ip, err := netip.ParseAddr(t.Address); err == nil {
		head = appendSocksAddr(head, netip.AddrPortFrom(ip, uint16(t.Port)))
	} else {
		head = append(append(head, socksName, byte(len(t.Address))), t.Address...)
		head = append(head, byte(t.Port>>8), byte(t.Port))
	}
	buf := make([]byte, maxDatagram)
	for {
		n, err := far.Read(buf)
		if err != nil {
			return
		}
		a.mu.Lock()
		client := a.client
		a.mu.Unlock()
		_, err = a.socket.WriteToUDPAddrPort(append(head[:len(head):len(head)], buf[:n]...), client)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		select {
		case heard <- struct{}{}:
		default:
		}
	}
}
