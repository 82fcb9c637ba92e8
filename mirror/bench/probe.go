//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"image"
	"math/rand/v2"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/damage"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"
)

// keycode is the key that is struck: A.
const keycode = 38

// patience is how long a pixel may take before the run gives up.
const patience = 20 * time.Second

// probe strikes keys on a viewer's display and sees what changes there. It
// belongs to one goroutine; between countFrom and count, to the counting one.
type probe struct {
	conn   *xgb.Conn
	root   xproto.Window
	own    xproto.Window // gets the messages of wake
	size   image.Point
	seed   maphash.Seed
	shown  int
	done   chan error
	damage damage.Damage
}

func newProbe(display string) (*probe, error) {
	conn, err := xgb.NewConnDisplay(display)
	if err != nil {
		return nil, err
	}
	screen := xproto.Setup(conn).DefaultScreen(conn)
	p := &probe{conn: conn, root: screen.Root, seed: maphash.MakeSeed(),
		size: image.Pt(int(screen.WidthInPixels), int(screen.HeightInPixels))}
	if err := errors.Join(xtest.Init(conn), damage.Init(conn)); err != nil {
		return nil, err
	}
	if _, err := damage.QueryVersion(conn, 1, 1).Reply(); err != nil {
		return nil, err
	}
	if p.own, err = xproto.NewWindowId(conn); err != nil {
		return nil, err
	}
	err = xproto.CreateWindowChecked(conn, 0, p.own, p.root, -1, -1, 1, 1, 0, xproto.WindowClassInputOnly, 0,
		xproto.CwOverrideRedirect, []uint32{1}).Check()
	if err != nil {
		return nil, err
	}
	// The pointer stays out of the way.
	xproto.WarpPointer(conn, 0, p.root, 0, 0, 0, 0, int16(p.size.X-1), int16(p.size.Y-1))
	return p, nil
}

func (p *probe) close() error {
	p.conn.Close()
	return nil
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
func (p *probe) grab(r image.Rectangle) ([]byte, error) { return grabRoot(p.conn, p.root, r) }

func grabRoot(conn *xgb.Conn, root xproto.Window, r image.Rectangle) ([]byte, error) {
	reply, err := xproto.GetImage(conn, xproto.ImageFormatZPixmap, xproto.Drawable(root),
		int16(r.Min.X), int16(r.Min.Y), uint16(r.Dx()), uint16(r.Dy()), 0xffffffff).Reply()
	if err != nil {
		return nil, err
	}
	return reply.Data, nil
}

// key strikes the key, waits until the pixels of r have clearly changed, and
// gives the time between.
func (p *probe) key(r image.Rectangle) (time.Duration, error) {
	p.drain()
	before, err := p.grab(r)
	if err != nil {
		return 0, err
	}
	timer := time.AfterFunc(patience, p.wake)
	defer timer.Stop()
	start := time.Now()
	xtest.FakeInput(p.conn, xproto.KeyPress, keycode, 0, p.root, 0, 0, 0)
	took, err := p.changed(r, before, start)
	xtest.FakeInput(p.conn, xproto.KeyRelease, keycode, 0, p.root, 0, 0, 0)
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

// pause waits for a time that is not in step with anyone's clock.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(15*time.Millisecond + rand.N(20*time.Millisecond)):
		return nil
	}
}

// locate strikes the key in scene "patch" and finds where the viewer shows the
// source's corner. It tries until nothing but the patch changes: viewers show
// greetings of their own at first.
func (p *probe) locate(ctx context.Context) (image.Point, error) {
	var found image.Rectangle
	for end := time.Now().Add(patience); time.Now().Before(end); {
		var err error
		if found, err = p.strikeAndCompare(ctx); err != nil {
			return image.Point{}, err
		}
		if found.Size() == patch.Size() {
			return found.Min.Sub(patch.Min), nil
		}
	}
	return image.Point{}, fmt.Errorf("the patch of %v does not show: %v changed", patch, found)
}

// strikeAndCompare gives where the display changed within some pauses after a
// key.
func (p *probe) strikeAndCompare(ctx context.Context) (image.Rectangle, error) {
	whole := image.Rectangle{Max: p.size}
	before, err := p.grab(whole)
	if err != nil {
		return image.Rectangle{}, err
	}
	xtest.FakeInput(p.conn, xproto.KeyPress, keycode, 0, p.root, 0, 0, 0)
	xtest.FakeInput(p.conn, xproto.KeyRelease, keycode, 0, p.root, 0, 0, 0)
	for range 10 {
		if err := pause(ctx); err != nil {
			return image.Rectangle{}, err
		}
		now, err := p.grab(whole)
		if err != nil {
			return image.Rectangle{}, err
		}
		if found := difference(before, now, p.size.X); !found.Empty() {
			return found, nil
		}
	}
	return image.Rectangle{}, nil
}

// countFrom begins to count how often the pixels of r change.
func (p *probe) countFrom(r image.Rectangle) error {
	if err := p.watch(); err != nil {
		return err
	}
	p.shown = 0
	p.done = make(chan error, 1)
	go func() { p.done <- p.counting(r) }()
	return nil
}

func (p *probe) counting(r image.Rectangle) error {
	var last uint64
	for {
		if err := p.nextDraw(r); errors.Is(err, errWoken) {
			return nil
		} else if err != nil {
			return err
		}
		now, err := p.grab(r)
		if err != nil {
			return err
		}
		if sum := maphash.Bytes(p.seed, now); sum != last {
			last = sum
			p.shown++
		}
	}
}

// count ends the counting.
func (p *probe) count() (int, error) {
	p.wake()
	if err := <-p.done; err != nil {
		return 0, err
	}
	return p.shown, p.unwatch()
}

// compare gives how many pixels of the viewer differ from the source's.
func (p *probe) compare(source string, offset image.Point) (int, error) {
	conn, err := xgb.NewConnDisplay(source)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	whole := image.Rect(0, 0, width, height)
	want, err := grabRoot(conn, xproto.Setup(conn).DefaultScreen(conn).Root, whole)
	if err != nil {
		return 0, err
	}
	got, err := p.grab(whole.Add(offset))
	if err != nil {
		return 0, err
	}
	return different(want, got), nil
}

// waitManager waits for a window manager.
func (p *probe) waitManager(ctx context.Context) error {
	return p.until(ctx, func() bool {
		reply, err := xproto.GetProperty(p.conn, false, p.root, p.atom("_NET_SUPPORTING_WM_CHECK"), xproto.AtomWindow, 0, 1).Reply()
		return err == nil && reply.ValueLen == 1
	})
}

// waitWindow waits until a window at least so wide has the focus.
func (p *probe) waitWindow(ctx context.Context, width int) error {
	return p.until(ctx, func() bool {
		focus, err := xproto.GetInputFocus(p.conn).Reply()
		if err != nil || focus.Focus <= xproto.InputFocusPointerRoot || focus.Focus == p.root {
			return false
		}
		geo, err := xproto.GetGeometry(p.conn, xproto.Drawable(focus.Focus)).Reply()
		return err == nil && int(geo.Width) >= width
	})
}

func (p *probe) atom(name string) xproto.Atom {
	reply, err := xproto.InternAtom(p.conn, false, uint16(len(name)), name).Reply()
	if err != nil {
		return xproto.AtomNone
	}
	return reply.Atom
}

func (p *probe) until(ctx context.Context, done func() bool) error {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if done() {
			return nil
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	return errors.New("it does not come up")
}
