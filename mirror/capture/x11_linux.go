package capture

import (
	"cmp"
	"context"
	"errors"
	"image"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"hither/fusion"
	"hither/internal/largepage"
	"hither/mirror/codec"
)

// x11 captures a display over one connection, gives input over another and has
// the clipboard on a third, so that none waits for another. Next owns everything up to mu.
type x11 struct {
	conn   *xconn
	shmExt xextension
	damage xextension
	xfixes xextension
	shm    shm    // what the server writes to
	given  shm    // what is the receiver's picture
	old    []shm  // to be freed by the next Next
	track  uint32 // the DAMAGE object of the root window, or of a window
	region uint32 // XFIXES region that takes over what was damaged
	within uint32 // XFIXES region of the damage that is taken over, or 0 for all

	buffer *framebuffer // where the pixels are read, or nil: the server gives them
	spent  *framebuffer // to be closed by the next Next

	drawable      uint32      // what holds the pixels: the root window, or a window's pixmap
	origin        image.Point // the picture's corner in drawable
	shift         image.Point // from a place of the damage to one of the picture
	width, height int
	area          image.Rectangle // bounds of the damage that events told of
	taking        bool            // a grab is under way
	taken         uint16          // the request of it that subtracts the damage
	late          image.Rectangle // bounds of what was drawn before that and told after
	whole         bool            // the next change is the whole picture
	newCursor     bool
	spared        image.Rectangle // bounds of what was left out

	look  atomic.Pointer[codec.Look] // what is needed of a change in its area, or nil
	fetch atomic.Bool                // what was left out is wanted

	input     *xinput
	clipboard *XClipboard

	once sync.Once
}

// X11 captures a whole X display through MIT-SHM, DAMAGE and XFIXES, and gives
// input through XTEST. It promises ErrOffline, ErrPermission, and
// ErrUnsupported for a display that has not 24 bits a pixel or lacks one of the
// extensions. ctx bounds the opening only.
func X11(ctx context.Context, config X11Config) (Source, error) {
	display := cmp.Or(config.Display, os.Getenv("DISPLAY"))
	conn, err := dialX(ctx, display, config.Xauthority)
	if err != nil {
		return nil, err
	}
	s := &x11{conn: conn, whole: true, newCursor: true}
	conn.event = s.event
	if config.Framebuffer != "" {
		if s.buffer, err = openFramebuffer(config.Framebuffer); err != nil {
			return nil, errors.Join(err, conn.conn.Close())
		}
	}
	if err := s.begin(ctx, display, config, s.open); err != nil {
		return nil, err
	}
	return s, nil
}

// begin opens the capture, then the input and the clipboard. What fails leaves
// nothing behind.
func (s *x11) begin(ctx context.Context, display string, config X11Config, open func() error) error {
	err := open()
	if err == nil {
		s.input, err = openInput(ctx, display, config)
	}
	if err == nil {
		s.clipboard, err = OpenXClipboard(ctx, config)
	}
	if err != nil {
		_ = s.end() // io.EOF
		s.free()
		return wrapX(display, errors.Join(err, s.Close()))
	}
	return nil
}

func wrapX(display string, err error) error {
	var known *fusion.Error
	if errors.As(err, &known) {
		if known.Path == "" {
			known.Path = display
		}
		return known
	}
	return failed(x11Op, display, err, "", "")
}

func (s *x11) open() error {
	if err := s.prepare(); err != nil {
		return err
	}
	return s.attach()
}

// prepare asks to be told what happens on the display.
func (s *x11) prepare() error {
	if !s.conn.screen.bgrx {
		return failed(x11Op, "", fusion.ErrUnsupported, "the display has not 24 bits a pixel",
			"run the X server with -depth 24")
	}
	root := s.conn.screen.root
	s.drawable, s.width, s.height = root, s.conn.screen.width, s.conn.screen.height
	if err := s.extensions(); err != nil {
		return err
	}
	const structureNotify = 1 << 17
	s.conn.request(2, 0, words(root, 1<<11, structureNotify)) // ChangeWindowAttributes: event mask
	s.follow(root)
	return nil
}

func (s *x11) extensions() (err error) {
	if s.shmExt, err = s.conn.extension("MIT-SHM", nil); err != nil {
		return err
	}
	if s.xfixes, err = s.conn.extension("XFIXES", words(5, 0)); err != nil {
		return err
	}
	s.damage, err = s.conn.extension("DAMAGE", words(1, 1))
	return err
}

// follow asks for the damage of a window and for the display's cursor.
func (s *x11) follow(window uint32) {
	s.track, s.region = s.conn.id(), s.conn.id()
	const boundingBox = 2
	if s.buffer != nil { // the server paints its cursor there
		s.conn.request(s.xfixes.major, 29, words(window)) // HideCursor
	}
	s.conn.request(s.xfixes.major, 5, words(s.region))                     // CreateRegion
	s.conn.request(s.xfixes.major, 3, words(s.conn.screen.root, 1))        // SelectCursorInput
	s.conn.request(s.damage.major, 1, words(s.track, window, boundingBox)) // Create
}

// attach makes shared memory for two whole pictures.
func (s *x11) attach() (err error) {
	s.retire()
	if s.shm, err = s.segment(); err == nil {
		largepage.Populate(s.shm.mem) // a whole picture comes into it next
		s.given, err = s.segment()
	}
	return err
}

func (s *x11) segment() (shm, error) {
	m, err := newShm(s.width * s.height * 4)
	if err != nil {
		return shm{}, err
	}
	if s.buffer != nil {
		m.remove()
		return m, nil
	}
	m.seg = s.conn.id()
	s.conn.request(s.shmExt.major, 1, words(m.seg, uint32(m.id), 0))
	err = s.conn.sync()
	m.remove()
	return m, err
}

