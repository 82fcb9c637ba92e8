package capture

import (
	"cmp"
	"context"
	"errors"
	"image"
	"math"
	"os"
	"sync/atomic"
	"time"

	"hither/mirror/wire"
)

// returnTime is how long a monitor may be away until its capture ends: it goes
// for a moment when it gets another mode.
const returnTime = 2 * time.Second

// xmonitor captures one monitor of a display: a part of the root window. The X
// server tells of damage of the whole window, as bounds of all that nobody took.
// What is drawn on other monitors is left there and wakes nobody, unless the
// bounds reach into the monitor; then it is taken out, and the server tells the
// bounds of what is left. Next owns all fields but at.
type xmonitor struct {
	*x11
	name    string
	randr   xrandr
	outside uint32                          // XFIXES region of all but the monitor
	at      atomic.Pointer[image.Rectangle] // where the monitor is, for input too
	mixed   bool                            // bounds of damage reached into the monitor
	stale   bool                            // the layout changed
	missing time.Time                       // since when the monitor is away; zero while it is there
	patient *time.Timer                     // wakes Next when that is too long
}

// X11Monitor captures one monitor of an X display, of the name that X11Monitors
// gives it, and gives input to it. The picture follows when the monitor moves or
// gets another size; when it is gone for two seconds Next gives an error with
// cause ErrNotFound. Its size is its own, whatever config says. It promises what
// X11 does, and ErrNotFound. ctx bounds the opening only.
func X11Monitor(ctx context.Context, config X11Config, name string) (Source, error) {
	display := cmp.Or(config.Display, os.Getenv("DISPLAY"))
	config.Resizable = false
	conn, err := dialX(ctx, display, config.Xauthority)
	if err != nil {
		return nil, err
	}
	s := &xmonitor{x11: &x11{conn: conn, newCursor: true}, name: name, patient: time.AfterFunc(math.MaxInt64, conn.Wake)}
	s.at.Store(&image.Rectangle{})
	conn.event = s.event
	if err := s.begin(ctx, display, config, s.open); err != nil {
		s.patient.Stop()
		return nil, err
	}
	return s, nil
}

func (s *xmonitor) open() (err error) {
	if err := s.prepare(); err != nil {
		return err
	}
	if s.randr, err = openRandr(s.conn); err != nil {
		return err
	}
	s.randr.follow()
	s.within, s.outside = s.conn.id(), s.conn.id()
	for _, region := range []uint32{s.within, s.outside} {
		s.conn.request(s.xfixes.major, 5, words(region)) // CreateRegion
	}
	if there, err := s.find(); err != nil || !there {
		return cmp.Or(err, noMonitor(s.name))
	}
	return s.attach()
}

// find learns where the monitor is, and whether it is there.
func (s *xmonitor) find() (bool, error) {
	s.stale = false // what changes from now on is told again
	all, err := s.randr.monitors()
	if err != nil {
		return false, err
	}
	for _, m := range all {
		if m.Name == s.name {
			s.place(m.Area)
			return true, nil
		}
	}
	return false, nil
}

// place makes the picture that of an area of the display.
func (s *xmonitor) place(area image.Rectangle) {
	if *s.at.Load() == area {
		return
	}
	s.at.Store(&area)
	s.origin, s.shift = area.Min, image.Point{}.Sub(area.Min)
	s.width, s.height, s.whole, s.area = area.Dx(), area.Dy(), true, image.Rectangle{}
	corner, size := shorts(area.Min.X, area.Min.Y), shorts(area.Dx(), area.Dy())
	everywhere := shorts(math.MaxInt16, math.MaxInt16)
	s.conn.request(s.xfixes.major, 11, words(s.within, corner, size))                        // SetRegion
	s.conn.request(s.xfixes.major, 16, words(s.within, shorts(0, 0), everywhere, s.outside)) // InvertRegion
}

// event notes what an event says; Next acts on it.
func (s *xmonitor) event(b []byte) {
	switch kind := b[0] & 0x7f; {
	case kind == s.damage.event:
		s.drawn(xrect(b[16:]), s.isLate(b))
	case kind == configureNotify, s.randr.told(kind):
		s.stale = true
	default:
		s.x11.event(b)
	}
}

// drawn takes bounds of damage of the whole display. Those that leave the monitor
// tell nothing of what is inside.
func (s *xmonitor) drawn(bounds image.Rectangle, late bool) {
	inside := bounds.Intersect(*s.at.Load())
	switch {
	case inside.Empty():
	case inside == bounds || late:
		s.damaged(inside.Add(s.shift), late)
	default:
		s.mixed = true
	}
}

// idle says whether there is nothing to do. While the monitor is away its
// picture stays.
func (s *xmonitor) idle() bool {
	switch {
	case s.stale, s.overdue():
		return false
	case !s.missing.IsZero():
		return true
	}
	return !s.mixed && s.x11.idle()
}

func (s *xmonitor) overdue() bool {
	return !s.missing.IsZero() && time.Since(s.missing) >= returnTime
}

func (s *xmonitor) Next() (Change, error) { return s.next(s.idle, s.take) }

// take fetches what changed, if anything did on this monitor.
func (s *xmonitor) take() (Change, error) {
	if err := s.refresh(); err != nil {
		return Change{}, s.broken(err)
	}
	if !s.missing.IsZero() || s.x11.idle() {
		return Change{}, nil
	}
	s.settle()
	change, err := s.grab()
	if err == nil {
		return change, nil
	}
	var refused xerror
	if errors.As(err, &refused) && s.sync() == nil && s.stale {
		s.whole = true
		return Change{}, nil // the display became smaller under the grab
	}
	return Change{}, s.grabError(err)
}

// refresh looks for the monitor if the layout changed, and takes out what was
// drawn on others.
func (s *xmonitor) refresh() error {
	if s.stale || s.overdue() {
		there, err := s.find()
		if err != nil {
			return err
		}
		if err := s.seen(there); err != nil {
			return err
		}
	}
	if !s.mixed {
		return nil
	}
	s.mixed = false
	s.conn.request(s.damage.major, 3, words(s.track, s.outside, 0)) // Subtract
	return s.sync()                                                 // the event about what is left comes before its reply
}

// seen notes whether the monitor is there. A moment away is no end.
func (s *xmonitor) seen(there bool) error {
	switch {
	case there:
		s.missing = time.Time{}
		s.patient.Stop()
	case s.missing.IsZero():
		s.missing = time.Now()
		s.patient.Reset(returnTime)
	case s.overdue():
		return noMonitor(s.name)
	}
	return nil
}

// Input is Source.Input: places count from the monitor's corner, and end at its
// edge.
func (s *xmonitor) Input(event wire.Message) error {
	if p, ok := event.(wire.Pointer); ok {
		at := s.at.Load()
		event = wire.Pointer{X: uint16(min(at.Min.X+int(p.X), at.Max.X-1)), Y: uint16(min(at.Min.Y+int(p.Y), at.Max.Y-1))}
	}
	return s.x11.Input(event)
}

func (s *xmonitor) Close() error {
	s.patient.Stop()
	return s.x11.Close()
}

var _ Sparing = (*xmonitor)(nil)
var _ Clipboarded = (*xmonitor)(nil)
