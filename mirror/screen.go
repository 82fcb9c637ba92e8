package mirror

import (
	"errors"
	"io"
	"sync"

	"hither/fusion"
	"hither/mirror/capture"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// screen is one captured screen and its views. Its run loop writes the picture
// and the views read it.
type screen struct {
	server *Server
	name   string
	opened chan struct{} // closed when located is set, or the opening failed

	located Located // set before opened is closed

	pixels  sync.RWMutex // guards what picture holds; taken before mu
	picture *codec.Picture

	mu     sync.Mutex // guards the fields below
	wake   *sync.Cond // something below, or of a view, changed
	views  map[*view]bool
	cursor *codec.Cursor
	title  string
	ready  bool // there is a picture, of this size
	width  int
	height int
	ended  bool
}

func newScreen(server *Server, name string) *screen {
	sc := &screen{server: server, name: name, opened: make(chan struct{}), views: map[*view]bool{}}
	sc.wake = sync.NewCond(&sc.mu)
	return sc
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
	sc.views[v] = true
	sc.wake.Broadcast()
	return v
}

// leave takes a view out; the last one ends the capture.
func (sc *screen) leave(v *view) {
	sc.mu.Lock()
	delete(sc.views, v)
	last := len(sc.views) == 0 && !sc.ended
	sc.mu.Unlock()
	if last {
		sc.stop("")
	}
}

func (sc *screen) list() []*view {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	var all []*view
	for v := range sc.views {
		all = append(all, v)
	}
	return all
}

// stop ends the capture; run then ends the views.
func (sc *screen) stop(text string) {
	<-sc.opened
	sc.mu.Lock()
	was := sc.ended
	sc.ended = true
	sc.wake.Broadcast()
	sc.mu.Unlock()
	if was {
		return
	}
	sc.server.forget(sc)
	for _, v := range sc.list() {
		v.end(wire.Closed{Reason: wire.Ended, Text: text})
	}
	if err := sc.located.Source.Close(); err != nil {
		sc.server.log.Debug("capture closed", "screen", sc.name, "error", err)
	}
}

// run captures while somebody can take a frame.
func (sc *screen) run() {
	for sc.wanted() {
		change, err := sc.located.Source.Next()
		if err != nil {
			sc.lost(err)
			break
		}
		sc.apply(change)
	}
	// The views let go of the picture, then the source frees it: in the Next
	// after one that failed.
	sc.pixels.Lock()
	sc.picture = nil
	sc.pixels.Unlock()
	for failed := 0; failed < 2; {
		if _, err := sc.located.Source.Next(); err != nil {
			failed++
		}
	}
}

// wanted waits until a view can take a frame; false means the screen ended.
func (sc *screen) wanted() bool {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	for !sc.ended {
		for v := range sc.views {
			if v.credit() {
				return true
			}
		}
		sc.wake.Wait()
	}
	return false
}

// lost ends the views because the source did.
func (sc *screen) lost(err error) {
	closed := wire.Closed{Reason: wire.Ended, Text: "the screen has ended"}
	if !errors.Is(err, io.EOF) {
		closed = wire.Closed{Reason: wire.Failed, Text: err.Error()}
		sc.server.log.Warn("capture failed", "screen", sc.name, "error", err)
	}
	for _, v := range sc.list() {
		v.end(closed)
	}
	sc.stop("")
}

// apply writes a change into the picture and tells the views.
func (sc *screen) apply(change capture.Change) {
	sc.pixels.Lock()
	defer sc.pixels.Unlock()
	p := sc.picture
	if change.Whole != nil {
		p = change.Whole
		sc.picture = p
	}
	if p == nil || p.Width != change.Width || p.Height != change.Height {
		p = codec.NewPicture(change.Width, change.Height)
		sc.picture = p
	}
	for _, patch := range change.Patches {
		patch.Apply(p)
	}
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.ready, sc.width, sc.height = true, p.Width, p.Height
	if change.Cursor != nil {
		sc.cursor = change.Cursor
	}
	if change.Title != "" {
		sc.title = change.Title
	}
	for v := range sc.views {
		v.note(change)
	}
	sc.wake.Broadcast()
}
