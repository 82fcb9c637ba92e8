package clip

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hither/mirror/wire"
)

const (
	// Patience is how long a paste waits for the next piece of its content.
	Patience = 5 * time.Second
	// whole is how long all of it may take.
	whole = 2 * time.Minute
	// maxQuestions bounds the pastes that wait.
	maxQuestions = 4
)

var (
	errGone    = errors.New("the clipboard has something else now")
	errRefused = errors.New("the other side did not give what its clipboard has")
	errSilent  = errors.New("the other side did not answer in time")
	errBusy    = errors.New("too many pastes at once")
	errLarge   = errors.New("more than 32 MiB")
)

// Done takes what was pasted, or why not. It is called once.
type Done = func(content []byte, err error)

// Board is a clipboard of this computer. Its methods do not wait.
type Board interface {
	// Read gives what another program put into the clipboard.
	Read(mime string, done Done)
	// Offer makes the clipboard hold these types; ask is called, from any
	// goroutine, when a program pastes one. No types take an offer back.
	Offer(types []string, ask func(mime string, done Done))
}

// Config of an Exchange; its functions are called without locks, from any
// goroutine.
type Config struct {
	// Notify is called when Next has something to say that did not come out of
	// a call of its user.
	Notify func()
	// Moved, if any, is told of content that was pasted: here, or there.
	Moved func(here bool, mime string, bytes int)
	// Display tells the display of the board from others. A view of the very
	// display that it is on carries nothing: taking the clipboard over would
	// take it from who has the content.
	Display string
	// Patience is the default of the constant.
	Patience time.Duration
}

// Exchange is one side of a view's clipboards. It is safe for concurrent use.
type Exchange struct {
	side  wire.Side
	board Board
	cfg   Config

	mu      sync.Mutex // guards the fields below
	allowed bool
	closed  bool

	serial uint32 // of our newest offer
	types  []string
	untold bool
	told   uint32 // serial of the newest that they were told of
	out    *answer

	theirs  uint32
	offered []string
	held    bool // offered is to be taken over once allowed
	silent  bool // they did not answer about this offer: nobody waits again
	asked   []*question
}

// New makes the exchange of a side.
func New(side wire.Side, board Board, cfg Config) *Exchange {
	if cfg.Patience == 0 {
		cfg.Patience = Patience
	}
	return &Exchange{side: side, board: board, cfg: cfg}
}

// Have notes what types another program put into our clipboard.
func (e *Exchange) Have(types []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(types) == 0 && len(e.types) == 0 {
		return
	}
	e.have(types)
	e.untold = true
}

// have needs mu.
func (e *Exchange) have(types []string) {
	e.serial++
	e.types, e.out, e.untold = slices.Clone(types), nil, false
}

// Allow says whether the person is in this view.
func (e *Exchange) Allow(yes bool) {
	e.mu.Lock()
	e.allowed = yes
	do := e.takeOver()
	e.mu.Unlock()
	do()
}

// takeOver gives what is to be done without mu to make their offer ours.
func (e *Exchange) takeOver() func() {
	if !e.held || !e.allowed || e.closed {
		return func() {}
	}
	e.held = false
	e.have(nil)
	types, serial := slices.Clone(e.offered), e.theirs
	return func() {
		e.board.Offer(types, func(mime string, done Done) { e.ask(serial, mime, done) })
	}
}

// Take handles a message of the other side; others than those of the clipboard
// are none of its business.
func (e *Exchange) Take(m wire.Message) {
	var do func()
	e.mu.Lock()
	switch m := m.(type) {
	case wire.ClipOffer:
		do = e.takeOffer(m)
	case wire.ClipWant:
		do = e.takeWant(m)
	case wire.ClipData:
		do = e.takeData(m)
	}
	e.mu.Unlock()
	if do != nil {
		do()
	}
}

// mark is the type by which an offer tells what display it comes from.
func (e *Exchange) mark() string { return "application/x-hither-display;id=" + e.cfg.Display }

// seenMark begins the type by which an offer tells which of the other side's was
// seen before.
const seenMark = "application/x-hither-seen;serial="

// crossed says whether their offer was made before they saw ours.
func (e *Exchange) crossed(types []string) bool {
	if len(e.types) == 0 || e.untold || e.told != e.serial {
		return false
	}
	for _, mime := range types {
		if seen, is := strings.CutPrefix(mime, seenMark); is {
			return seen != strconv.FormatUint(uint64(e.told), 10)
		}
	}
	return false
}

// takeOffer needs mu. Of two offers that cross, both sides take the viewer's:
// else each would have what the other gave away.
func (e *Exchange) takeOffer(m wire.ClipOffer) func() {
	if slices.Contains(m.Types, e.mark()) {
		return nil
	}
	if e.side == wire.ViewerSide && e.crossed(m.Types) {
		e.theirs, e.offered, e.held = m.Serial, nil, false
		return e.fail(errGone)
	}
	failed := e.fail(errGone)
	e.theirs, e.offered, e.silent, e.held = m.Serial, known(m.Types), false, true
	taken := e.takeOver()
	return func() { failed(); taken() }
}

// known are those of the types that are carried.
func known(types []string) (all []string) {
	for _, mime := range []string{wire.PlainText, wire.PNG, wire.Files} {
		if slices.Contains(types, mime) {
			all = append(all, mime)
		}
	}
	return all
}

// Next gives the next message for the other side, or nil. Its bytes may be read
// until Next is called again.
func (e *Exchange) Next() wire.Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return nil
	case e.untold && e.allowed:
		e.untold, e.told = false, e.serial
		seen := seenMark + strconv.FormatUint(uint64(e.theirs), 10)
		return wire.ClipOffer{From: e.side, Serial: e.serial, Types: append(slices.Clone(e.types), e.mark(), seen)}
	case len(e.asked) > 0 && !e.asked[0].sent:
		return e.want(e.asked[0])
	case e.out != nil && e.out.ready:
		return e.piece()
	}
	return nil
}

// Restart begins anew with another half on the other side.
func (e *Exchange) Restart() {
	e.mu.Lock()
	failed := e.fail(errGone)
	had := e.offered != nil
	e.theirs, e.told, e.offered, e.held, e.out = 0, 0, nil, false, nil
	e.untold = len(e.types) > 0
	e.mu.Unlock()
	failed()
	if had {
		e.board.Offer(nil, nil)
	}
}

// Close ends what is under way.
func (e *Exchange) Close() {
	e.mu.Lock()
	e.closed, e.out = true, nil
	failed := e.fail(errGone)
	e.mu.Unlock()
	failed()
}
