//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"
)

// opening is how long a view took to show all of its picture, in milliseconds.
type opening struct {
	Times []float64 `json:"ms"`
	P50   float64   `json:"p50Ms"`
	P90   float64   `json:"p90Ms"`
	Max   float64   `json:"maxMs"`
}

// opens is row h: a real node, and the real program started again and again.
func opens(ctx context.Context, p plan, h *house, r *result) error {
	if err := need("Xvfb", "openbox"); err != nil {
		return err
	}
	_, source, err := h.startXvfb(sourceSize)
	if err != nil {
		return err
	}
	one := &peer{name: "hither-node", source: source}
	if one.app, err = h.startApp(source); err != nil {
		return err
	}
	if err := one.app.scene("copy"); err != nil { // a page of text
		return err
	}
	n, err := h.startNode(p, "bench", source)
	if err != nil {
		return err
	}
	display, err := one.desk(h)
	if err != nil {
		return err
	}
	var times []time.Duration
	for i := range p.opens + 1 {
		took, err := one.openView(ctx, n, display)
		if err != nil {
			return fmt.Errorf("opening %d: %w", i+1, err)
		}
		if i > 0 { // the first brings programs from the disk, and finds the place
			times = append(times, took)
		}
	}
	r.Opens = newOpening(times)
	r.most("ms from exec to the complete picture, 90 % of openings", r.Opens.P90, 300)
	return nil
}

func newOpening(times []time.Duration) *opening {
	o := &opening{}
	slices.Sort(times)
	for _, t := range times {
		o.Times = append(o.Times, float64(t.Microseconds())/1000)
	}
	o.P50, o.P90, o.Max = quantile(times, 50), quantile(times, 90), quantile(times, 100)
	return o
}

// openView starts the program, waits for the picture, and ends it.
func (p *peer) openView(ctx context.Context, n *node, display string) (_ time.Duration, err error) {
	want, err := sourceNow(p.source)
	if err != nil {
		return 0, err
	}
	if err := p.probe.watch(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.probe.unwatch()) }()
	start := time.Now()
	view, err := n.view(display)
	if err != nil {
		return 0, err
	}
	at, err := p.probe.complete(func() bool { return p.shows(want) })
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, n.house.lastWords())
	}
	if err := view.kill(); err != nil {
		return 0, err
	}
	return at.Sub(start), p.probe.until(ctx, func() bool { return p.probe.shot.take() == nil && !p.shows(want) })
}

// shows says whether the newest picture of the display shows another. The first
// time it finds out where.
func (p *peer) shows(want picture) bool {
	if p.offset == nil {
		at, found := p.probe.corner(want)
		if !found {
			return false
		}
		p.offset = &at
	}
	return p.probe.shot.shows(want, *p.offset)
}

// complete waits until a picture of the display is as it shall be, and gives
// when it was taken.
func (p *probe) complete(shall func() bool) (time.Time, error) {
	timer := time.AfterFunc(patience, p.wake)
	defer timer.Stop()
	for {
		if err := p.nextDraw(image.Rectangle{Max: p.size}); err != nil {
			return time.Time{}, err
		}
		p.drain()
		if err := p.shot.take(); err != nil {
			return time.Time{}, err
		}
		now := time.Now()
		if shall() {
			return now, nil
		}
	}
}

// corner finds where the newest picture shows another: near the corner of the
// window with the focus, whose frame may be some pixels wide.
func (p *probe) corner(want picture) (image.Point, bool) {
	focus, err := xproto.GetInputFocus(p.conn).Reply()
	if err != nil || focus.Focus <= xproto.InputFocusPointerRoot || focus.Focus == p.root {
		return image.Point{}, false
	}
	at, err := xproto.TranslateCoordinates(p.conn, focus.Focus, p.root, 0, 0).Reply()
	if err != nil {
		return image.Point{}, false
	}
	for y := range 9 {
		for x := range 9 {
			if at := image.Pt(int(at.DstX)+x, int(at.DstY)+y); p.shot.shows(want, at) {
				return at, true
			}
		}
	}
	return image.Point{}, false
}
