//go:build linux

package main

import (
	"context"
	"errors"
	"image"
	"math/rand/v2"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"
)

// patience is how long a pixel may take before the run gives up.
const patience = 20 * time.Second

// probe strikes keys on a viewer's display and sees what changes there. It
// belongs to one goroutine; between follow and followed, to the following one.
type probe struct {
	conn   *xgb.Conn
	root   xproto.Window
	own    xproto.Window // gets the messages of wake
	size   image.Point
	shot   *shot
	sights []sight
	done   chan error
	damage damage.Damage
}

// openProbe opens a probe that the house closes.
func (h *house) openProbe(display string) (*probe, error) {
	p, err := newProbe(display)
	if err == nil {
		h.onClose(p.close)
	}
	return p, err
}

func newProbe(display string) (*probe, error) {
	conn, err := xgb.NewConnDisplay(display)
	if err != nil {
		return nil, err
	}
	screen := xproto.Setup(conn).DefaultScreen(conn)
	p := &probe{conn: conn, root: screen.Root, size: image.Pt(int(screen.WidthInPixels), int(screen.HeightInPixels))}
	if err := p.open(); err != nil {
		conn.Close()
		return nil, err
	}
	return p, nil
}

func (p *probe) open() error {
	if err := errors.Join(xtest.Init(p.conn), damage.Init(p.conn), shm.Init(p.conn)); err != nil {
		return err
	}
	if _, err := damage.QueryVersion(p.conn, 1, 1).Reply(); err != nil {
		return err
	}
	var err error
	if p.own, err = xproto.NewWindowId(p.conn); err != nil {
		return err
	}
	err = xproto.CreateWindowChecked(p.conn, 0, p.own, p.root, -1, -1, 1, 1, 0, xproto.WindowClassInputOnly, 0,
		xproto.CwOverrideRedirect, []uint32{1}).Check()
	if err != nil {
		return err
	}
	p.park()
	p.shot, err = newShot(p.conn, p.root, p.size)
	return err
}

// park takes the pointer out of the way.
func (p *probe) park() { p.point(p.size.Sub(image.Pt(1, 1))) }

// point moves the pointer.
func (p *probe) point(at image.Point) {
	xtest.FakeInput(p.conn, xproto.MotionNotify, 0, 0, p.root, int16(at.X), int16(at.Y), 0)
}

func (p *probe) close() error {
	p.conn.Close()
	return p.shot.free()
}

// watch begins to tell of each draw on the display; unwatch ends it. Only the
// peer whose turn it is watches.
func (p *probe) watch() error {
	var err error
	if p.damage, err = damage.NewDamageId(p.conn); err != nil {
		return err
	}
	return damage.CreateChecked(p.conn, p.damage, xproto.Drawable(p.root), damage.ReportLevelRawRectangles).Check()
}

func (p *probe) unwatch() error { return damage.DestroyChecked(p.conn, p.damage).Check() }

// wake makes nextDraw return without a draw.
func (p *probe) wake() {
	e := xproto.ClientMessageEvent{Format: 32, Window: p.own, Type: xproto.AtomString,
		Data: xproto.ClientMessageDataUnionData32New(make([]uint32, 5))}
	xproto.SendEvent(p.conn, false, p.own, 0, string(e.Bytes()))
}

var errWoken = errors.New("nothing was drawn in time")

// nextDraw waits for a draw that touches r.
func (p *probe) nextDraw(r image.Rectangle) error {
	for {
		event, xerr := p.conn.WaitForEvent()
		switch e := event.(type) {
		case nil:
			if xerr == nil {
				return errors.New("the viewer's display is gone")
			}
		case damage.NotifyEvent:
			if area(e).Overlaps(r) {
				return nil
			}
		case xproto.ClientMessageEvent:
			return errWoken
		}
	}
}

func area(e damage.NotifyEvent) image.Rectangle {
	return image.Rect(0, 0, int(e.Area.Width), int(e.Area.Height)).Add(image.Pt(int(e.Area.X), int(e.Area.Y)))
}

// drain forgets draws that are told already.
func (p *probe) drain() {
	for {
		if e, xerr := p.conn.PollForEvent(); e == nil && xerr == nil {
			return
		}
	}
}

// grab gives pixels of the display, four bytes each.
func (p *probe) grab(r image.Rectangle) ([]byte, error) {
	reply, err := xproto.GetImage(p.conn, xproto.ImageFormatZPixmap, xproto.Drawable(p.root),
		int16(r.Min.X), int16(r.Min.Y), uint16(r.Dx()), uint16(r.Dy()), 0xffffffff).Reply()
	if err != nil {
		return nil, err
	}
	return reply.Data, nil
}

// press and lift strike a key by its X keycode.
func (p *probe) press(keycode byte) {
	xtest.FakeInput(p.conn, xproto.KeyPress, keycode, 0, p.root, 0, 0, 0)
}

func (p *probe) lift(keycode byte) {
	xtest.FakeInput(p.conn, xproto.KeyRelease, keycode, 0, p.root, 0, 0, 0)
}

// key strikes a key, waits until the pixels of r have clearly changed, and
// gives the time between.
func (p *probe) key(keycode byte, r image.Rectangle) (time.Duration, error) {
	p.drain()
	before, err := p.grab(r)
	if err != nil {
		return 0, err
	}
	timer := time.AfterFunc(patience, p.wake)
	defer timer.Stop()
	start := time.Now()
	p.press(keycode)
	took, err := p.changed(r, before, start)
	p.lift(keycode)
	return took, err
}

func (p *probe) changed(r image.Rectangle, before []byte, start time.Time) (time.Duration, error) {
	for {
		if err := p.nextDraw(r); err != nil {
			return 0, err
		}
		now, err := p.grab(r)
		if err != nil {
			return 0, err
		}
		if clearly(before, now) {
			return time.Since(start), nil
		}
	}
}

// A pause lasts as long as QEMU takes to look at a console again, spread evenly.
const (
	minPause  = 15 * time.Millisecond
	morePause = 30 * time.Millisecond
)

// pause waits for a time that is not in step with anyone's clock.
func pause(ctx context.Context) error { return sleep(ctx, minPause+rand.N(morePause)) }

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
