package files

import (
	"cmp"
	"sync"
	"time"

	"hither/fusion"
	"hither/mirror/wire"
)

const (
	// stall is how long a transfer may make no progress.
	stall = time.Minute
	// moment is how long a transfer may take until it is told of, and tellEvery
	// how often it is told of from then on.
	moment    = time.Second
	tellEvery = 500 * time.Millisecond
	// maxSay bounds what waits to be said beside pieces.
	maxSay = 64
	// maxQueue bounds the messages with pieces that wait to be sent.
	maxQueue = 8
)

// Moving is how a transfer stands.
type Moving struct {
	Here  bool // the files come to this side
	Drop  bool // they were dropped, else pasted
	Files int
	Bytes uint64 // so far
	Total uint64
	Over  bool
	// Once it is over: why it failed, where the files are, on the side that
	// has them, and how many links and special files were not sent.
	Err   error
	Where string
	Left  int
}

// Config of an Exchange; its functions are called without locks, from any
// goroutine.
type Config struct {
	// Notify is called when Next has something to say that did not come out of
	// a Take.
	Notify func()
	// Tell, if any, is told of transfers that take more than a moment, and of
	// the end of each.
	Tell func(Moving)
	// Pasted is where files go that are pasted here; nil takes none.
	Pasted Place
	// Dropped is where files go that are dropped onto the view; nil takes none,
	// and NoDrop says why not.
	Dropped Place
	NoDrop  error
	// Landed is called with what was dropped, once it is there, and gives what
	// the other side is told of where that is.
	Landed func(paths []string) (where string)
	// Stall is the default of the constant.
	Stall time.Duration
}

// Exchange is one side's half of a view's files. It is safe for concurrent use.
type Exchange struct {
	side    wire.Side
	cfg     Config
	running sync.WaitGroup

	mu      sync.Mutex // guards the fields below, and those of out and in
	changed *sync.Cond // something of out or in did
	closed  bool
	stop    chan struct{} // closed when what is being packed is not wanted any more
	packing bool
	serial  uint32  // of our tickets
	ready   *parcel // our newest ticket, until it is taken
	out     *sending
	in      *receiving
	say     []wire.Message
}

// New makes the exchange of a side.
func New(side wire.Side, cfg Config) *Exchange {
	if cfg.Tell == nil {
		cfg.Tell = func(Moving) {}
	}
	cfg.Stall = cmp.Or(cfg.Stall, stall)
	e := &Exchange{side: side, cfg: cfg, stop: make(chan struct{})}
	e.changed = sync.NewCond(&e.mu)
	return e
}

// Take handles a message of the other side; others than those of files are none
// of its business.
func (e *Exchange) Take(m wire.Message) {
	e.mu.Lock()
	switch m := m.(type) {
	case wire.FileDrop:
		e.dropped(m)
	case wire.FileTake:
		e.taken(m.ID)
	case wire.FileEntry:
		e.came(m.ID, m, m.Cost())
	case wire.FilePiece:
		m.Bytes = append([]byte(nil), m.Bytes...) // the message's memory is used again
		e.came(m.ID, m, m.Cost())
	case wire.FileNews:
		e.news(m)
	}
	e.mu.Unlock()
}

// news needs mu.
func (e *Exchange) news(m wire.FileNews) {
	switch m.Word {
	case wire.FilesSent, wire.FilesBroken:
		if in := e.in; in != nil && in.ticket.ID == m.ID {
			if in.sent = true; m.Word == wire.FilesBroken {
				in.end(e, theirError(m))
			}
			e.changed.Broadcast()
		}
	case wire.FilesGot, wire.FilesKept, wire.FilesStop:
		e.answered(m)
	}
}

// Next gives the next message for the other side, or nil. Its bytes may be read
// until Next is called again.
func (e *Exchange) Next() wire.Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.say) > 0 {
		m := e.say[0]
		e.say = e.say[1:]
		return m
	}
	if in := e.in; in != nil && in.due {
		in.due, in.told = false, in.got
		return wire.FileNews{From: e.side, ID: in.ticket.ID, Word: wire.FilesGot, Count: in.got}
	}
	if out := e.out; out != nil && len(out.queue) > 0 {
		m := out.queue[0]
		out.queue = out.queue[1:]
		e.changed.Broadcast()
		return m
	}
	return nil
}

// tells leaves something to be said; one that says too much at once is hostile
// and does not hear all answers. It needs mu.
func (e *Exchange) tells(m wire.Message) {
	if len(e.say) < maxSay {
		e.say = append(e.say, m)
	}
}

// Cancel ends what is under way, as the person wishes; false says that nothing
// was.
func (e *Exchange) Cancel() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	is := e.out != nil || e.in != nil
	e.end(errCancelled, true)
	return is
}

// Restart begins anew with another half on the other side.
func (e *Exchange) Restart() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.end(errLost, false)
	e.say = nil
}

// Close ends what is under way and waits until nothing runs.
func (e *Exchange) Close() {
	e.mu.Lock()
	e.closed = true
	e.end(errLost, false)
	e.say = nil
	e.mu.Unlock()
	e.running.Wait()
}

// end ends both directions. It needs mu.
func (e *Exchange) end(err error, say bool) {
	close(e.stop)
	e.stop = make(chan struct{})
	e.ready = nil
	if out := e.out; out != nil {
		out.end(e, err)
		out.mute = !say
	}
	if in := e.in; in != nil {
		in.end(e, err)
		in.mute = !say
	}
	e.out, e.in = nil, nil
}

func (e *Exchange) wake() { e.cfg.Notify() }

// progress is when a transfer was told of.
type progress struct{ begun, told time.Time }

// due says whether it is to be told of now.
func (p *progress) due(now time.Time) bool {
	if now.Sub(p.begun) < moment || now.Sub(p.told) < tellEvery {
		return false
	}
	p.told = now
	return true
}

// alarm ends a transfer that stands still. Its user resets it with progress.
func (e *Exchange) alarm(end func(*Exchange, error)) *time.Timer {
	return time.AfterFunc(e.cfg.Stall, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		end(e, errStalled)
	})
}

var (
	errCancelled = &fusion.Error{Op: "files", Cause: errStop, Detail: "it was cancelled"}
	errLost      = &fusion.Error{Op: "files", Cause: fusion.ErrOffline, Detail: "the view ended before the files were there", Hint: "copy or drop them again"}
	errStalled   = &fusion.Error{Op: "files", Cause: fusion.ErrOffline, Detail: "nothing came for a minute", Hint: "copy or drop them again"}
	errBusy      = &fusion.Error{Op: "files", Cause: fusion.ErrBusy, Detail: "other files are on their way", Hint: "wait for them, or cancel them"}
	errGone      = &fusion.Error{Op: "files", Cause: fusion.ErrNotFound, Detail: "the files were not copied any more", Hint: "copy them again"}
	errNowhere   = &fusion.Error{Op: "files", Cause: fusion.ErrUnsupported, Detail: "this side takes no files"}
)
