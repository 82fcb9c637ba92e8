package gateway

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// pmpPort is NAT-PMP's (RFC 6886, 3.1).
const pmpPort = 5351

// pmp speaks NAT-PMP to a gateway.
type pmp struct{ at netip.AddrPort }

func (p *pmp) kind() string { return "NAT-PMP" }

// external is RFC 6886, 3.2.
func (p *pmp) external(ctx context.Context) (netip.Addr, error) {
	answer, err := p.call(ctx, []byte{0, 0}, 12)
	if err != nil {
		return netip.Addr{}, err
	}
	return netip.AddrFrom4([4]byte(answer[8:12])), nil
}

var pmpOps = map[string]byte{"udp": 1, "tcp": 2}

// add is RFC 6886, 3.3; an answer for another port is refused.
func (p *pmp) add(ctx context.Context, proto string, port, want uint16, life time.Duration) (uint16, error) {
	ask := []byte{0, pmpOps[proto], 0, 0}
	ask = binary.BigEndian.AppendUint16(ask, port)
	ask = binary.BigEndian.AppendUint16(ask, want)
	ask = binary.BigEndian.AppendUint32(ask, uint32(life/time.Second))
	answer, err := p.call(ctx, ask, 16)
	if err != nil {
		return 0, err
	}
	outside := binary.BigEndian.Uint16(answer[10:])
	if binary.BigEndian.Uint16(answer[8:]) != port || life > 0 && outside == 0 {
		return 0, fmt.Errorf("it answered for another port")
	}
	return outside, nil
}

// remove is RFC 6886, 3.4: a lifetime of 0.
func (p *pmp) remove(ctx context.Context, proto string, port, _ uint16) error {
	_, err := p.add(ctx, proto, port, 0, 0)
	return err
}

// call asks again after 250 ms, doubled each time (RFC 6886, 3.1), until ctx ends. The
// socket is connected: what others send is not received.
func (p *pmp) call(ctx context.Context, ask []byte, size int) ([]byte, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "udp4", p.at.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	buf := make([]byte, 64)
	for wait := 250 * time.Millisecond; ctx.Err() == nil; wait *= 2 {
		if _, err := conn.Write(ask); err != nil {
			return nil, err
		}
		if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return nil, err
		}
		got, err := conn.Read(buf)
		if err == nil {
			return buf[:got], checkPMP(ask[1], buf[:got], size)
		}
		if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
			return nil, err // also: the port is closed
		}
	}
	return nil, ctx.Err()
}

var pmpResults = map[uint16]string{1: "unsupported version", 2: "not permitted there", 3: "it has no address outside", 4: "it has no more ports", 5: "unsupported"}

// checkPMP looks whether an answer is one to a question, of its size, and good.
func checkPMP(op byte, answer []byte, size int) error {
	if len(answer) < 4 || answer[0] != 0 || answer[1] != op|0x80 {
		return fmt.Errorf("no answer of NAT-PMP")
	}
	if result := binary.BigEndian.Uint16(answer[2:]); result != 0 {
		if text := pmpResults[result]; text != "" {
			return fmt.Errorf("%s", text)
		}
		return fmt.Errorf("result %d", result)
	}
	if len(answer) != size {
		return fmt.Errorf("an answer of %d bytes", len(answer))
	}
	return nil
}
