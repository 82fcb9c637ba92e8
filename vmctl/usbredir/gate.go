package usbredir

import (
	"encoding/binary"
	"fmt"
)

// The packets of the protocol that the gate looks into (usb-redirection-protocol.md).
const (
	typeHello            = 0
	typeDisconnect       = 2 // the usb-host's: the device is gone
	typeFilter           = 23
	typeBulkReceiving    = 25
	typeBulkReceivingEnd = 27 // the last of the control packets
	typeControl          = 100
	typeBulk             = 101
	typeInterrupt        = 103
	typeBuffered         = 104 // the last of the data packets

	cap64BitIDs      = 1 << 5
	cap32BitLengths  = 1 << 6
	directionIn      = 0x80 // of an endpoint
	helloCaps        = 64   // where a hello's capabilities begin, after the version
	headShort        = 12   // type, length and ID of 32 bits
	headLong         = 16   // with an ID of 64 bits
	looked           = helloCaps + 4
	bulkLong         = 10 // of a bulk packet's own header, with 32-bit lengths
	receivingHeader  = 10
	interruptHeader  = 4
	controlHeader    = 10
	maxControlPacket = 64 << 10
)

// What the machine's side can ask for. Linux and Windows transfer at most 1 MiB at a time
// to a disk; a USB 3 disk may have some tens of such requests under way.
const (
	maxTransfer = 8 << 20  // bytes of one request
	maxHeld     = 64 << 20 // bytes of all requests that have no answer yet
	maxRequests = 512      // those requests
	maxReceive  = 64 << 10 // bytes of one transfer of a stream that goes on by itself
	maxPacket   = maxTransfer + looked
)

// gate follows what the two sides say to each other. It lets all through that a usb-guest
// may say and that is within the bounds above; an error ends the session. One goroutine
// uses it.
type gate struct {
	in, out  scanner
	requests map[request]int // bytes by what is not answered yet
	held     int             // bytes of them
	// gone is set when the usb-host has told that the device is not there any more.
	gone bool
}

// request tells the requests apart that are under way.
type request struct {
	kind     uint32
	endpoint byte
	id       uint64
}

func newGate() *gate {
	g := &gate{requests: map[request]int{}}
	g.in.packet, g.out.packet = g.asked, g.answered
	return g
}

// fromMachine looks at bytes of the machine's side, cut anywhere, before they are passed on.
func (g *gate) fromMachine(p []byte) error { return g.in.scan(p) }

// fromDevice looks at what the library says, as it is sent.
func (g *gate) fromDevice(p []byte) error { return g.out.scan(p) }

// asked takes a packet of the machine's side.
func (g *gate) asked(p packet) error {
	switch {
	case !g.in.hello && p.kind != typeHello:
		return fmt.Errorf("usbredir: the first packet is of type %d", p.kind)
	case p.kind == typeHello && g.in.hello:
		return fmt.Errorf("usbredir: a second hello")
	case p.kind > typeBulkReceivingEnd && p.kind < typeControl || p.kind > typeBuffered:
		return fmt.Errorf("usbredir: a packet of type %d", p.kind)
	case p.kind < typeControl && p.length > maxControlPacket:
		return fmt.Errorf("usbredir: a packet of type %d with %d bytes", p.kind, p.length)
	case p.length > maxPacket:
		return fmt.Errorf("usbredir: a packet with %d bytes", p.length)
	}
	switch p.kind {
	case typeHello:
		g.met(&g.in, p)
	case typeBulkReceiving:
		if len(p.head) >= receivingHeader && binary.LittleEndian.Uint32(p.head[4:]) > maxReceive {
			return fmt.Errorf("usbredir: a stream of %d bytes at a time", binary.LittleEndian.Uint32(p.head[4:]))
		}
	case typeControl, typeBulk, typeInterrupt:
		return g.ask(p)
	}
	return nil
}

