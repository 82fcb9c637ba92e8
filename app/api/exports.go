package api

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"sync"
	"time"

	"hither/fusion"
)

// exports are the files that are ready to be fetched, by ticket. Each goes when
// its caller says so, or a while after nobody read it; they are few, as each was
// a job, and their room on disk is looked at before they are made.
type exports struct {
	mu  sync.Mutex // guards all
	all map[string]*readyFile
}

// readyFile is one of them. The exports' mu guards readers and expires.
type readyFile struct {
	fusion.Exported
	caller  Caller
	of      thing // the machine that it was made of
	readers int
	expires *time.Timer
}

const (
	// exportIdle is how long a file waits for its reader, or for one that lost its
	// connection.
	exportIdle = 10 * time.Minute
	// exportDone is how long one waits that was read to its end.
	exportDone = time.Minute
)

func (x *exports) put(caller Caller, of thing, e fusion.Exported, log *slog.Logger) (ticket string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.all == nil {
		x.all = map[string]*readyFile{}
	}
	ticket = rand.Text()
	f := &readyFile{Exported: e, caller: caller, of: of}
	f.expires = time.AfterFunc(exportIdle, func() {
		if x.take(ticket, true) == f {
			closeExport(f, log)
		}
	})
	x.all[ticket] = f
	return ticket
}

// take takes a file out of the table; idle does so only when nobody reads it.
func (x *exports) take(ticket string, idle bool) *readyFile {
	x.mu.Lock()
	defer x.mu.Unlock()
	f := x.all[ticket]
	if f == nil || idle && f.readers > 0 {
		return nil
	}
	f.expires.Stop()
	delete(x.all, ticket)
	return f
}

func closeExport(f *readyFile, log *slog.Logger) {
	if err := f.Close(); err != nil {
		log.Warn("an exported file stays", "file", f.Name(), "err", err)
	}
}

func (x *exports) closeAll(log *slog.Logger) {
	x.mu.Lock()
	all := x.all
	x.all = nil
	x.mu.Unlock()
	for _, f := range all {
		f.expires.Stop()
		closeExport(f, log)
	}
}

// of finds the caller's file. The owner's browser fetches a download without the
// bearer, as a link carries no header: there the ticket alone is the proof.
func (x *exports) of(caller Caller, ticket string, reading bool) (*readyFile, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f := x.all[ticket]
	if f == nil || f.caller != caller && !(f.caller.Owner && caller.Anonymous) {
		return nil, &fusion.Error{Op: "machine.export", Cause: fusion.ErrNotFound, Detail: "the file is gone", Hint: "export it again"}
	}
	if reading {
		f.readers++
		f.expires.Stop()
	}
	return f, nil
}

// left notes that a reader has gone.
func (x *exports) left(f *readyFile, whole bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if f.readers--; f.readers > 0 {
		return
	}
	if whole {
		f.expires.Reset(exportDone)
	} else {
		f.expires.Reset(exportIdle)
	}
}

// collect admits whoever comes with a ticket: the owner's browser shows nothing else, and
// another computer must still have what it exported the machine with.
func (s *Server) collect(r *http.Request, reading bool) (*call, *readyFile, error) {
	caller := callerOf(r.Context())
	f, err := s.ready.of(caller, r.PathValue("ticket"), false)
	if caller.Anonymous && reading {
		if err != nil {
			return nil, nil, err
		}
		r = r.WithContext(withCaller(r.Context(), f.caller))
	}
	var of any = thing{part: true} // who may collect nothing is told that first
	if err == nil {
		of = f.of
	}
	c, refused := s.beginPath(r, ticketPath, of)
	if refused != nil {
		return nil, nil, refused
	}
	if err == nil && reading {
		f, err = s.ready.of(caller, r.PathValue("ticket"), true)
	}
	if err != nil {
		return nil, nil, c.end(err)
	}
	return c, f, nil
}

// sendExport streams a file that is ready, from where the caller wants it (RFC 9110,
// section 14).
func (s *Server) sendExport(w http.ResponseWriter, r *http.Request) {
	c, f, err := s.collect(r, true)
	if err != nil {
		writeError(w, err)
		return
	}
	body := &exportReader{ctx: c.ctx, of: f}
	defer func() {
		s.ready.left(f, body.ended)
		_ = c.end(body.err) // it is told below
		if err := body.close(); err != nil {
			s.log.Debug("an exported file", "file", f.Name(), "err", err)
		}
	}()
	h := w.Header()
	h.Set("Content-Type", "application/x-tar")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name()}))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(c.answer(w), r, "", time.Time{}, body)
	if body.err != nil {
		s.log.Warn("an exported file could not be read", "file", f.Name(), "err", body.err)
		panic(http.ErrAbortHandler) // the receiver must not take it for whole
	}
}

func (s *Server) dropExport(w http.ResponseWriter, r *http.Request) {
	c, _, err := s.collect(r, false)
	if err != nil {
		writeError(w, err)
		return
	}
	if f := s.ready.take(r.PathValue("ticket"), false); f != nil {
		closeExport(f, s.log)
	}
	_ = c.end(nil)
	w.WriteHeader(http.StatusNoContent)
}

// exportReader reads an Exported where http.ServeContent seeks.
type exportReader struct {
	ctx   context.Context
	of    fusion.Exported
	at    int64
	open  io.ReadCloser // at at, or nil
	err   error         // why it could not be read
	ended bool          // it was read to its end
}

func (e *exportReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += e.at
	case io.SeekEnd:
		offset += e.of.Size()
	}
	if offset < 0 {
		return e.at, errors.New("before the beginning")
	}
	if offset != e.at {
		if err := e.close(); err != nil {
			return e.at, err
		}
		e.at = offset
	}
	return e.at, nil
}

func (e *exportReader) Read(p []byte) (n int, err error) {
	if e.at >= e.of.Size() {
		return 0, io.EOF
	}
	if e.open == nil {
		if e.open, e.err = e.of.Open(e.ctx, e.at); e.err != nil {
			return 0, e.err
		}
	}
	n, err = e.open.Read(p)
	e.at += int64(n)
	e.ended = e.at >= e.of.Size()
	switch {
	case e.ended:
		return n, nil
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	e.err = err
	return n, err
}

func (e *exportReader) close() error {
	open := e.open
	e.open = nil
	if open == nil {
		return nil
	}
	return open.Close()
}
