package capture

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"hither/mirror/wire"
)

const (
	clipPatience = 5 * time.Second // a program may take for its next step of a paste
	clipChunk    = 192 << 10       // bytes of one ChangeProperty
	maxClipReads = 8
	maxClipSends = 4
	maxClipTodo  = 64
)

var (
	errClipGone  = errors.New("the clipboard has something else now")
	errClipBusy  = errors.New("too many pastes at once")
	errClipLate  = errors.New("the program that has the clipboard did not answer in time")
	errClipLarge = errors.New("more than 32 MiB")
	errClipEnded = errors.New("the display is gone")
)

// XClipboard is the CLIPBOARD selection of a display (ICCCM, section 2), over a
// connection of its own. One goroutine, run, owns the connection and all of the
// selection's state until Close; other goroutines leave it work in todo.
type XClipboard struct {
	conn   *xconn
	xfixes xextension
	atoms  map[string]uint32
	window uint32
	done   chan struct{}
	id     string // of the display

	// Owned by run.
	pending [][]byte // events that came while a reply was awaited
	alarm   *time.Timer
	changed func([]string)
	types   []string          // of another program
	targets map[string]uint32 // and by which targets it gives them
	offer   *xoffer           // nil while another program has the selection
	claimed uint16            // the request that made the selection ours, or nobody's
	reads   []*xread
	nth     int // of the reads
	sends   []*xsend

	mu    sync.Mutex // guards the fields below
	todo  []func()
	next  *xoffer // to be offered; of several the newest
	given bool    // next is to be looked at
	last  bool    // Close was called: run says what it has to and ends
	ended bool
}

var _ Clipboard = (*XClipboard)(nil)

// xoffer is what the selection holds while it is ours.
type xoffer struct {
	types []string
	ask   func(mime string, done func([]byte, error))
}

// clipMark is a target of every offer of a capture or a viewer: what one
// mirrored display offers to the next is not a copy of its own, or two displays
// that show each other would pass it on for ever.
const clipMark = "application/x-hither-clipboard"

// clipReads is how many properties reads take in turn, so that an answer that
// comes too late is not one to another question.
const clipReads = 8

// clipIdentity is the property that tells this display from others.
const clipIdentity = "HITHER_DISPLAY"

func clipProperty(nth int) string { return "HITHER_CLIPBOARD_" + string(rune('0'+nth%clipReads)) }

// OpenXClipboard opens the clipboard of a display. It promises what X11 does.
func OpenXClipboard(ctx context.Context, config X11Config) (*XClipboard, error) {
	display := cmp.Or(config.Display, os.Getenv("DISPLAY"))
	conn, err := dialX(ctx, display, config.Xauthority)
	if err != nil {
		return nil, err
	}
	c := &XClipboard{conn: conn, atoms: map[string]uint32{}, done: make(chan struct{}), changed: func([]string) {}}
	c.conn.event = func(b []byte) { c.pending = append(c.pending, b) }
	if err := c.open(); err != nil {
		conn.conn.Close()
		return nil, wrapX(display, err)
	}
	c.alarm = time.AfterFunc(time.Hour, conn.Wake)
	go c.run()
	return c, nil
}

func (c *XClipboard) open() (err error) {
	if c.xfixes, err = c.conn.extension("XFIXES", words(5, 0)); err != nil {
		return err
	}
	names := []string{clipIdentity, "CLIPBOARD", "TARGETS", "INCR", "UTF8_STRING", "text/plain", wire.PlainText, wire.PNG, uriList, copiedFiles, clipMark}
	for n := range clipReads {
		names = append(names, clipProperty(n))
	}
	if err := c.intern(names); err != nil {
		return err
	}
	c.window = c.conn.id()
	const inputOnly, eventMask, propertyChange = 2, 1 << 11, 1 << 22
	c.conn.request(1, 0, words(c.window, c.conn.screen.root, shorts(-1, -1), shorts(1, 1), shorts(0, inputOnly), 0, eventMask, propertyChange))
	c.conn.request(c.xfixes.major, 2, words(c.window, c.atoms["CLIPBOARD"], 1|2|4)) // SelectSelectionInput: owner, window or client gone
	if c.id, err = c.identity(); err != nil {
		return err
	}
	owner, err := c.conn.call(23, 0, words(c.atoms["CLIPBOARD"])) // GetSelectionOwner
	if err == nil && le.Uint32(owner[8:]) != 0 {
		c.look()
	}
	return err
}