// ask counts a request that the library will answer.
func (g *gate) ask(p packet) error {
	key, size, ok := g.request(p)
	if !ok || key.kind == typeInterrupt && key.endpoint&directionIn != 0 {
		return nil // too short, or none that can be asked for: the library refuses it
	}
	if _, there := g.requests[key]; there {
		return fmt.Errorf("usbredir: a request with the ID %d of another one", key.id)
	}
	if size > maxTransfer || g.held+size > maxHeld || len(g.requests) >= maxRequests {
		return fmt.Errorf("usbredir: a request for %d bytes, with %d requests and %d bytes under way", size, len(g.requests), g.held)
	}
	g.requests[key] = size
	g.held += size
	return nil
}

// answered takes a packet of the library's.
func (g *gate) answered(p packet) error {
	switch p.kind {
	case typeHello:
		g.met(&g.out, p)
	case typeDisconnect:
		g.gone = true
	case typeControl, typeBulk, typeInterrupt:
		if key, _, ok := g.request(p); ok {
			g.held -= g.requests[key]
			delete(g.requests, key)
		}
	}
	return nil
}

// request reads the header of a data packet; ok is false for one that is too short.
func (g *gate) request(p packet) (key request, size int, ok bool) {
	key = request{kind: p.kind, id: p.id}
	switch h := p.head; {
	case p.kind == typeControl && len(h) >= controlHeader:
		key.endpoint, size = h[0], int(binary.LittleEndian.Uint16(h[8:]))
	case p.kind == typeBulk && len(h) >= 8:
		key.endpoint, size = h[0], int(binary.LittleEndian.Uint16(h[2:]))
		if g.both(cap32BitLengths) && len(h) >= bulkLong {
			size |= int(binary.LittleEndian.Uint16(h[8:])) << 16
		}
	case p.kind == typeInterrupt && len(h) >= interruptHeader:
		key.endpoint, size = h[0], int(binary.LittleEndian.Uint16(h[2:]))
	default:
		return key, 0, false
	}
	return key, size, true
}

// met takes a side's hello. Once both are there, both sides' IDs have 64 bits if both can.
func (g *gate) met(side *scanner, p packet) {
	side.hello = true
	if len(p.head) >= helloCaps+4 {
		side.caps = binary.LittleEndian.Uint32(p.head[helloCaps:])
	}
	if g.in.hello && g.out.hello {
		g.in.long, g.out.long = g.both(cap64BitIDs), g.both(cap64BitIDs)
	}
}

func (g *gate) both(capability uint32) bool { return g.in.caps&g.out.caps&capability != 0 }

// packet is what the gate sees of one.
type packet struct {
	kind   uint32
	length int
	id     uint64
	head   []byte // the first bytes of what follows, at most looked; valid during the call
}

// scanner cuts one direction into packets.
type scanner struct {
	packet func(packet) error

	hello bool   // it has said hello
	caps  uint32 // the first word of its capabilities
	long  bool   // IDs have 64 bits

	head []byte // what is there of a packet's header and of what follows, until that is enough
	left int    // bytes of the packet that are still to come and nobody looks at
}

// scan takes the next bytes.
func (s *scanner) scan(p []byte) error {
	for len(p) > 0 {
		if s.left > 0 {
			n := min(s.left, len(p))
			s.left, p = s.left-n, p[n:]
			continue
		}
		n := min(s.missing(), len(p))
		s.head, p = append(s.head, p[:n]...), p[n:]
		if s.missing() > 0 {
			continue
		}
		if err := s.whole(); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) header() int {
	if s.long {
		return headLong
	}
	return headShort
}

// missing is how many bytes are needed until the packet can be judged.
func (s *scanner) missing() int {
	if len(s.head) < s.header() {
		return s.header() - len(s.head)
	}
	return s.header() + s.look() - len(s.head)
}

// look is how much of what follows the header is looked at.
func (s *scanner) look() int { return int(min(binary.LittleEndian.Uint32(s.head[4:]), looked)) }

// whole passes a packet on, once enough of it is there.
func (s *scanner) whole() error {
	at, look := s.header(), s.look()
	p := packet{kind: binary.LittleEndian.Uint32(s.head), length: int(binary.LittleEndian.Uint32(s.head[4:])), head: s.head[at:]}
	if s.long {
		p.id = binary.LittleEndian.Uint64(s.head[8:])
	} else {
		p.id = uint64(binary.LittleEndian.Uint32(s.head[8:]))
	}
	s.left = p.length - look
	err := s.packet(p)
	s.head = s.head[:0]
	return err
}
