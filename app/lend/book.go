package lend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"hither/fusion"
	"hither/internal/wholefile"
)

// Config says where a Book is kept and how hosts are reached. All but Log is required.
type Config struct {
	Dir string
	// Host gives a host's files and its present name.
	Host func(id fusion.HostID) (fusion.Handover, string, error)
	// Log: nil is silent.
	Log *slog.Logger
}

// Book follows the lent files, with one goroutine for each, which ends when the
// app has ended and all it saved is here. Close ends them and waits.
type Book struct {
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex // guards the fields below, and the loans
	loans map[string]*following
}

// following is a loan and who wants to hear of it.
type following struct {
	*Loan
	cancel context.CancelFunc
	notes  chan<- Note // never waited for
	done   chan struct{}
}

// Open takes up the loans of the last node.
func Open(cfg Config) (*Book, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	b := &Book{cfg: cfg, loans: map[string]*following{}}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	data, err := os.ReadFile(b.path())
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	var loans []*Loan
	if err == nil {
		err = json.Unmarshal(data, &loans)
	}
	if err != nil {
		return nil, fmt.Errorf("lent files: %w", err)
	}
	return b, b.begin(loans, nil, nil)
}

func (b *Book) path() string { return filepath.Join(b.cfg.Dir, "lent.json") }

// Close leaves the loans for the next node.
func (b *Book) Close() error {
	b.cancel()
	b.wg.Wait()
	return nil
}

// Begin follows loans whose app runs, and tells what happens to them until all
// are back or ctx ends; following goes on then.
func (b *Book) Begin(ctx context.Context, loans []*Loan, tell func(Note)) error {
	notes := make(chan Note, 64)
	done := make(chan struct{}, len(loans))
	if err := b.begin(loans, notes, done); err != nil {
		return err
	}
	for left := len(loans); left > 0; {
		select {
		case note := <-notes:
			tell(note)
		case <-done:
			left--
		case <-ctx.Done():
			return ctx.Err()
		case <-b.ctx.Done():
			return &fusion.Error{Op: "app.open", Cause: fusion.ErrOffline, Detail: "the node is stopping"}
		}
	}
	for len(notes) > 0 { // what was told before the last one ended
		tell(<-notes)
	}
	return nil
}

func (b *Book) begin(loans []*Loan, notes chan<- Note, done chan struct{}) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range loans {
		f := &following{Loan: l, notes: notes, done: done}
		var ctx context.Context
		ctx, f.cancel = context.WithCancel(b.ctx)
		b.loans[l.File] = f
		b.wg.Go(func() { b.follow(ctx, f) })
	}
	return b.keep()
}

// note writes down what a loan is now. If that fails, it is what it was.
func (b *Book) note(f *following, l Loan) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := *f.Loan
	*f.Loan = l
	err := b.keep()
	if err != nil {
		*f.Loan = was
	}
	return err
}

// keep writes the loans down; the caller holds mu.
func (b *Book) keep() error {
	loans := make([]*Loan, 0, len(b.loans))
	for _, f := range b.loans {
		loans = append(loans, f.Loan)
	}
	data, err := json.MarshalIndent(loans, "", "  ")
	if err != nil {
		return err
	}
	return wholefile.Write(b.path(), data)
}

// Return drops copies whose app did not start.
func Return(ctx context.Context, from fusion.Handover, loans []*Loan) error {
	var failed error
	for _, l := range loans {
		if err := from.Drop(ctx, l.File); err != nil && !errors.Is(err, fusion.ErrNotFound) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// Forget ends the loans of a host that is unpaired.
func (b *Book) Forget(host fusion.HostID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, f := range b.loans {
		if f.Host == host {
			f.cancel()
			delete(b.loans, name)
		}
	}
	return b.keep()
}

// Pauses between tries for a host that is away, or a file that cannot be written.
const (
	firstPause = 500 * time.Millisecond
	lastPause  = 30 * time.Second
)

// follow writes back each version of one file, until its app has ended.
func (b *Book) follow(ctx context.Context, f *following) {
	defer func() {
		if f.done != nil {
			f.done <- struct{}{} // it has room for each loan
		}
	}()
	pause := firstPause
	said := ""
	for ctx.Err() == nil {
		err := b.once(ctx, f)
		switch {
		case err == nil:
			pause, said = firstPause, ""
			continue
		case ctx.Err() != nil:
			return
		case errors.Is(err, fusion.ErrNotFound):
			b.finish(f)
			return
		}
		if failed := new(saveError); errors.As(err, failed) && failed.text() != said {
			said = failed.text()
			b.cfg.Log.Warn("a lent file waits to be written back", "file", f.Path, "err", err)
			f.tell(Note{File: f.Path, What: "waits", Error: said})
		}
		b.cfg.Log.Debug("a lent file is tried again", "file", f.Path, "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

// finish takes a loan out of the books.
func (b *Book) finish(f *following) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.loans[f.File] != f {
		return
	}
	f.cancel()
	delete(b.loans, f.File)
	if err := b.keep(); err != nil {
		b.cfg.Log.Error("the list of lent files was not written", "err", err)
	}
}

// tell drops a note that nobody waits for.
func (f *following) tell(n Note) {
	select {
	case f.notes <- n:
	default:
	}
}

// saveError says that a version is whole and cannot be written here.
type saveError struct{ error }

func (e saveError) Unwrap() error { return e.error }

func (e saveError) text() string {
	if errors.Is(e, syscall.ENOSPC) || errors.Is(e, syscall.EDQUOT) {
		return e.Error() + "; free some space, it is tried again"
	}
	return e.Error() + "; it is tried again"
}

// once takes one version and saves it.
func (b *Book) once(ctx context.Context, f *following) error {
	host, name, err := b.cfg.Host(f.Host)
	if err != nil {
		return err
	}
	taken, err := host.Take(ctx, f.File, f.Version)
	if err != nil {
		return err
	}
	defer taken.Close()
	l, from := *f.Loan, &source{r: taken} // only this goroutine changes the loan
	if err := l.save(from, name, time.Now(), func() error { return b.note(f, l) }); err != nil {
		if from.err != nil {
			return from.err // void, or the host went away
		}
		return saveError{err}
	}
	l.Version = taken.Version
	b.mu.Lock()
	*f.Loan = l
	err = b.keep()
	b.mu.Unlock()
	what := "saved"
	if l.Kept {
		what = "kept"
	}
	b.cfg.Log.Info("a lent file was written back", "file", f.Path, "to", l.Target)
	f.tell(Note{File: f.Path, What: what, Path: l.Target})
	if err != nil { // the version comes once more after a restart
		b.cfg.Log.Error("the list of lent files was not written", "err", err)
	}
	return nil
}
