package link

import (
	"crypto/subtle"
	"encoding/binary"
	"slices"
	"time"

	"hither/fusion"
)

// Bounds of docs/wire.md, "Datagrams".
const (
	MaxDatagram = 1150 // bytes: with DTLS and SCTP around it, it fits any path
	maxPayload  = MaxDatagram - parityHead
	maxGroup    = 8    // packets behind one parity
	window      = 2048 // packets that may be under way or wait for the reader
	maxRanges   = 16
	maxMessage  = 16 << 10
)

// Bits of the first byte.
const (
	hasAck = 1 << iota
	hasData
	hasParity
	wantsAck // please answer at once
)

const (
	ackHead    = 4 + 2 + 4 + 2 + 4 + 1
	dataHead   = 1 + 4 + 4
	parityHead = 1 + 4 + 1 + 4 + 2
)

// heldUnit is the unit of ack.held, and heldNone says that echo is none.
const (
	heldUnit = 16 * time.Microsecond
	heldNone = 0xffff
)

var be = binary.BigEndian

// span is a range of packets, the end not in it.
type span struct{ from, to uint32 }

// ack says what has arrived.
type ack struct {
	next   uint32 // all packets before have arrived
	room   uint16 // packets from next on that there is a place for
	echo   uint32 // stamp of the datagram that came last
	held   uint16 // how long ago that was, in heldUnit
	mended uint32 // packets so far that only a parity brought
	ranges []span // what arrived behind next, the lowest first
}

// datagram is one datagram read; the fields of data and parity are only
// valid with their bits.
type datagram struct {
	bits  uint8
	ack   ack
	seq   uint32 // of the data, or the first of the parity's group
	count uint8  // packets in the parity's group
	stamp uint32 // when it was sent, in µs of the sender's clock
	sizes uint16 // lengths of the group's payloads, xored
	body  []byte // payload, or the group's payloads xored
}

func invalid(detail string) error {
	return &fusion.Error{Op: "link", Cause: fusion.ErrInvalid, Detail: detail}
}

func (a *ack) append(b []byte) []byte {
	b = be.AppendUint32(b, a.next)
	b = be.AppendUint16(b, a.room)
	b = be.AppendUint32(b, a.echo)
	b = be.AppendUint16(b, a.held)
	b = be.AppendUint32(b, a.mended)
	b = append(b, uint8(len(a.ranges)))
	for _, r := range a.ranges {
		b = be.AppendUint16(b, uint16(r.from-a.next))
		b = be.AppendUint16(b, uint16(r.to-r.from))
	}
	return b
}

// append writes what d has of ack, data and parity.
func (d *datagram) append(b []byte) []byte {
	b = append(b, d.bits)
	if d.bits&hasAck != 0 {
		b = d.ack.append(b)
	}
	switch {
	case d.bits&hasData != 0:
		b = be.AppendUint32(be.AppendUint32(b, d.seq), d.stamp)
	case d.bits&hasParity != 0:
		b = append(be.AppendUint32(b, d.seq), d.count)
		b = be.AppendUint16(be.AppendUint32(b, d.stamp), d.sizes)
	default:
		return b
	}
	return append(b, d.body...)
}

// roomForAck says whether an acknowledgement can travel with what d has.
func (d *datagram) roomForAck() bool {
	return len(d.body)+parityHead+ackHead+4*maxRanges <= MaxDatagram
}

// parse reads a datagram into d, whose body is then part of b.
func (d *datagram) parse(b []byte) error {
	if len(b) == 0 || len(b) > MaxDatagram {
		return invalid("length of a datagram")
	}
	d.bits, b = b[0], b[1:]
	if d.bits >= wantsAck<<1 || d.bits&hasData != 0 && d.bits&hasParity != 0 {
		return invalid("kind of a datagram")
	}
	if d.bits&hasAck != 0 {
		var err error
		if b, err = d.ack.parse(b); err != nil {
			return err
		}
	}
	switch {
	case d.bits&hasData != 0:
		return d.parseData(b)
	case d.bits&hasParity != 0:
		return d.parseParity(b)
	case len(b) != 0:
		return invalid("bytes after an acknowledgement")
	}
	return nil
}

func (a *ack) parse(b []byte) ([]byte, error) {
	if len(b) < ackHead {
		return nil, invalid("an acknowledgement is too short")
	}
	a.next, a.room, a.echo = be.Uint32(b), be.Uint16(b[4:]), be.Uint32(b[6:])
	a.held, a.mended = be.Uint16(b[10:]), be.Uint32(b[12:])
	n := int(b[16])
	if b = b[ackHead:]; n > maxRanges || len(b) < 4*n || a.room > window {
		return nil, invalid("ranges of an acknowledgement")
	}
	a.ranges = a.ranges[:0]
	end := 0
	for ; n > 0; n-- {
		from, size := int(be.Uint16(b)), int(be.Uint16(b[2:]))
		if from <= end || size == 0 || from+size > window {
			return nil, invalid("range of an acknowledgement")
		}
		end = from + size
		a.ranges = append(a.ranges, span{a.next + uint32(from), a.next + uint32(end)})
		b = b[4:]
	}
	return b, nil
}

func (d *datagram) parseData(b []byte) error {
	if len(b) <= dataHead-1 || len(b) > dataHead-1+maxPayload {
		return invalid("length of a packet")
	}
	d.seq, d.stamp, d.body = be.Uint32(b), be.Uint32(b[4:]), b[8:]
	return nil
}

func (d *datagram) parseParity(b []byte) error {
	if len(b) <= parityHead-1 {
		return invalid("a parity is too short")
	}
	d.seq, d.count, d.stamp, d.sizes, d.body = be.Uint32(b), b[4], be.Uint32(b[5:]), be.Uint16(b[9:]), b[11:]
	if d.count == 0 || d.count > maxGroup {
		return invalid("size of a parity's group")
	}
	return nil
}

// near gives the number closest to base whose low 32 bits are low.
func near(base uint64, low uint32) uint64 {
	return base + uint64(int64(int32(low-uint32(base))))
}

// xor folds b into sum and gives sum as long as the longer of the two.
func xor(sum, b []byte) []byte {
	if n := len(sum); n < len(b) {
		sum = slices.Grow(sum, len(b)-n)[:len(b)]
		clear(sum[n:])
	}
	subtle.XORBytes(sum, sum, b)
	return sum
}
