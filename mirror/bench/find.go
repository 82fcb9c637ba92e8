//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/jezek/xgb/xproto"
)

// locate strikes a key and finds where the viewer shows what it changes: a
// rectangle of a size. It tries until nothing else changes: viewers show
// greetings of their own at first.
func (p *probe) locate(ctx context.Context, keycode byte, size image.Point) (image.Point, error) {
	var found image.Rectangle
	for end := time.Now().Add(patience); time.Now().Before(end); {
		var err error
		if found, err = p.strikeAndCompare(ctx, keycode); err != nil {
			return image.Point{}, err
		}
		if found.Size() == size {
			return found.Min, nil
		}
	}
	return image.Point{}, fmt.Errorf("what is %v large does not show: %v changed", size, found)
}

// strikeAndCompare gives where the display changed within some pauses after a
// key.
func (p *probe) strikeAndCompare(ctx context.Context, keycode byte) (image.Rectangle, error) {
	if err := p.shot.take(); err != nil {
		return image.Rectangle{}, err
	}
	before := p.shot.copied()
	p.press(keycode)
	p.lift(keycode)
	for range 10 {
		if err := pause(ctx); err != nil {
			return image.Rectangle{}, err
		}
		if err := p.shot.take(); err != nil {
			return image.Rectangle{}, err
		}
		if found := difference(before.pix, p.shot.pix, p.size.X); !found.Empty() {
			return found, nil
		}
	}
	return image.Rectangle{}, nil
}

// waitWindow waits until a window at least so wide has the focus, itself or by
// a part: some toolkits keep one of a pixel for it.
func (p *probe) waitWindow(ctx context.Context, width int) error {
	return p.until(ctx, func() bool {
		focus, err := xproto.GetInputFocus(p.conn).Reply()
		if err != nil || focus.Focus <= xproto.InputFocusPointerRoot {
			return false
		}
		for w := focus.Focus; w != p.root && w != 0; {
			geo, err := xproto.GetGeometry(p.conn, xproto.Drawable(w)).Reply()
			if err != nil {
				return false
			}
			if int(geo.Width) >= width {
				return true
			}
			tree, err := xproto.QueryTree(p.conn, w).Reply()
			if err != nil {
				return false
			}
			w = tree.Parent
		}
		return false
	})
}

// still waits until the display has been drawn to by nobody for a while.
func (p *probe) still(ctx context.Context, length time.Duration) (err error) {
	if err := p.watch(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.unwatch()) }()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		timer := time.AfterFunc(length, p.wake)
		err := p.nextDraw(image.Rectangle{Max: p.size})
		timer.Stop()
		if errors.Is(err, errWoken) {
			return ctx.Err()
		} else if err != nil {
			return err
		}
	}
	return errors.New("the viewer's display does not come to rest")
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