// intern asks for all atoms in one round trip.
func (c *XClipboard) intern(names []string) error {
	var asked []uint16
	for _, name := range names {
		b := le.AppendUint16(nil, uint16(len(name)))
		asked = append(asked, c.conn.request(16, 0, append(append(b, 0, 0), name...)))
	}
	for i, seq := range asked {
		b, err := c.conn.reply(seq)
		if err != nil {
			return err
		}
		c.atoms[names[i]] = le.Uint32(b[8:])
	}
	return nil
}

// identity is a random text that stands in a property of the root window.
func (c *XClipboard) identity() (string, error) {
	const maxWords, atomString = 16, 31
	root, property := c.conn.screen.root, c.atoms[clipIdentity]
	for {
		b, err := c.conn.call(20, 0, words(root, property, atomString, 0, maxWords)) // GetProperty
		if err != nil {
			return "", err
		}
		if n := int(le.Uint32(b[16:])); n > 0 && b[1] == 8 && len(b) >= 32+n {
			return string(b[32 : 32+n]), nil
		}
		c.change(&xsend{window: root, property: property}, atomString, 8, []byte(rand.Text()))
	}
}

// Display is Clipboard.Display.
func (c *XClipboard) Display() string { return c.id }

// run is the goroutine.
func (c *XClipboard) run() {
	defer close(c.done)
	for {
		c.work()
		c.expire()
		for len(c.pending) > 0 {
			b := c.pending[0]
			c.pending = c.pending[1:]
			c.event(b)
		}
		if c.closing() {
			c.refuse()
			break
		}
		if err := c.conn.flush(); err != nil {
			break
		}
		b, err := c.conn.next()
		if err != nil && !errors.Is(err, errWoken) {
			break
		}
		if err == nil && b[0] > 1 {
			c.pending = append(c.pending, b)
		}
	}
	c.end()
}

func (c *XClipboard) closing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// refuse answers the programs that wait for a paste: some would wait for ever.
func (c *XClipboard) refuse() {
	c.work()
	for _, s := range c.sends {
		if !s.begun {
			c.answer(s, false)
		}
	}
	c.sends = nil
	_ = c.conn.sync() // a display drops what it has not read when a connection ends; one that is gone needs nothing
}

// end answers all that waits.
func (c *XClipboard) end() {
	c.alarm.Stop()
	c.mu.Lock()
	c.ended = true
	todo := c.todo
	c.todo = nil
	c.mu.Unlock()
	for _, f := range todo {
		f()
	}
	for _, r := range c.reads {
		r.done(nil, errClipEnded)
	}
}

// leave leaves work to run; false says that there is too much, or an end.
func (c *XClipboard) leave(most int, f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || len(c.todo) >= most {
		return false
	}
	c.todo = append(c.todo, f)
	c.conn.Wake()
	return true
}

func (c *XClipboard) work() {
	c.mu.Lock()
	todo, next, given := c.todo, c.next, c.given
	c.todo, c.next, c.given = nil, nil, false
	c.mu.Unlock()
	for _, f := range todo {
		f()
	}
	if given {
		c.own(next)
	}
}

// Watch is Clipboard.Watch.
func (c *XClipboard) Watch(changed func(types []string)) {
	c.leave(maxClipTodo, func() {
		c.changed = changed
		if len(c.types) > 0 {
			changed(slices.Clone(c.types))
		}
	})
}

// Read is Clipboard.Read.
func (c *XClipboard) Read(mime string, done func(content []byte, err error)) {
	if !c.leave(maxClipTodo, func() { c.read(mime, done) }) {
		done(nil, errClipBusy)
	}
}

// Offer is Clipboard.Offer.
func (c *XClipboard) Offer(types []string, ask func(mime string, done func([]byte, error))) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next, c.given = nil, true
	if len(types) > 0 {
		c.next = &xoffer{slices.Clone(types), ask}
	}
	c.conn.Wake()
}

// lastWords is how long a display that does not listen delays Close.
const lastWords = time.Second

