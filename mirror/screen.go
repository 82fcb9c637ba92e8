package mirror

import (
	"errors"
	"io"
	"slices"
	"sync"

	"hither/fusion"
	"hither/mirror/capture"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// screen is one captured screen and its views. It has no goroutine: a reader of
// a view that has nothing else to do captures for all.
type screen struct {
	server *Server
	name   string
	opened chan struct{} // closed when located is set, or the opening failed

	located Located  // set before opened is closed
	shared  *sharing // as well; nil for a window of an app, whose display has the clipboard

	pixels  sync.RWMutex // guards what picture holds, and seen; taken before mu
	picture *codec.Picture
	seen    *codec.Look // nil: picture is the newest everywhere

	mu        sync.Locker // guards the fields below; wake's
	wake      *sync.Cond  // something below, or of a view, changed
	groups    []*group    // of the views, oldest first
	cursor    *codec.Cursor
	title     string
	pointing  wire.Pointing
	ready     bool // there is a picture, of this size
	width     int
	height    int
	capturing bool // a reader waits for the source or applies what it gave
	wanting   bool // frames wait for all of the picture
	ended     bool
	finished  bool // the source is about to be freed, or was
}

// newScreen makes a screen with a lock of its own, or one that it shares.
func newScreen(server *Server, name string, wake *sync.Cond) *screen {
	return &screen{server: server, name: name, opened: make(chan struct{}), mu: wake.L, wake: wake}
}

func (sc *screen) begin(located Located) {
	sc.located = located
	sc.mu.Lock()
	sc.title = located.Screen.Title
	sc.mu.Unlock()
	close(sc.opened)
}

// fail ends a screen whose source could not be opened.
func (sc *screen) fail() {
	sc.mu.Lock()
	sc.ended = true
	sc.mu.Unlock()
	close(sc.opened)
}

// join adds a view, or gives nil when the screen has ended.
func (sc *screen) join(options fusion.ViewOptions) *view {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if sc.ended {
		return nil
	}
	v := newView(sc, options)
	if sc.shared != nil {
		v.seat = sc.shared.sit(sc.server, sc.name, options, sc.wakeReaders)
	}
	v.group = newGroup(sc)
	v.group.add(v)
	return v
}

// notify wakes whoever waits, in the source too. It needs mu.
func (sc *screen) notify() {
	sc.wake.Broadcast()
	if sc.capturing {
		sc.located.Source.Wake()
	}
}

// wakeReaders is notify for whoever has no lock.
func (sc *screen) wakeReaders() {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.notify()
}

// leave takes a view out; the last one ends the capture.
func (sc *screen) leave(v *view) {
	sc.mu.Lock()
	v.group.remove(v)
	last := len(sc.groups) == 0 && !sc.ended
	sc.mu.Unlock()
	if last {
		sc.stop("")
	}
}

// list gives the views. It needs mu.
func (sc *screen) list() (all []*view) {
	for _, g := range sc.groups {
		all = append(all, g.views...)
	}
	return all
}

// stop ends the capture and the views.
func (sc *screen) stop(text string) { sc.close(wire.Closed{Reason: wire.Ended, Text: text}) }

func (sc *screen) close(last wire.Closed) {
	<-sc.opened
	sc.mu.Lock()
	was := sc.ended
	sc.ended = true
	views := sc.list()
	sc.mu.Unlock()
	if was {
		return
	}
	sc.server.forget(sc)
	for _, v := range views {
		v.end(last)
	}
	if err := sc.located.Source.Close(); err != nil {
		sc.server.log.Debug("capture closed", "screen", sc.name, "error", err)
	}
	sc.finish()
}

// capture waits for a change and applies it. The caller has set capturing.
func (sc *screen) capture() {
	change, err := sc.located.Source.Next()
	if err != nil {
		sc.close(lastWords(err, sc))
	} else if change.Width > 0 {
		sc.apply(change)
	}
	sc.mu.Lock()
	sc.capturing = false
	sc.wake.Broadcast()
	ended := sc.ended
	sc.mu.Unlock()
	if ended {
		sc.finish()
	}
}

// lastWords is what the views say when the source gives no more.
func lastWords(err error, sc *screen) wire.Closed {
	if errors.Is(err, io.EOF) {
		return wire.Closed{Reason: wire.Ended, Text: "the screen has ended"}
	}
	sc.server.log.Warn("capture failed", "screen", sc.name, "error", err)
	return wire.Closed{Reason: wire.Failed, Text: told(err)}
}

// told is an error for a viewer's person: what happened, and in a second line
// what to do.
func told(err error) string {
	text := err.Error()
	var known *fusion.Error
	if errors.As(err, &known) && known.Detail != "" {
		text = known.Detail
	}
	if hint := fusion.Hint(err); hint != "" {
		text += "\n" + hint
	}
	return text
}

// finish frees a screen that has ended, once nobody captures. Its source frees
// its memory in the Next after one that failed.
func (sc *screen) finish() {
	sc.mu.Lock()
	now := !sc.capturing && !sc.finished
	sc.finished = sc.finished || now
	sc.mu.Unlock()
	if !now {
		return
	}
	sc.pixels.Lock()
	sc.picture = nil
	sc.pixels.Unlock()
	for failed := 0; failed < 2; {
		if _, err := sc.located.Source.Next(); err != nil {
			failed++
		}
	}
	sc.server.running.Done()
}

// apply writes a change into the picture and tells the groups.
func (sc *screen) apply(change capture.Change) {
	sc.pixels.Lock()
	defer sc.pixels.Unlock()
	p := sc.picture
	if change.Whole != nil {
		p = change.Whole
	} else if p == nil || p.Width != change.Width || p.Height != change.Height {
		p = codec.NewPicture(change.Width, change.Height)
	}
	for _, patch := range change.Patches {
		patch.Apply(p)
	}
	sc.mu.Lock()
	defer sc.mu.Unlock()
	switch {
	case change.Whole != nil:
		sc.seen, sc.wanting = nil, false
	case change.Look != nil && (sc.seen == nil || sc.seen == past):
		sc.seen = change.Look
	case change.Look != nil:
		sc.seen = past // of two, neither tells anything
	}
	sc.picture = p
	sc.ready, sc.width, sc.height = true, p.Width, p.Height
	if change.Cursor != nil {
		sc.cursor = change.Cursor
	}
	if change.Title != "" {
		sc.title = change.Title
	}
	if change.Pointing != nil {
		sc.pointing = *change.Pointing
	}
	for _, g := range sc.groups {
		g.note(change)
	}
}

// past is a look that tells nothing any more.
var past = new(codec.Look)

// want has all of the picture fetched, as a frame needs it. It needs mu.
func (sc *screen) want() {
	sc.wanting = true
	sc.located.Source.(capture.Sparing).Fetch() // who left something out
}

// lookAhead tells the source what the frame after one that was made needs. It
// needs mu, and the pixels.
func (sc *screen) lookAhead(e *codec.Encoder) {
	if sc.seen != nil {
		sc.seen = past
	}
	if source, ok := sc.located.Source.(capture.Sparing); ok {
		look := e.Ahead()
		if len(sc.groups) > 1 {
			look = nil
		}
		source.Spare(look)
	}
}

// drop takes out a group without views. It needs mu.
func (sc *screen) drop(g *group) {
	sc.groups = slices.DeleteFunc(sc.groups, func(other *group) bool { return other == g })
}
