package carry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// version is what this side speaks on a carrier.
const version = 1

// ID names a stream. It is random, so that it can neither be guessed nor comes
// again; only the computer that opened the stream may use it.
type ID [16]byte

// hello is the first message of a carrier, from the side that opened the stream.
type hello struct {
	flags    uint8
	attach   uint32 // grows with each carrier that the opener tries
	id       ID
	received uint64 // the opener has all bytes before this offset
	boot     uint64 // the opener's process
	protocol string
}

const (
	flagOpen  = 1 << iota // make the stream if there is none: the opener never had an answer
	flagReset             // the stream is reset; nothing follows the answer
)

const (
	helloSize   = 39 // and the protocol
	maxProtocol = 255
)

func (h hello) encode() []byte {
	b := append(make([]byte, 0, helloSize+len(h.protocol)), version, h.flags)
	b = binary.BigEndian.AppendUint32(b, h.attach)
	b = append(b, h.id[:]...)
	b = binary.BigEndian.AppendUint64(b, h.received)
	b = binary.BigEndian.AppendUint64(b, h.boot)
	return append(append(b, byte(len(h.protocol))), h.protocol...)
}

var errVersion = errors.New("a version of the wire that is not known here")

func readHello(r io.Reader) (hello, error) {
	var b [helloSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return hello{}, err
	}
	if b[0] != version {
		return hello{}, errVersion
	}
	h := hello{
		flags: b[1], attach: binary.BigEndian.Uint32(b[2:]),
		received: binary.BigEndian.Uint64(b[22:]), boot: binary.BigEndian.Uint64(b[30:]),
	}
	copy(h.id[:], b[6:])
	protocol := make([]byte, b[38])
	if _, err := io.ReadFull(r, protocol); err != nil {
		return hello{}, err
	}
	h.protocol = string(protocol)
	return h, nil
}

// code answers a hello, or says why a stream is reset.
type code uint8

const (
	accepted   code = iota
	unknown         // no such stream of this computer; it was killed, or gave up waiting
	noProtocol      // nobody listens for the protocol
	tooMany         // streams that are open, or that nobody takes
	later           // too many carriers in a short time
	stale           // a carrier with a higher number came before
	notPaired       // the computer may not open streams here
	oldVersion      // of the wire
	broken          // the other side broke the rules of the wire
	aborted         // the program reset it
	unread          // the program closed it and the other one went on writing
	stopping        // the process ends
)

func (c code) String() string {
	switch c {
	case unknown:
		return "the other side does not know the stream"
	case noProtocol:
		return "nobody listens there"
	case tooMany:
		return "too many streams"
	case later:
		return "too many carriers in a short time"
	case stale:
		return "a later carrier came before"
	case notPaired:
		return "not paired"
	case oldVersion:
		return "another version of the wire"
	case broken:
		return "the rules of the wire were broken"
	case aborted:
		return "reset by the program"
	case unread:
		return "nobody reads it any more"
	case stopping:
		return "the node is stopping"
	}
	return fmt.Sprintf("code %d", uint8(c))
}

// answer is the first message of a carrier, from the other side.
type answer struct {
	code     code
	received uint64
	boot     uint64
}

const answerSize = 18

func (a answer) encode() []byte {
	b := append(make([]byte, 0, answerSize), version, byte(a.code))
	b = binary.BigEndian.AppendUint64(b, a.received)
	return binary.BigEndian.AppendUint64(b, a.boot)
}

func readAnswer(r io.Reader) (answer, error) {
	var b [answerSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return answer{}, err
	}
	if b[0] != version {
		return answer{}, errVersion
	}
	return answer{code(b[1]), binary.BigEndian.Uint64(b[2:]), binary.BigEndian.Uint64(b[10:])}, nil
}

// After hello and answer both sides send frames: kind u8, size u16, body.
const (
	frameData     = 1 // offset u64, bytes of the stream from there on
	frameConsumed = 2 // offset u64, window u32: the program has read all before offset; offset+window may be sent
	frameFin      = 3 // offset u64: the stream ends there; for frameConsumed the end counts as one byte
	frameReset    = 4 // code u8: the stream is over
	frameBlocked  = 5 // there is more to send than the window allows
	frameStop     = 6 // nobody reads any more: the receiver stops writing, what it reads goes on
)

const (
	headSize     = 3
	offsetSize   = 8
	consumedSize = 12
)

// sizes are those of all frames but frameData.
var sizes = map[byte]int{frameConsumed: consumedSize, frameFin: offsetSize, frameReset: 1, frameBlocked: 0, frameStop: 0}

func parseHead(b [headSize]byte) (kind byte, size int) {
	return b[0], int(binary.BigEndian.Uint16(b[1:]))
}

func appendHead(b []byte, kind byte, size int) []byte {
	return append(b, kind, byte(size>>8), byte(size))
}

// appendAt begins a frame that has an offset and then size bytes.
func appendAt(b []byte, kind byte, offset uint64, size int) []byte {
	return binary.BigEndian.AppendUint64(appendHead(b, kind, offsetSize+size), offset)
}

func appendConsumed(b []byte, offset uint64, window uint32) []byte {
	b = binary.BigEndian.AppendUint64(appendHead(b, frameConsumed, consumedSize), offset)
	return binary.BigEndian.AppendUint32(b, window)
}

func parseConsumed(b [consumedSize]byte) (offset uint64, window uint32) {
	return binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint32(b[8:])
}
