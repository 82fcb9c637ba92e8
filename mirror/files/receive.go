package files

import (
	"time"

	"hither/fusion"
	"hither/mirror/wire"
)

// receiving is a transfer from the other side. Exchange.mu guards it, but the
// intake is its goroutine's.
type receiving struct {
	ticket wire.FileTicket
	drop   bool // else pasted
	place  Place
	done   func(paths []string, err error) // called once

	queue     []wire.Message // to be written
	queued    int            // what they count
	got, told uint64
	due       bool // the other side is to be told what we got
	sent      bool // the other side has sent all
	err       error
	mute      bool
	alarm     *time.Timer
	progress
}

// Fetch takes the files of the other side's ticket, and gives the paths of what
// the person copied there once all is here.
func (e *Exchange) Fetch(ticket wire.FileTicket, done func(paths []string, err error)) {
	e.mu.Lock()
	err := e.begin(&receiving{ticket: ticket, place: e.cfg.Pasted, done: done})
	e.mu.Unlock()
	if err != nil {
		done(nil, err)
	}
}

// dropped takes files that were dropped onto this side. It needs mu.
func (e *Exchange) dropped(m wire.FileDrop) {
	in := &receiving{ticket: m.FileTicket, drop: true, place: e.cfg.Dropped, done: func([]string, error) {}}
	err := e.begin(in)
	if in.place == nil && e.cfg.NoDrop != nil {
		err = e.cfg.NoDrop
	}
	if err != nil {
		e.refuse(m.ID, err)
	}
}

func (e *Exchange) refuse(id uint32, err error) {
	reason, text := reasonOf(err)
	e.tells(wire.FileNews{From: e.side, ID: id, Word: wire.FilesStop, Reason: reason, Text: text})
}

// begin needs mu.
func (e *Exchange) begin(in *receiving) error {
	switch {
	case e.closed:
		return errLost
	case in.place == nil:
		return errNowhere
	case e.in != nil:
		return errBusy
	case in.ticket.Files > maxEntries:
		return tooMany()
	}
	in.begun = time.Now()
	e.in = in
	in.alarm = e.alarm(in.end)
	e.running.Go(func() { e.receive(in) })
	return nil
}

// end makes the transfer end; the first reason counts. It needs mu.
func (r *receiving) end(e *Exchange, err error) {
	if r.err == nil {
		r.err = err
		r.queue, r.queued = nil, 0
	}
	e.changed.Broadcast()
}

// came takes an entry or a piece. It needs mu.
func (e *Exchange) came(id uint32, m wire.Message, cost int) {
	in := e.in
	if in == nil || in.ticket.ID != id || in.err != nil {
		return // of a transfer that ended
	}
	if in.queued += cost; in.queued > 2*maxFlow || in.sent {
		in.end(e, badEntry("", "more came than was asked for"))
		return
	}
	in.queue = append(in.queue, m)
	in.alarm.Reset(e.cfg.Stall)
	e.changed.Broadcast()
}

// receive is the goroutine of a transfer.
func (e *Exchange) receive(in *receiving) {
	paths, err := e.receiveAll(in)
	in.alarm.Stop()
	where := ""
	if err == nil && in.drop && e.cfg.Landed != nil {
		where = e.cfg.Landed(paths)
	}
	e.mu.Lock()
	if e.in == in {
		e.in = nil
	}
	switch {
	case in.mute:
	case err != nil:
		e.refuse(in.ticket.ID, err)
	default:
		e.tells(wire.FileNews{From: e.side, ID: in.ticket.ID, Word: wire.FilesKept, Count: in.got, Text: where})
	}
	e.mu.Unlock()
	e.wake()
	in.done(paths, err)
	told := in.moving()
	told.Over, told.Err, told.Where = true, err, where
	e.cfg.Tell(told)
}

func (e *Exchange) receiveAll(in *receiving) (paths []string, err error) {
	intake, err := in.place.Begin(int(in.ticket.Files), in.ticket.Bytes)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	if in.err == nil {
		e.tells(wire.FileTake{From: e.side, ID: in.ticket.ID})
	}
	e.mu.Unlock()
	e.wake()
	for {
		m, err := e.pull(in)
		if err == nil && m == nil {
			return intake.Keep()
		}
		if err == nil {
			err = write(intake, m)
		}
		if err != nil {
			if left := intake.Drop(); left != nil {
				err = &fusion.Error{Op: "files", Cause: err, Detail: "and what came of them could not be removed: " + left.Error()}
			}
			return nil, err
		}
		e.wrote(in, m)
	}
}

func write(to *Intake, m wire.Message) error {
	switch m := m.(type) {
	case wire.FileEntry:
		return to.Entry(m)
	case wire.FilePiece:
		return to.Piece(m.Bytes)
	}
	return nil
}

// pull waits for the next message; nil is the end of all.
func (e *Exchange) pull(in *receiving) (wire.Message, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for in.err == nil && len(in.queue) == 0 && !in.sent {
		e.changed.Wait()
	}
	if in.err != nil || len(in.queue) == 0 {
		return nil, in.err
	}
	m := in.queue[0]
	in.queue = in.queue[1:]
	return m, nil
}

// wrote lets the other side send more.
func (e *Exchange) wrote(in *receiving, m wire.Message) {
	const often = 32 << 10
	cost := m.(interface{ Cost() int }).Cost()
	e.mu.Lock()
	in.queued -= cost
	in.got += uint64(cost)
	in.due = in.due || len(in.queue) == 0 || in.got-in.told >= often
	due, tell, now := in.due, in.progress.due(time.Now()), in.moving()
	e.mu.Unlock()
	if due {
		e.wake()
	}
	if tell {
		e.cfg.Tell(now)
	}
}

func (r *receiving) moving() Moving {
	t := r.ticket
	return Moving{Here: true, Drop: r.drop, Files: int(t.Files), Bytes: min(r.got, t.Bytes), Total: t.Bytes}
}
