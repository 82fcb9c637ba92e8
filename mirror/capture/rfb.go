package capture

import (
	"bufio"
	"context"
	"errors"
	"image"
	"io"
	"net"
	"sync"
	"time"

	"hither/fusion"
	"hither/internal/rawconn"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

const rfbOp = "screen.rfb"

// Encodings, by https://github.com/rfbproto/rfbproto.
const (
	encRaw          = 0
	encCopyRect     = 1
	encDesktopSize  = -223
	encCursor       = -239
	encPointing     = -257 // QEMU Pointer Motion Change
	encExtendedKey  = -258
	encLEDState     = -261
	encExtendedSize = -308
)

var rfbEncodings = []int32{encCopyRect, encRaw, encExtendedSize, encDesktopSize, encCursor, encPointing, encExtendedKey, encLEDState}

// maxRFBCursor bounds the pixels of a cursor that is read; the wire takes less.
const maxRFBCursor = 1 << 20

// RFBConfig is what an RFB server does not say.
type RFBConfig struct {
	// Mouse says that the guest has no tablet. Then the source tells of a relative
	// pointer while QEMU says that it is one. With a tablet that is only so until
	// the guest's driver takes it, and nobody's pointer is to be held for that.
	Mouse bool
}

// rfb is a VM's console. Next owns the fields up to keyboard.
type rfb struct {
	waker
	r       *bufio.Reader
	mouse   bool
	picture *codec.Picture
	asked   bool // an update was asked for and did not come yet
	whole   bool // the whole picture is to be given
	blank   bool // its pixels did not come yet
	patches []image.Rectangle
	cursor  *codec.Cursor
	moves   *wire.Pointing // news of the pointer, which may be older than the picture
	scratch []byte

	keyboard
}

// RFB speaks to an RFB 3.8 server without authentication over conn, which it
// closes: QEMU's VNC server, on a connection that only we hold. Updates are
// asked for one at a time, when Next is called. It promises ErrUnsupported for
// a server that wants a password, and ErrInvalid for one that speaks nonsense.
// ctx bounds the handshake only.
func RFB(ctx context.Context, conn net.Conn, config RFBConfig) (Source, error) {
	conn = rawconn.New(conn)
	s := &rfb{mouse: config.Mouse, waker: waker{conn: conn}, whole: true, blank: true}
	s.r = bufio.NewReaderSize(&s.waker, 256<<10)
	s.keyboard.conn = conn
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	err := s.handshake()
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	s.on = true
	return s, nil
}

func nonsense(detail string) error { return failed(rfbOp, "", fusion.ErrInvalid, detail, "") }

func (s *rfb) handshake() error {
	version := make([]byte, 12)
	if err := s.exchange(version, nil); err != nil {
		return err
	}
	if string(version[:4]) != "RFB " || string(version) < "RFB 003.008\n" {
		return nonsense("version of the RFB server")
	}
	count := make([]byte, 1)
	if err := s.exchange(count, []byte("RFB 003.008\n")); err != nil {
		return err
	}
	types := make([]byte, count[0])
	if err := s.exchange(types, nil); err != nil {
		return err
	}
	const none = 1
	if !containsByte(types, none) {
		return failed(rfbOp, "", fusion.ErrUnsupported, "the console wants a password", "remove the password from the machine's graphics")
	}
	var result [4]byte
	if err := s.exchange(result[:], []byte{none}); err != nil {
		return err
	}
	if be.Uint32(result[:]) != 0 {
		return failed(rfbOp, "", fusion.ErrPermission, "the console refused", "")
	}
	return s.initialize()
}

func containsByte(list []byte, b byte) bool {
	for _, x := range list {
		if x == b {
			return true
		}
	}
	return false
}

func (s *rfb) initialize() error {
	head := make([]byte, 24)
	if err := s.exchange(head, []byte{1}); err != nil { // shared
		return err
	}
	if err := s.skip(int64(be.Uint32(head[20:]))); err != nil { // the name
		return err
	}
	b := []byte{0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0} // SetPixelFormat: BGRX
	b = append(b, 2, 0, 0, byte(len(rfbEncodings)))
	for _, e := range rfbEncodings {
		b = be.AppendUint32(b, uint32(e))
	}
	if err := s.send(b); err != nil {
		return err
	}
	return s.size(int(be.Uint16(head)), int(be.Uint16(head[2:])))
}

// exchange writes and then fills b.
func (s *rfb) exchange(b, write []byte) error {
	if write != nil {
		if err := s.send(write); err != nil {
			return err
		}
	}
	if _, err := io.ReadFull(s.r, b); err != nil {
		return failed(rfbOp, "", fusion.ErrOffline, err.Error(), "")
	}
	return nil
}

func (s *rfb) size(w, h int) error {
	if w == 0 || h == 0 || w*h > codec.MaxPixels {
		return nonsense("size of the console")
	}
	if s.picture == nil || s.picture.Width != w || s.picture.Height != h {
		s.picture = codec.NewPicture(w, h)
		s.whole, s.blank = true, true
	}
	return nil
}

// skip passes over n bytes of no interest.
func (s *rfb) skip(n int64) error {
	if n > 16<<20 {
		return nonsense("message is too long")
	}
	_, err := s.r.Discard(int(n))
	return err
}

func (s *rfb) Next() (Change, error) {
	s.patches, s.cursor = s.patches[:0], nil
	for {
		if err := s.ask(); err != nil {
			return Change{}, io.EOF
		}
		if err := s.wait(s.r.Peek); errors.Is(err, errWoken) {
			return s.soFar(), nil
		}
		if err := s.message(); err != nil {
			return Change{}, s.ended(err)
		}
		if !s.blank && (len(s.patches) > 0 || s.whole || s.moves != nil) || s.cursor != nil {
			return s.change(), nil
		}
	}
}

// soFar gives what a Next that was woken has.
func (s *rfb) soFar() Change {
	if s.blank || len(s.patches) == 0 && s.cursor == nil && s.moves == nil {
		return Change{}
	}
	return s.change()
}

// ended makes the loss of the connection the end, and keeps nonsense an error.
func (s *rfb) ended(err error) error {
	if errors.Is(err, fusion.ErrInvalid) {
		return err
	}
	return io.EOF
}

// ask asks for an update unless one is under way.
func (s *rfb) ask() error {
	if s.asked {
		return nil
	}
	s.asked = true
	b := []byte{3, 1, 0, 0, 0, 0}
	if s.blank {
		b[1] = 0
	}
	b = be.AppendUint16(b, uint16(s.picture.Width))
	return s.send(be.AppendUint16(b, uint16(s.picture.Height)))
}

func (s *rfb) change() Change {
	c := Change{Width: s.picture.Width, Height: s.picture.Height, Cursor: s.cursor, Pointing: s.moves}
	s.moves = nil
	rects := s.patches
	if s.whole {
		rects = []image.Rectangle{s.picture.Bounds()}
		s.whole = false
	}
	for _, r := range rects {
		at := r.Min.Y*s.picture.Stride + r.Min.X*4
		c.Patches = append(c.Patches, Patch{r, s.picture.Pix[at:], s.picture.Stride})
	}
	return c
}

// keyboard is what Input and Resize use.
type keyboard struct {
	conn net.Conn

	mu       sync.Mutex // guards the fields below, and writing
	extended bool       // the server takes scan codes
	relative bool       // the pointer is a mouse's: it takes motions
	sizable  bool
	numLock  bool
	capsLock bool
	shifts   uint8 // Shift keys that are held
	buttons  byte
	x, y     uint16
	wheel    [2]int
	// attentive is until when QEMU is kept looking, by beats, nil when it is not.
	attentive time.Time
	beats     *time.Timer
}

func (k *keyboard) send(b []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, err := k.conn.Write(b)
	return err
}

// Close ends the connection, which wakes Next and Input.
func (s *rfb) Close() error {
	err := s.waker.conn.Close() // a write that hangs ends with it
	s.relax()
	return err
}