// retire gives up the shared memory, which the receiver may still read.
func (s *x11) retire() {
	for _, m := range []shm{s.shm, s.given} {
		if m.mem != nil {
			if m.seg != 0 {
				s.conn.request(s.shmExt.major, 2, words(m.seg)) // Detach
			}
			s.old = append(s.old, m)
		}
	}
	s.shm, s.given = shm{}, shm{}
}

// free frees what was given up before the receiver asked for more.
func (s *x11) free() {
	for _, m := range s.old {
		m.free()
	}
	s.old = nil
	if s.spent != nil {
		s.spent.close()
		s.spent = nil
	}
}

// event notes what an event says; Next acts on it.
func (s *x11) event(b []byte) {
	switch b[0] & 0x7f {
	case s.damage.event:
		s.damaged(xrect(b[16:]).Add(s.shift), s.isLate(b))
	case s.xfixes.event + 1:
		s.newCursor = true
	case 22: // ConfigureNotify
		w, h := int(le.Uint16(b[20:])), int(le.Uint16(b[22:]))
		if le.Uint32(b[8:]) == s.conn.screen.root && (w != s.width || h != s.height) {
			s.width, s.height, s.whole = w, h, true
		}
	}
}

// isLate says whether an event tells of damage that was taken over meanwhile.
func (s *x11) isLate(event []byte) bool {
	return s.taking && int16(le.Uint16(event[2:])-s.taken) < 0
}

// damaged notes what was drawn, in places of the picture.
func (s *x11) damaged(r image.Rectangle, late bool) {
	if late {
		s.late = s.late.Union(r)
	} else {
		s.area = s.area.Union(r)
	}
}

func (s *x11) Next() (Change, error) { return s.next(s.idle, s.settled) }

// idle says whether there is nothing to fetch.
func (s *x11) idle() bool {
	return !s.whole && !s.newCursor && s.area.Empty() && !s.wanted()
}

// wanted says whether what was left out is to be fetched.
func (s *x11) wanted() bool { return !s.spared.Empty() && s.fetch.Load() }

// Spare is Sparing.Spare.
func (s *x11) Spare(look *codec.Look) { s.look.Store(look) }

// Fetch is Sparing.Fetch.
func (s *x11) Fetch() {
	s.fetch.Store(true)
	s.Wake()
}

// next follows the events until there is something to fetch, and takes it.
func (s *x11) next(idle func() bool, take func() (Change, error)) (Change, error) {
	s.free()
	for {
		for idle() || s.conn.r.Buffered() >= 32 {
			b, err := s.conn.next()
			if errors.Is(err, errWoken) {
				return Change{}, nil
			}
			if err != nil {
				return Change{}, s.end()
			}
			if b[0] > 1 {
				s.conn.event(b)
			}
		}
		change, err := take()
		if err != nil {
			return Change{}, err
		}
		if change.Whole != nil || len(change.Patches) > 0 || change.Cursor != nil {
			return change, nil
		}
	}
}

// settled fetches what changed once it has settled.
func (s *x11) settled() (Change, error) {
	s.settle()
	change, err := s.grab()
	if err != nil {
		return Change{}, s.grabError(err)
	}
	return change, nil
}

// settle waits a moment before a large part of the picture is fetched: programs
// draw it in several steps, a terminal by moving its lines and then writing the
// new one, and each step would cost a whole picture.
func (s *x11) settle() {
	const part, moment = 4, 2 * time.Millisecond // of the screen; a person cannot tell
	if !s.whole && pixelsOf(s.area) > s.width*s.height/part {
		time.Sleep(moment)
	}
}

// Clipboard is Clipboarded.Clipboard.
func (s *x11) Clipboard() Clipboard {
	if s.clipboard == nil { // a window's capture has none
		return nil
	}
	return s.clipboard
}

func (s *x11) Wake() { s.conn.Wake() }

func (s *x11) end() error {
	s.retire()
	s.spent, s.buffer = s.buffer, nil
	return io.EOF
}

// grabError tells a server that is gone from one that refused: a grab refused
// because the display became smaller meanwhile is followed by the event.
func (s *x11) grabError(err error) error {
	var refused xerror
	if errors.As(err, &refused) {
		return wrapX("", err)
	}
	return s.end()
}

// broken tells an error of ours from a connection that is gone.
func (s *x11) broken(err error) error {
	var known *fusion.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return s.end()
}

// grab fetches what changed.
func (s *x11) grab() (change Change, err error) {
	if s.whole || !s.area.Empty() || s.wanted() {
		if change, err = s.pixels(); err != nil {
			return Change{}, err
		}
	}
	change.Width, change.Height = s.width, s.height // of these pixels: while the cursor is awaited it may become another
	if s.newCursor {
		s.newCursor = false
		change.Cursor, err = s.cursor()
	}
	return change, err
}

// cursor gives the cursor, or nil if the server refuses it: whose it was has just
// gone, and the next one is told of.
func (s *x11) cursor() (*codec.Cursor, error) {
	b, err := s.conn.call(s.xfixes.major, 4, nil) // GetCursorImage
	var refused xerror
	if errors.As(err, &refused) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	w, h := int(le.Uint16(b[12:])), int(le.Uint16(b[14:]))
	if len(b) < 32+w*h*4 {
		return nil, io.ErrUnexpectedEOF
	}
	return xcursor(b[32:], w, h, int(le.Uint16(b[16:])), int(le.Uint16(b[18:]))), nil
}

func (s *x11) Close() error {
	var err error
	s.once.Do(func() {
		if s.input != nil {
			err = s.input.close()
		}
		if s.clipboard != nil {
			err = errors.Join(err, s.clipboard.Close())
		}
		err = errors.Join(err, s.conn.conn.Close())
	})
	return err
}
