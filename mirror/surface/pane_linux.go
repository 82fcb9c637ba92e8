package surface

import (
	"errors"
	"image"
	"slices"
	"sync/atomic"
	"time"

	"hither/mirror/wire"
)

const (
	// resizePause is how long a window must keep its size before a screen is
	// asked for it; an edge that is dragged passes through hundreds.
	resizePause = 80 * time.Millisecond
	// placeEvery is how often the host hears of a window that is dragged.
	placeEvery = 40 * time.Millisecond
	// restPause is how long a window must stay as it is to rest.
	restPause = 200 * time.Millisecond
)

// pane is one window of a view, with what was agreed about it.
type pane struct {
	id     uint32 // 0 for a view of one picture
	win    *window
	glass  *glass
	cursor *pointer
	pace   *pacer // of what the host is told when the window moves
	rest   *pacer // of settling what is left when the window rests

	sizes  *sizer                   // for one picture, else nil
	places *accord[image.Rectangle] // places on the host's desktop; else nil
	stands *accord[wire.WindowFlags]

	// Owned by Run's goroutine.
	title string
	parts parts
	stale bool // the host has not spoken of it since the view was opened anew
	shown bool

	said      atomic.Pointer[wire.Window] // the host's newest word, nil for one picture
	contested atomic.Bool                 // the host gave it another size than the person
	settling  atomic.Bool                 // this desktop gave it another state, and does not rest yet
	dragged   atomic.Bool                 // the manager moves or resizes it with the pointer
	shut      atomic.Bool                 // the person asked to close it
	dismissed atomic.Bool                 // and is shown it no more
	gone      atomic.Bool                 // another program destroyed it
	tape      atomic.Pointer[tape]        // its recording, nil if there is none
}

func (p *pane) single() bool { return p.said.Load() == nil }

// popup says whether it was made a popup.
func (p *pane) popup() bool { return p.win.frame == 0 }

// here gives the place of its picture on the host's desktop as it is here.
func (p *pane) here() image.Rectangle { _, here := p.places.both(); return here }

// newPane makes a window without showing it.
func (v *view) newPane(id uint32, area, picture image.Point, popup bool) (*pane, error) {
	win, err := newWindow(v.display, v.cfg, area, popup)
	if err != nil {
		return nil, err
	}
	p := &pane{id: id, win: win, glass: newGlass(win, area, picture), cursor: &pointer{win: win},
		pace: &pacer{every: placeEvery}, rest: &pacer{every: restPause, settle: true}}
	p.glass.played = v.meter.played
	p.glass.begin()
	return p, nil
}

// add makes the pane one of the view's.
func (v *view) add(p *pane) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.panes = append(v.panes, p)
}

// remove takes a pane from the view and from the display.
func (v *view) remove(p *pane) error {
	v.mu.Lock()
	v.panes = slices.DeleteFunc(v.panes, func(q *pane) bool { return p == q })
	v.mu.Unlock()
	if v.on == p {
		v.on = nil
	}
	v.forget(p)
	v.endTape(p)
	v.overlay.leave(p)
	p.pace.close()
	p.rest.close()
	err := p.glass.close()
	p.cursor.free()
	if !p.gone.Load() {
		p.win.destroy()
	}
	return err
}

// all gives the panes there are.
func (v *view) all() []*pane {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return slices.Clone(v.panes)
}

// pane gives the window of a number, or nil.
func (v *view) pane(id uint32) *pane {
	v.mu.RLock()
	defer v.mu.RUnlock()
	for _, p := range v.panes {
		if p.id == id {
			return p
		}
	}
	return nil
}

// beginScreen shows the window of a host that sends one picture.
func (v *view) beginScreen(hello wire.Hello) error {
	p := v.pane(0)
	if p == nil {
		size := image.Pt(int(hello.Width), int(hello.Height))
		area := v.display.fit(size)
		var err error
		if p, err = v.newPane(0, area, size, false); err != nil {
			return err
		}
		p.pace = &pacer{every: resizePause, settle: true}
		p.sizes = &sizer{now: time.Now}
		p.sizes.told(area)
		v.add(p)
	} else {
		p.glass.begin()
	}
	v.retitle(p, hello.Title)
	p.parts, p.stale, v.on = parts{}, false, p
	return v.show(p)
}

// show maps a window that is not shown yet.
func (v *view) show(p *pane) error {
	if p.shown {
		return nil
	}
	p.shown = true
	if time := v.userTime.Load(); time != 0 {
		p.win.touched(time)
	}
	if v.started != "" {
		p.win.started(v.started)
		v.started = ""
	}
	return p.win.show()
}

// retitle shows a title that came from the host.
func (v *view) retitle(p *pane, title string) {
	if title == "" {
		title = v.cfg.Title
	}
	if title = hostTitle(title, v.cfg.Host); title != p.title || p.stale {
		p.title = title
		p.win.setTitle(title)
	}
}

// tidy is called with each answered ping, about once a second. It closes the
// windows that a host does not know any more after the connection was lost, and
// ends a view that has shown no window for long.
func (v *view) tidy() error {
	if !v.windows.Load() {
		return nil
	}
	var errs []error
	if time.Since(v.began) > settleWindows {
		errs = append(errs, v.sweep())
	}
	switch {
	case len(v.all()) > 0:
		v.empty = time.Time{}
	case v.empty.IsZero():
	case v.lastShut && time.Since(v.empty) > shutGrace:
		v.send(wire.Bye{})
		v.end(errBye)
	case time.Since(v.empty) > emptyGrace:
		v.end(errFinished)
	}
	return errors.Join(errs...)
}

const (
	// settleWindows is how long a host that came back may take to say what
	// windows there are.
	settleWindows = 3 * time.Second
	// shutGrace is how long an app may stay after its person closed its last
	// window; it may ask something in a new one first.
	shutGrace = 3 * time.Second
	// emptyGrace is how long an app may be without windows by itself.
	emptyGrace = 20 * time.Second
)

// sweep closes the windows that the host has not spoken of.
func (v *view) sweep() error {
	for _, p := range v.all() {
		if p.stale {
			if err := v.gone(p.id); err != nil {
				return err
			}
		}
	}
	return nil
}