// Close ends run and waits for it. The offer goes with the connection.
func (c *XClipboard) Close() error {
	c.mu.Lock()
	c.last = true
	c.conn.Wake()
	c.mu.Unlock()
	cut := time.AfterFunc(lastWords, func() { _ = c.conn.conn.Close() }) // closed again below
	<-c.done
	cut.Stop()
	if err := c.conn.conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// event handles one of the display's.
func (c *XClipboard) event(b []byte) {
	switch b[0] & 0x7f {
	case c.xfixes.event: // SelectionNotify of XFIXES
		if le.Uint32(b[12:]) == c.atoms["CLIPBOARD"] {
			c.ownerIs(le.Uint32(b[8:]), le.Uint16(b[2:]))
		}
	case 28: // PropertyNotify
		c.property(le.Uint32(b[4:]), le.Uint32(b[8:]), b[16] == 1)
	case 30: // SelectionRequest
		c.requested(b)
	case 31: // SelectionNotify
		c.converted(le.Uint32(b[16:]), le.Uint32(b[20:]))
	}
}

// ownerIs follows the selection to another owner; at is the last of our requests
// that the display had seen then.
func (c *XClipboard) ownerIs(owner uint32, at uint16) {
	if owner == c.window || c.offer != nil && int16(at-c.claimed) < 0 {
		return
	}
	c.offer = nil
	if owner == 0 {
		c.tell(nil, nil)
		return
	}
	c.look()
}

// look asks what kinds of content the owner has.
func (c *XClipboard) look() {
	if n := len(c.reads); n > 1 && c.reads[n-1].target == c.atoms["TARGETS"] {
		return // will be asked
	}
	c.begin(&xread{target: c.atoms["TARGETS"], done: func(b []byte, err error) {
		if err == nil {
			c.found(b)
		} else if !errors.Is(err, errClipEnded) {
			c.tell(nil, nil)
		}
	}})
}

// found reads a list of targets.
func (c *XClipboard) found(b []byte) {
	has := map[uint32]bool{}
	for ; len(b) >= 4; b = b[4:] {
		has[le.Uint32(b)] = true
	}
	if has[c.atoms[clipMark]] {
		c.tell(nil, nil)
		return
	}
	var types []string
	targets := map[string]uint32{}
	for _, kind := range []struct{ mime, target string }{
		{wire.PlainText, "UTF8_STRING"}, {wire.PlainText, wire.PlainText}, {wire.PNG, wire.PNG},
		{wire.Files, uriList}, {wire.Files, copiedFiles},
	} {
		if atom := c.atoms[kind.target]; has[atom] && targets[kind.mime] == 0 {
			targets[kind.mime] = atom
			types = append(types, kind.mime)
		}
	}
	c.tell(types, targets)
}

// tell notes what another program has. It may be another content of the same
// types.
func (c *XClipboard) tell(types []string, targets map[string]uint32) {
	c.targets = targets
	if len(types) == 0 && len(c.types) == 0 {
		return
	}
	c.types = types
	c.changed(slices.Clone(types))
}

// own makes the selection ours, or gives it back.
func (c *XClipboard) own(offer *xoffer) {
	was := c.offer
	c.offer = offer
	window := c.window
	if offer == nil {
		if window = 0; was == nil {
			return
		}
	}
	c.types, c.targets = nil, nil
	c.claimed = c.conn.request(22, 0, words(window, c.atoms["CLIPBOARD"], 0)) // SetSelectionOwner
}

// expire gives up what made no progress, and sets the alarm for what may come
// to that.
func (c *XClipboard) expire() {
	now := time.Now()
	soonest := now.Add(time.Hour)
	if len(c.reads) > 0 {
		if r := c.reads[0]; now.After(r.until) {
			c.finish(nil, errClipLate)
		}
	}
	c.sends = slices.DeleteFunc(c.sends, func(s *xsend) bool { return s.begun && now.After(s.until) })
	if len(c.reads) > 0 {
		soonest = c.reads[0].until
	}
	for _, s := range c.sends {
		if s.begun && s.until.Before(soonest) {
			soonest = s.until
		}
	}
	c.alarm.Reset(time.Until(soonest) + time.Millisecond)
}
