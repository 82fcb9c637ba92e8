package capture

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"hither/fusion"
	"hither/internal/xdial"
)

// xconn is a connection to an X server, as little of the X11 protocol as
// capture needs. (xgb keeps the numbers of extension events in maps that all
// connections of a process share without a lock, and a node has many displays.)
// It is used by one goroutine at a time; events that come while a reply is
// awaited go to the event function.
type xconn struct {
	waker
	r     *bufio.Reader
	out   []byte
	seq   uint16
	event func(packet []byte)

	answered uint16 // the newest request whose reply has come

	screen xscreen
	idBase uint32
	idMask uint32
	ids    uint32
	atoms  map[string]uint32
}

// xscreen is what the setup says of the first screen.
type xscreen struct {
	root          uint32
	width, height int
	depth         byte
	bgrx          bool // 32 bits a pixel, least significant byte first, blue lowest
}

// xextension is where an extension's numbers begin.
type xextension struct {
	major byte
	event byte
}

var le = binary.LittleEndian

const maxReply = 64 << 20

// dialX connects and does the handshake.
func dialX(ctx context.Context, display, authority string) (*xconn, error) {
	number, err := xdial.Number(display)
	if err != nil {
		return nil, failed(x11Op, display, fusion.ErrInvalid, "",
			"a display is :N, on this computer; set DISPLAY or name one")
	}
	conn, err := xdial.Dial(ctx, number)
	if err != nil {
		return nil, failed(x11Op, display, fusion.ErrOffline, err.Error(), "is the X server running?")
	}
	x := &xconn{waker: waker{conn: conn}, event: func([]byte) {}}
	x.r = bufio.NewReaderSize(&x.waker, 64<<10)
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	err = x.setup(display, xdial.Cookie(authority, number))
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	x.on = true
	return x, nil
}

func (x *xconn) setup(display string, cookie []byte) error {
	body, err := xdial.Setup(x.conn, cookie)
	var refused xdial.Refused
	switch {
	case errors.As(err, &refused):
		return failed(x11Op, display, fusion.ErrPermission, string(refused),
			"set XAUTHORITY to the file with the display's cookie")
	case err != nil:
		return failed(x11Op, display, fusion.ErrOffline, err.Error(), "")
	case !x.parseSetup(body):
		return failed(x11Op, display, fusion.ErrInvalid, "setup of the X server", "")
	}
	return nil
}

// parseSetup reads the body of a successful setup.
func (x *xconn) parseSetup(b []byte) bool {
	x.idBase, x.idMask = le.Uint32(b[4:]), le.Uint32(b[8:])
	vendor, formats := (int(le.Uint16(b[16:]))+3)&^3, int(b[21])*8
	littleEndian := b[22] == 0
	at := 32 + vendor
	if len(b) < at+formats+40 {
		return false
	}
	bpp := map[byte]byte{}
	for f := b[at : at+formats]; len(f) > 0; f = f[8:] {
		bpp[f[0]] = f[1]
	}
	s := b[at+formats:]
	x.screen = xscreen{root: le.Uint32(s), width: int(le.Uint16(s[20:])), height: int(le.Uint16(s[22:])), depth: s[38]}
	visual := xvisual(s[40:], int(s[39]), le.Uint32(s[32:]))
	x.screen.bgrx = littleEndian && bpp[s[38]] == 32 && (s[38] == 24 || s[38] == 32) &&
		visual != nil && le.Uint32(visual[8:]) == 0xff0000 && le.Uint32(visual[16:]) == 0xff
	return true
}

// xvisual finds a visual in a screen's list of depths.
func xvisual(b []byte, depths int, id uint32) []byte {
	for range depths {
		if len(b) < 8 {
			return nil
		}
		n := int(le.Uint16(b[2:]))
		for b = b[8:]; n > 0 && len(b) >= 24; n-- {
			if le.Uint32(b) == id {
				return b[:24]
			}
			b = b[24:]
		}
	}
	return nil
}

// id makes a resource ID.
func (x *xconn) id() uint32 {
	x.ids++
	return x.idBase | x.ids&x.idMask
}

// request appends a request to what flush sends, and returns its number.
func (x *xconn) request(opcode, second byte, body []byte) uint16 {
	x.out = append(x.out, opcode, second)
	x.out = le.AppendUint16(x.out, uint16(1+(len(body)+3)/4))
	x.out = pad4(append(x.out, body...))
	x.seq++
	return x.seq
}

func (x *xconn) flush() error {
	_, err := x.conn.Write(x.out)
	x.out = x.out[:0]
	return err
}

// next waits for the next packet and gives it, or errWoken.
func (x *xconn) next() ([]byte, error) {
	if err := x.wait(x.r.Peek); err != nil {
		return nil, err
	}
	return x.read()
}

// read gives the next packet: an event, an error or a reply.
func (x *xconn) read() ([]byte, error) {
	b := make([]byte, 32)
	if _, err := io.ReadFull(x.r, b); err != nil {
		return nil, err
	}
	if b[0] != 1 && b[0]&0x7f != 35 { // 35: a generic event, as long as a reply
		return b, nil
	}
	n := int64(le.Uint32(b[4:])) * 4
	if n > maxReply {
		return nil, errors.New("reply of the X server is too long")
	}
	b = append(b, make([]byte, n)...)
	_, err := io.ReadFull(x.r, b[32:])
	return b, err
}

// reply flushes and waits for the reply of request seq.
func (x *xconn) reply(seq uint16) ([]byte, error) {
	if len(x.out) > 0 {
		if err := x.flush(); err != nil {
			return nil, err
		}
	}
	for {
		b, err := x.read()
		if err != nil {
			return nil, err
		}
		switch {
		case b[0] > 1:
			x.event(b)
		case le.Uint16(b[2:]) != seq:
		case b[0] == 0:
			return nil, xerror{b[1], b[10], le.Uint16(b[8:])}
		default:
			x.answered = seq
			return b, nil
		}
	}
}

func (x *xconn) call(opcode, second byte, body []byte) ([]byte, error) {
	return x.reply(x.request(opcode, second, body))
}

// sync waits until the server has done everything so far.
func (x *xconn) sync() error {
	_, err := x.call(43, 0, nil) // GetInputFocus
	return err
}

// extension asks for an extension; all of ours greet with a version first.
func (x *xconn) extension(name string, version []byte) (xextension, error) {
	b := le.AppendUint16(nil, uint16(len(name)))
	b = append(b, 0, 0)
	r, err := x.call(98, 0, append(b, name...)) // QueryExtension
	if err != nil {
		return xextension{}, err
	}
	if r[8] == 0 {
		return xextension{}, failed(x11Op, "", fusion.ErrUnsupported, "the X server lacks "+name, "")
	}
	e := xextension{r[9], r[10]}
	_, err = x.call(e.major, 0, version)
	return e, err
}

// xerror is an error that the X server answered.
type xerror struct {
	code, major byte
	minor       uint16
}

func (e xerror) Error() string {
	return fmt.Sprintf("X error %d of request %d.%d", e.code, e.major, e.minor)
}

func pad4(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// words makes a body of 32-bit numbers.
func words(numbers ...uint32) []byte {
	b := make([]byte, 0, len(numbers)*4)
	for _, n := range numbers {
		b = le.AppendUint32(b, n)
	}
	return b
}

// shorts packs two 16-bit numbers as they stand in a request.
func shorts(a, b int) uint32 { return uint32(uint16(a)) | uint32(uint16(b))<<16 }
