package files

import (
	"os"
	"slices"
	"sync"
	"time"

	"hither/fusion"
	"hither/mirror/clip"
	"hither/mirror/wire"
)

// pastePatience is how long a program waits for files that it pastes; GTK's give
// up after half a minute. Those that take longer are here for the next paste.
const pastePatience = 25 * time.Second

var errLater = &fusion.Error{Op: "files", Cause: fusion.ErrBusy, Detail: "the files are still on their way", Hint: "paste them again once they are there"}

// Board is a clipboard whose files are on this computer while the other side
// knows them by tickets: what it gives of wire.Files is a ticket, and what a
// program here pastes is a list of files that were fetched.
type Board struct {
	clip.Board
	exchange *Exchange
}

var _ clip.Board = (*Board)(nil)

// NewBoard makes the board of a view that an exchange carries the files of. On
// the clipboard itself wire.Files is a list as Paths reads it.
func NewBoard(board clip.Board, exchange *Exchange) *Board { return &Board{board, exchange} }

// Read is clip.Board.Read.
func (b *Board) Read(mime string, done clip.Done) {
	if mime != wire.Files {
		b.Board.Read(mime, done)
		return
	}
	b.Board.Read(mime, func(list []byte, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		b.exchange.Offer(Paths(list), done)
	})
}

// Offer is clip.Board.Offer.
func (b *Board) Offer(types []string, ask func(mime string, done clip.Done)) {
	if b.exchange.cfg.Pasted == nil {
		types = slices.DeleteFunc(slices.Clone(types), func(mime string) bool { return mime == wire.Files })
	}
	if !slices.Contains(types, wire.Files) {
		b.Board.Offer(types, ask)
		return
	}
	p := &paste{exchange: b.exchange, ask: func(done clip.Done) { ask(wire.Files, done) }}
	b.Board.Offer(types, func(mime string, done clip.Done) {
		if mime == wire.Files {
			p.paste(done)
		} else {
			ask(mime, done)
		}
	})
}

// paste is what programs here paste of one offer of files: they are fetched
// once.
type paste struct {
	exchange *Exchange
	ask      func(done clip.Done) // for a ticket

	mu       sync.Mutex // guards the fields below
	fetching bool
	paths    []string
	waiting  []*waiter
}

// waiter is a program that waits for files.
type waiter struct {
	done  clip.Done
	timer *time.Timer
}

func (p *paste) paste(done clip.Done) {
	p.mu.Lock()
	if here(p.paths) {
		list := URIs(p.paths)
		p.mu.Unlock()
		done(list, nil)
		return
	}
	w := &waiter{done: done}
	w.timer = time.AfterFunc(pastePatience, func() { p.leave(w) })
	p.waiting = append(p.waiting, w)
	first := !p.fetching
	p.fetching = true
	p.mu.Unlock()
	if first {
		p.ask(p.fetch)
	}
}

// here says whether files that were fetched are still there.
func here(paths []string) bool {
	for _, path := range paths {
		if _, err := os.Lstat(path); err != nil {
			return false
		}
	}
	return len(paths) > 0
}

// leave gives up waiting.
func (p *paste) leave(w *waiter) {
	p.mu.Lock()
	i := slices.Index(p.waiting, w)
	if i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	p.mu.Unlock()
	if i >= 0 {
		w.done(nil, errLater)
	}
}

func (p *paste) fetch(ticket []byte, err error) {
	var t wire.FileTicket
	if err == nil {
		t, err = wire.ParseFileTicket(ticket)
	}
	if err != nil {
		p.fetched(nil, err)
		return
	}
	p.exchange.Fetch(t, p.fetched)
}

func (p *paste) fetched(paths []string, err error) {
	p.mu.Lock()
	all := p.waiting
	p.waiting, p.fetching, p.paths = nil, false, paths
	p.mu.Unlock()
	list := URIs(paths)
	for _, w := range all {
		w.timer.Stop()
		w.done(list, err)
	}
}
