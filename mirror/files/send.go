package files

import (
	"errors"
	"io"
	"io/fs"
	"time"

	"hither/fusion"
	"hither/mirror/wire"
)

// sending is a transfer to the other side. Exchange.mu guards it.
type sending struct {
	parcel *parcel
	flow   flow
	queue  []wire.Message // to be sent
	kept   bool           // the other side has all of it
	where  string
	err    error // why it ends early
	mute   bool  // the other side is not told
	alarm  *time.Timer
	progress
}

// Offer looks at files that were copied here, and gives a ticket for them, which
// is good until the next one.
func (e *Exchange) Offer(paths []string, done func(ticket []byte, err error)) {
	e.pack(paths, func(p *parcel, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		done(p.ticket.Append(nil), nil)
	})
}

// Drop offers files that the person dropped onto the view; the other side takes
// them or says why not.
func (e *Exchange) Drop(paths []string) {
	e.pack(paths, func(p *parcel, err error) {
		if err != nil {
			e.cfg.Tell(Moving{Drop: true, Over: true, Err: err})
			return
		}
		e.mu.Lock()
		p.drop = true
		e.tells(wire.FileDrop{FileTicket: p.ticket})
		e.mu.Unlock()
		e.wake()
	})
}

// pack looks at files on a goroutine, and makes them those that may be taken.
func (e *Exchange) pack(paths []string, done func(*parcel, error)) {
	e.mu.Lock()
	stop := e.stop
	if e.closed || e.packing {
		e.mu.Unlock()
		done(nil, errBusy)
		return
	}
	e.packing = true
	e.running.Go(func() {
		p, err := pack(paths, stop)
		e.mu.Lock()
		e.packing = false
		if err == nil && stop != e.stop {
			err = errStopped
		}
		if err == nil {
			e.serial++
			p.ticket.ID = e.serial
			e.ready = p
		}
		e.mu.Unlock()
		done(p, err)
	})
	e.mu.Unlock()
}

// taken begins to send. It needs mu.
func (e *Exchange) taken(id uint32) {
	p := e.ready
	switch {
	case e.closed:
		return
	case p == nil || p.ticket.ID != id:
		e.broken(id, errGone)
		return
	case e.out != nil:
		e.broken(id, errBusy)
		return
	}
	out := &sending{parcel: p, flow: newFlow(), progress: progress{begun: time.Now()}}
	e.ready, e.out = nil, out
	out.alarm = e.alarm(out.end)
	e.running.Go(func() { e.send(out) })
}

func (e *Exchange) broken(id uint32, err error) {
	reason, text := reasonOf(err)
	e.tells(wire.FileNews{From: e.side, ID: id, Word: wire.FilesBroken, Reason: reason, Text: text})
}

// end makes the transfer end; the first reason counts. It needs mu.
func (s *sending) end(e *Exchange, err error) {
	if s.err == nil && !s.kept {
		s.err = err
		s.queue = nil
	}
	e.changed.Broadcast()
}

// send is the goroutine of a transfer.
func (e *Exchange) send(out *sending) {
	err := e.sendAll(out)
	out.alarm.Stop()
	e.mu.Lock()
	if e.out == out {
		e.out = nil
	}
	if err != nil && !out.mute {
		e.broken(out.parcel.ticket.ID, err)
	}
	e.mu.Unlock()
	e.wake()
	told := out.moving()
	told.Over, told.Err, told.Where, told.Left = true, err, out.where, out.parcel.left
	e.cfg.Tell(told)
}

func (e *Exchange) sendAll(out *sending) error {
	for _, entry := range out.parcel.entries {
		if err := e.sendEntry(out, entry); err != nil {
			return err
		}
	}
	return e.conclude(out)
}

// conclude says that all was sent and waits until the other side has it.
func (e *Exchange) conclude(out *sending) error {
	e.mu.Lock()
	if out.err == nil {
		out.queue = append(out.queue, wire.FileNews{From: e.side, ID: out.parcel.ticket.ID, Word: wire.FilesSent})
	}
	e.mu.Unlock()
	e.wake()
	e.mu.Lock()
	defer e.mu.Unlock()
	for out.err == nil && !out.kept {
		e.changed.Wait()
	}
	return out.err
}

func (e *Exchange) sendEntry(out *sending, entry parcelEntry) error {
	id := out.parcel.ticket.ID
	if entry.dir {
		m := wire.FileEntry{From: e.side, ID: id, Dir: true, Path: entry.name}
		return e.push(out, m, m.Cost())
	}
	file, err := entry.open()
	if err != nil {
		return sendError(entry, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return sendError(entry, err)
	}
	m := wire.FileEntry{From: e.side, ID: id, Size: uint64(info.Size()), Path: entry.name}
	if err := e.push(out, m, m.Cost()); err != nil {
		return err
	}
	for rest := info.Size(); rest > 0; {
		b := make([]byte, min(rest, wire.MaxFilePiece))
		if _, err := io.ReadFull(file, b); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = changed(entry)
			}
			return sendError(entry, err)
		}
		piece := wire.FilePiece{From: e.side, ID: id, Bytes: b}
		if err := e.push(out, piece, piece.Cost()); err != nil {
			return err
		}
		rest -= int64(len(b))
	}
	return nil
}

// sendError says which file could not be read.
func sendError(entry parcelEntry, err error) error {
	var known *fusion.Error
	if errors.As(err, &known) {
		return err
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return &fusion.Error{Op: "files", Path: entry.name, Cause: err, Detail: err.Error()}
}

// push leaves a message to be sent, after waiting while too much is under way.
func (e *Exchange) push(out *sending, m wire.Message, cost int) error {
	e.mu.Lock()
	for out.err == nil && (!out.flow.open() || len(out.queue) >= maxQueue) {
		e.changed.Wait()
	}
	if out.err == nil {
		out.queue = append(out.queue, m)
		out.flow.send(cost, time.Now())
	}
	err := out.err
	due, now := out.due(time.Now()), out.moving()
	e.mu.Unlock()
	e.wake()
	if due && err == nil {
		e.cfg.Tell(now)
	}
	return err
}

func (s *sending) moving() Moving {
	t := s.parcel.ticket
	return Moving{Drop: s.parcel.drop, Files: int(t.Files), Bytes: min(s.flow.got, t.Bytes), Total: t.Bytes}
}

// answered takes what the other side says of what we send. It needs mu.
func (e *Exchange) answered(m wire.FileNews) {
	if p := e.ready; p != nil && p.drop && p.ticket.ID == m.ID && m.Word == wire.FilesStop { // a drop that is not taken
		e.ready = nil
		told := Moving{Drop: true, Files: int(p.ticket.Files), Total: p.ticket.Bytes, Over: true, Err: theirError(m)}
		e.running.Go(func() { e.cfg.Tell(told) }) // without mu
		return
	}
	out := e.out
	if out == nil || out.parcel.ticket.ID != m.ID {
		return
	}
	switch m.Word {
	case wire.FilesGot:
		if !out.flow.answer(m.Count, time.Now()) {
			out.end(e, badEntry("", "more arrived than was sent"))
			return
		}
		out.alarm.Reset(e.cfg.Stall)
	case wire.FilesKept:
		out.kept, out.where = out.err == nil, m.Text
	case wire.FilesStop:
		out.mute = true
		out.end(e, theirError(m))
	}
	e.changed.Broadcast()
}
