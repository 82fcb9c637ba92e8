package surface

import (
	"context"
	"fmt"
	"sync"

	"hither/mirror/capture"
	"hither/mirror/clip"
	"hither/mirror/wire"
)

// clipboard moves this display's clipboard while a window of the view has the
// focus; nil moves nothing. Its goroutine writes what there is to say: no event
// and no frame waits for that.
type clipboard struct {
	view     *view
	board    *capture.XClipboard
	exchange *clip.Exchange
	more     chan struct{} // there may be something to say
	stop     chan struct{}
	running  sync.WaitGroup
}

// openClipboard starts it. A view does without where that fails.
func openClipboard(ctx context.Context, v *view) *clipboard {
	board, err := capture.OpenXClipboard(ctx, capture.X11Config{Display: v.cfg.Display})
	if err != nil {
		v.cfg.Log.Info("no clipboard", "err", err)
		return nil
	}
	c := &clipboard{view: v, board: board, more: make(chan struct{}, 1), stop: make(chan struct{})}
	c.exchange = clip.New(wire.ViewerSide, board, clip.Config{Display: board.Display(), Notify: c.wake, Moved: c.moved})
	board.Watch(func(types []string) {
		c.exchange.Have(types)
		c.wake()
	})
	c.running.Go(c.run)
	return c
}

func (c *clipboard) run() {
	for {
		select {
		case <-c.stop:
			return
		case <-c.more:
		}
		for m := c.exchange.Next(); m != nil; m = c.exchange.Next() {
			c.view.send(m)
		}
	}
}

func (c *clipboard) wake() {
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// begin starts anew with a host.
func (c *clipboard) begin() {
	if c != nil {
		c.exchange.Restart()
		c.focus()
	}
}

// focus follows the focus: only a person who is in the view moves anything.
func (c *clipboard) focus() {
	if c != nil {
		c.exchange.Allow(c.view.focus.Load() != nil && !c.view.viewOnly.Load())
		c.wake()
	}
}

// take handles a message of the host.
func (c *clipboard) take(m wire.Message) {
	if c != nil && !c.view.viewOnly.Load() {
		c.exchange.Take(m)
		c.wake()
	}
}

// moved shows what was pasted.
func (c *clipboard) moved(here bool, mime string, bytes int) {
	host := c.view.cfg.Host
	c.view.cfg.Log.Info("clipboard moved", "host", host, "here", here, "type", mime, "bytes", bytes)
	if p := c.view.focus.Load(); p != nil {
		c.view.overlay.note(p, movedNote(here, mime, bytes, host))
	}
}

func movedNote(here bool, mime string, bytes int, host string) string {
	what := "text"
	if mime == wire.PNG {
		what = "a picture"
	}
	if host == "" {
		host = "the host"
	}
	if here {
		return fmt.Sprintf("Clipboard: %s from %s was pasted here (%d bytes)", what, plainTitle(host), bytes)
	}
	return fmt.Sprintf("Clipboard: %s from here was pasted at %s (%d bytes)", what, plainTitle(host), bytes)
}

// close ends it. The pipe is closed by now, so that no write waits.
func (c *clipboard) close() error {
	if c == nil {
		return nil
	}
	close(c.stop)
	c.running.Wait()
	c.exchange.Close()
	return c.board.Close()
}
