package surface

import (
	"fmt"
	"sync"

	"hither/mirror/capture"
	"hither/mirror/clip"
	"hither/mirror/files"
	"hither/mirror/wire"
)

// clipboard moves this display's clipboard while a window of the view has the
// focus, and files; nil moves nothing. Its goroutine writes what there is to say:
// no event and no frame waits for that.
type clipboard struct {
	view     *view
	board    *capture.XClipboard
	exchange *clip.Exchange
	files    *files.Exchange
	more     chan struct{} // there may be something to say
	stop     chan struct{}
	running  sync.WaitGroup
}

// newClipboard starts it with the display's, which is the clipboard's to close.
func newClipboard(v *view, board *capture.XClipboard) *clipboard {
	c := &clipboard{view: v, board: board, more: make(chan struct{}, 1), stop: make(chan struct{})}
	config := files.Config{Notify: c.wake, Tell: c.filesMoved}
	if v.cfg.Pasted != "" {
		config.Pasted = files.NewStore(v.cfg.Pasted)
	}
	c.files = files.New(wire.ViewerSide, config)
	c.exchange = clip.New(wire.ViewerSide, files.NewBoard(board, c.files),
		clip.Config{Display: board.Display(), Notify: c.wake, Moved: c.moved})
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
		for m := c.next(); m != nil; m = c.next() {
			c.view.send(m)
		}
	}
}

func (c *clipboard) next() wire.Message {
	if m := c.exchange.Next(); m != nil {
		return m
	}
	return c.files.Next()
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
		c.files.Restart()
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
		c.files.Take(m)
		c.wake()
	}
}

// cancel ends the files that are on their way; false says that there are none.
func (c *clipboard) cancel() bool { return c != nil && c.files.Cancel() }

// moved shows what was pasted.
func (c *clipboard) moved(here bool, mime string, bytes int) {
	if mime == wire.Files {
		return // what moved is a ticket
	}
	host := c.view.cfg.Host
	c.view.cfg.Log.Info("clipboard moved", "host", host, "here", here, "type", mime, "bytes", bytes)
	c.view.note(movedNote(here, mime, bytes, host))
}

// filesMoved shows how files move.
func (c *clipboard) filesMoved(m files.Moving) {
	host := c.view.cfg.Host
	if m.Over {
		c.view.cfg.Log.Info("files moved", "host", host, "here", m.Here, "dropped", m.Drop, "files", m.Files, "bytes", m.Total, "err", m.Err)
	}
	c.view.note(filesNote(m, host))
}

// note writes over the window that has the focus, or another.
func (v *view) note(text string) {
	p := v.focus.Load()
	for _, q := range v.all() {
		if p == nil && !q.popup() {
			p = q
		}
	}
	if p != nil {
		v.overlay.note(p, text)
	}
}

func movedNote(here bool, mime string, bytes int, host string) string {
	what := "text"
	if mime == wire.PNG {
		what = "a picture"
	}
	if here {
		return fmt.Sprintf("Clipboard: %s from %s was pasted here (%d bytes)", what, hostName(host), bytes)
	}
	return fmt.Sprintf("Clipboard: %s from here was pasted at %s (%d bytes)", what, hostName(host), bytes)
}

// close ends it. The pipe is closed by now, so that no write waits.
func (c *clipboard) close() error {
	if c == nil {
		return nil
	}
	close(c.stop)
	c.running.Wait()
	c.exchange.Close()
	c.files.Close()
	return c.board.Close()
}
