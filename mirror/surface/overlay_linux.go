package surface

import (
	"image"
	"image/color"
	"sync"
	"time"
)

const (
	infoEvery = 250 * time.Millisecond
	// infoSpan is the time over which rates are counted.
	infoSpan = 4
	noteTime = 5 * time.Second
)

// overlay writes over a window: numbers when the person wants them, and short
// notes. A goroutine runs while numbers show, and a timer while a note does;
// close waits for both.
type overlay struct {
	view    *view
	hide    pacer // takes the note away
	running sync.WaitGroup

	mu     sync.Mutex // guards the fields below
	info   *label
	stop   chan struct{} // closed when info goes
	noted  *label
	closed bool
}

func (o *overlay) color() color.RGBA {
	c := o.view.cfg.Color
	return color.RGBA{c[0], c[1], c[2], 0xff}
}

// toggle shows the numbers over a window, or hides them.
func (o *overlay) toggle(p *pane) {
	o.mu.Lock()
	defer o.mu.Unlock()
	shown := o.info
	o.hideInfo()
	if o.closed || shown != nil && shown.pane == p {
		return
	}
	now := o.view.meter.read()
	info, err := newLabel(p, topRight, o.picture(p, now, now, ""))
	if err != nil {
		o.view.cfg.Log.Debug("no overlay", "err", err)
		return
	}
	stop := make(chan struct{})
	o.info, o.stop = info, stop
	o.running.Add(1)
	go func() {
		defer o.running.Done()
		o.run(info, stop)
	}()
}

// run draws the numbers anew until they are hidden.
func (o *overlay) run(info *label, stop <-chan struct{}) {
	ticker := time.NewTicker(infoEvery)
	defer ticker.Stop()
	past := []reading{o.view.meter.read()}
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		now := o.view.meter.read()
		picture := o.picture(info.pane, past[0], now, o.path())
		o.mu.Lock()
		if o.info == info {
			info.draw(picture)
		}
		o.mu.Unlock()
		if past = append(past, now); len(past) > infoSpan {
			past = past[1:]
		}
	}
}

func (o *overlay) path() string {
	if o.view.cfg.Path == nil {
		return "unknown"
	}
	return o.view.cfg.Path()
}

func (o *overlay) picture(p *pane, before, now reading, path string) *image.RGBA {
	return drawRows(rows(before, now, p.glass.geo.Load().picture, o.view.online(), path, o.view.ears.String()), o.color())
}

// note writes one line over a window for a while.
func (o *overlay) note(p *pane, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hideNote()
	if o.closed {
		return
	}
	noted, err := newLabel(p, bottomMiddle, drawNote(text, o.color()))
	if err != nil {
		o.view.cfg.Log.Debug("no note", "err", err)
		return
	}
	o.noted = noted
	o.hide.ask(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.hideNote()
	})
}

// place follows the size of a window.
func (o *overlay) place(p *pane) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range []*label{o.info, o.noted} {
		if l != nil && l.pane == p {
			l.move()
		}
	}
}

// leave takes all from a window that goes.
func (o *overlay) leave(p *pane) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.info != nil && o.info.pane == p {
		o.hideInfo()
	}
	if o.noted != nil && o.noted.pane == p {
		o.hideNote()
	}
}

// hideInfo needs mu.
func (o *overlay) hideInfo() {
	if o.info != nil {
		close(o.stop)
		o.info.free()
		o.info = nil
	}
}

// hideNote needs mu.
func (o *overlay) hideNote() {
	if o.noted != nil {
		o.noted.free()
		o.noted = nil
	}
}

// close hides all for good and waits for what runs.
func (o *overlay) close() {
	o.mu.Lock()
	o.closed = true
	o.hideInfo()
	o.hideNote()
	o.mu.Unlock()
	o.hide.close()
	o.running.Wait()
}
