package mirror

import (
	"hither/mirror/capture"
	"hither/mirror/clip"
	"hither/mirror/wire"
)

// clipboard gives the clipboard of the source, or nil.
func (sc *screen) clipboard() capture.Clipboard {
	if source, ok := sc.located.Source.(capture.Clipboarded); ok {
		return source.Clipboard()
	}
	return nil
}

// copy is told what the screen's programs put into its clipboard. Only the view
// that did something last hears of it.
func (sc *screen) copy(types []string) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.copied, sc.giver = types, nil
	for _, v := range sc.list() {
		if v.clip != nil {
			v.clip.Have(types)
		}
	}
	sc.notify()
}

// openClipboard makes the view's exchange, if it may have one. It needs
// screen.mu.
func (v *view) openClipboard() {
	sc := v.screen
	board := sc.clipboard()
	if board == nil || v.options.ViewOnly {
		return
	}
	v.clip = clip.New(wire.HostSide, viewBoard{board, v}, clip.Config{
		Display: board.Display(),
		Notify: func() {
			sc.mu.Lock()
			defer sc.mu.Unlock()
			sc.notify()
		},
		Moved: func(here bool, mime string, bytes int) {
			sc.server.log.Info("clipboard moved", "screen", sc.name, "from", direction(here), "type", mime, "bytes", bytes)
		},
	})
	v.clip.Have(sc.copied)
}

// direction says whose clipboard was pasted.
func direction(here bool) string {
	if here {
		return "viewer"
	}
	return "host"
}

// viewBoard is the screen's clipboard as one view offers to it.
type viewBoard struct {
	capture.Clipboard
	view *view
}

// Offer takes the place of what the screen and its other views have.
func (b viewBoard) Offer(types []string, ask func(mime string, done clip.Done)) {
	sc := b.view.screen
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if len(types) == 0 && sc.giver != b.view {
		return // it has nothing there
	}
	sc.copied, sc.giver = nil, b.view
	for _, v := range sc.list() {
		if v.clip != nil && v != b.view {
			v.clip.Have(nil)
		}
	}
	b.Clipboard.Offer(types, ask)
	sc.notify()
}

// handOver makes the clipboard that of this view, whose person did something.
func (v *view) handOver() {
	sc := v.screen
	if v.clip == nil {
		return
	}
	sc.handing.Lock()
	defer sc.handing.Unlock()
	sc.mu.Lock()
	before := sc.hand
	sc.hand = v
	sc.mu.Unlock()
	if before == v {
		return
	}
	if before != nil {
		before.clip.Allow(false)
	}
	v.clip.Allow(true)
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.notify()
}

// takeClip handles a viewer's message about its clipboard.
func (v *view) takeClip(m wire.Message) {
	if v.clip == nil {
		return
	}
	if _, offer := m.(wire.ClipOffer); offer {
		v.handOver() // a viewer tells only while it has the focus
	}
	v.clip.Take(m)
	v.screen.mu.Lock()
	defer v.screen.mu.Unlock()
	v.screen.notify()
}

// nextClip gives what there is to say about the clipboard. It needs screen.mu.
func (v *view) nextClip(message *wire.Message) bool {
	if v.clip == nil || !v.greeted {
		return false
	}
	*message = v.clip.Next()
	return *message != nil
}

// closeClipboard ends what the view moves.
func (v *view) closeClipboard() {
	if v.clip == nil {
		return
	}
	v.clip.Close()
	sc := v.screen
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if sc.hand == v {
		sc.hand = nil
	}
}
