package capture

import (
	"cmp"
	"context"
	"errors"
	"image"
	"os"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// XWindows captures windows of a display, each for itself, and gives input to
// them. Windows may cover each other or lie partly off the display. Its methods
// may be called from many goroutines.
type XWindows struct {
	config  X11Config
	display string
	input   *xinput
	board   *XClipboard
	aim     xaim // guarded by input.mu
}

// X11Windows opens a display for the capture of its windows. It promises what
// X11 does.
func X11Windows(ctx context.Context, config X11Config) (*XWindows, error) {
	display := cmp.Or(config.Display, os.Getenv("DISPLAY"))
	config.Resizable = false
	input, err := openInput(ctx, display, config)
	if err == nil {
		if _, err = input.conn.extension("Composite", words(0, 3)); err != nil {
			err = errors.Join(err, input.close())
		}
	}
	if err != nil {
		return nil, wrapX(display, err)
	}
	board, err := OpenXClipboard(ctx, config)
	if err != nil {
		return nil, errors.Join(err, input.close())
	}
	return &XWindows{config: config, display: display, input: input, board: board}, nil
}

// Clipboard is Clipboarded.Clipboard.
func (w *XWindows) Clipboard() Clipboard { return w.board }

// Close ends the giving of input, and the clipboard. Sources that were opened go
// on.
func (w *XWindows) Close() error { return errors.Join(w.board.Close(), w.input.close()) }

// xwindow captures one window: what it draws goes to a pixmap of its own
// (Composite), which is fetched like a display. The pixmap is another one after
// each change of size. Next owns all fields.
type xwindow struct {
	*x11
	all       *XWindows
	window    uint32
	composite xextension
	extents   uint32 // the atom of extentsName
	under     xunder
	geometry  [3]uint16 // width, height and border of the window when drawable was its pixmap
	shown     bool      // it has a pixmap
	stale     bool      // which may be another than drawable
	gone      bool
}

// Open captures one window. Its source ends with the window; while the window
// is hidden the picture stays. It promises ErrUnsupported when the X server
// lacks Composite. Where the window is clear, the picture shows what below is
// there, another window or 0. ctx bounds the opening only.
func (w *XWindows) Open(ctx context.Context, window, below uint32) (Source, error) {
	conn, err := dialX(ctx, w.display, w.config.Xauthority)
	if err != nil {
		return nil, err
	}
	s := &xwindow{x11: &x11{conn: conn, newCursor: true}, all: w, window: window}
	s.under.window, s.under.pixmap = below, conn.id()
	conn.event = s.event
	if err := s.open(); err != nil {
		return nil, wrapX(w.display, errors.Join(err, s.Close()))
	}
	return s, nil
}

// Masks of events, and events, of the core protocol.
const (
	visibilityChange = 1 << 16
	structureNotify  = 1 << 17
	propertyChange   = 1 << 22

	visibilityNotify = 15
	destroyNotify    = 17
	unmapNotify      = 18
	configureNotify  = 22
	propertyNotify   = 28

	cardinal = 6 // the atom
)

func (s *xwindow) open() (err error) {
	if err := s.extensions(); err != nil {
		return err
	}
	if s.composite, err = s.conn.extension("Composite", words(0, 3)); err != nil {
		return err
	}
	if s.extents, err = s.conn.atom(extentsName); err != nil {
		return err
	}
	const automatic = 0
	s.conn.request(2, 0, words(s.window, 1<<11, visibilityChange|structureNotify|propertyChange)) // ChangeWindowAttributes
	s.conn.request(s.composite.major, 1, words(s.window, automatic))                              // RedirectWindow
	s.follow(s.window)
	b, err := s.conn.call(3, 0, words(s.window)) // GetWindowAttributes
	if err != nil {
		return err
	}
	const viewable = 2
	if b[26] == viewable {
		s.shown, s.stale = true, true
	}
	return nil
}

// event notes what an event says. Becoming visible comes after its frame was
// shown too, and only then is there a pixmap.
func (s *xwindow) event(b []byte) {
	switch b[0] & 0x7f {
	case visibilityNotify:
		s.shown, s.stale = true, true
	case unmapNotify:
		s.shown = s.shown && le.Uint32(b[8:]) != s.window
	case destroyNotify:
		s.gone = s.gone || le.Uint32(b[8:]) == s.window
	case configureNotify:
		s.stale = s.stale || le.Uint32(b[8:]) == s.window && geometry(b[20:]) != s.geometry
	case propertyNotify:
		s.stale = s.stale || le.Uint32(b[8:]) == s.extents
	default:
		s.x11.event(b)
	}
}

// idle says whether there is nothing to fetch.
func (s *xwindow) idle() bool {
	return !s.gone && (!s.shown || !s.stale && !s.whole && !s.newCursor && s.area.Empty())
}

// Spare does nothing: what lies below a window is mixed in to all of it.
func (s *xwindow) Spare(*codec.Look) {}

func (s *xwindow) Next() (Change, error) { return s.next(s.idle, s.take) }

// take fetches what changed. What is refused because the window went, or is not
// shown, is no error: events tell.
func (s *xwindow) take() (change Change, err error) {
	if s.gone {
		return Change{}, s.end()
	}
	if s.stale {
		err = s.name()
	}
	if err == nil && s.shown {
		if change, err = s.grab(); err == nil {
			err = s.mix(change)
		}
	}
	var refused xerror
	if !errors.As(err, &refused) {
		return change, s.broken(err)
	}
	if s.sync() != nil || s.gone {
		return Change{}, s.end()
	}
	if s.shown {
		return Change{}, wrapX(s.all.display, err)
	}
	return Change{}, nil
}

// name gets the window's present pixmap. It is not shown until that worked: an
// event may say so meanwhile.
func (s *xwindow) name() error {
	s.shown, s.stale = false, false
	pixmap := s.conn.id()
	s.conn.request(s.composite.major, 6, words(s.window, pixmap))                    // NameWindowPixmap
	propertySeq := s.conn.request(20, 0, words(s.window, s.extents, cardinal, 0, 4)) // GetProperty
	windowSeq := s.conn.request(14, 0, words(s.window))                              // GetGeometry
	pixmapSeq := s.conn.request(14, 0, words(pixmap))
	property, err1 := s.conn.reply(propertySeq)
	window, err2 := s.conn.reply(windowSeq)
	b, err3 := s.conn.reply(pixmapSeq)
	if err := cmp.Or(err1, err2, err3); err != nil {
		return err
	}
	s.under.alpha = b[1] == 32
	if depth := b[1]; depth != 24 && depth != 32 || !s.conn.screen.bgrx {
		return failed(x11Op, "", fusion.ErrUnsupported, "the window has not 24 bits a pixel", "")
	}
	if s.drawable != 0 {
		s.conn.request(54, 0, words(s.drawable)) // FreePixmap
	}
	s.drawable, s.geometry = pixmap, geometry(window[16:])
	s.frame(int(le.Uint16(b[16:])), int(le.Uint16(b[18:])), xnumbers(property))
	s.shown = true
	return nil
}

// frame sets what of a pixmap of this size is shown.
func (s *xwindow) frame(width, height int, extents []uint32) {
	border := int(s.geometry[2])
	r := clip(inset(width-2*border, height-2*border, border, extents))
	s.shift = image.Pt(-r.Min.X, -r.Min.Y)
	s.origin = r.Min.Add(image.Pt(border, border))
	s.width, s.height, s.whole = r.Dx(), r.Dy(), true
}

// geometry reads width, height and border as they stand in a packet.
func geometry(b []byte) [3]uint16 {
	return [3]uint16{le.Uint16(b), le.Uint16(b[2:]), le.Uint16(b[4:])}
}

func (s *xwindow) Input(event wire.Message) error { return s.all.Input(s.window, event) }

// Resize answers ErrUnsupported: a window's place belongs to its manager.
func (s *xwindow) Resize(int, int) error {
	return failed("screen.resize", "", fusion.ErrUnsupported, "a window is resized through its manager", "")
}
