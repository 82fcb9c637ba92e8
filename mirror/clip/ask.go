package clip

import (
	"bytes"
	"slices"
	"time"

	"hither/mirror/wire"
)

// question is a paste here of what the other side has. Only the first one that
// waits is sent.
type question struct {
	mime    string
	done    Done
	sent    bool
	begun   time.Time
	heard   time.Time
	timer   *time.Timer
	content []byte
}

// ask is a paste of the offer with this number.
func (e *Exchange) ask(serial uint32, mime string, done Done) {
	e.mu.Lock()
	var err error
	switch {
	case e.closed || serial != e.theirs || !slices.Contains(e.offered, mime):
		err = errGone
	case e.silent:
		err = errSilent
	case len(e.asked) == maxQuestions:
		err = errBusy
	default:
		e.asked = append(e.asked, &question{mime: mime, done: done})
	}
	e.mu.Unlock()
	if err != nil {
		done(nil, err)
		return
	}
	e.cfg.Notify()
}

// want makes the message of a question. It needs mu.
func (e *Exchange) want(q *question) wire.Message {
	q.sent, q.begun, q.heard = true, time.Now(), time.Now()
	q.timer = time.AfterFunc(e.cfg.Patience, func() { e.late(q) })
	return wire.ClipWant{From: e.side, Serial: e.theirs, Type: q.mime}
}

// late is the timer's of a question: without an answer all fail that wait, as
// an answer that comes yet could not be told from that to a later question.
func (e *Exchange) late(q *question) {
	e.mu.Lock()
	if len(e.asked) == 0 || e.asked[0] != q {
		e.mu.Unlock()
		return
	}
	if wait := e.cfg.Patience - time.Since(q.heard); wait > 0 && time.Since(q.begun) < whole {
		q.timer.Reset(wait)
		e.mu.Unlock()
		return
	}
	e.silent = true
	failed := e.fail(errSilent)
	e.mu.Unlock()
	failed()
}

// takeData needs mu.
func (e *Exchange) takeData(m wire.ClipData) func() {
	if len(e.asked) == 0 || !e.asked[0].sent || m.Serial != e.theirs {
		return nil
	}
	q := e.asked[0]
	q.heard = time.Now()
	if len(q.content)+len(m.Bytes) > wire.MaxClip {
		e.silent = true // what else comes of it is not wanted
		return e.fail(errLarge)
	}
	q.content = append(q.content, m.Bytes...)
	if !m.Last && !m.Refused {
		return nil
	}
	q.timer.Stop()
	e.asked = e.asked[1:]
	if m.Refused {
		return func() { q.done(nil, errRefused) }
	}
	return func() { e.pasted(q) }
}

// pasted gives a question its content.
func (e *Exchange) pasted(q *question) {
	if q.mime == wire.PlainText {
		q.content = bytes.ToValidUTF8(q.content, []byte("\uFFFD"))
	}
	if e.cfg.Moved != nil {
		e.cfg.Moved(true, q.mime, len(q.content))
	}
	q.done(q.content, nil)
}

// fail takes all questions away; the function it gives tells them why, without
// mu. It needs mu.
func (e *Exchange) fail(err error) func() {
	all := e.asked
	e.asked = nil
	for _, q := range all {
		if q.timer != nil {
			q.timer.Stop()
		}
	}
	return func() {
		for _, q := range all {
			q.done(nil, err)
		}
	}
}
