package clip

import (
	"slices"

	"hither/mirror/wire"
)

// answer is what the other side pastes of ours.
type answer struct {
	serial  uint32
	ready   bool // its content is here, or it is refused
	refused bool
	rest    []byte
}

// takeWant needs mu.
func (e *Exchange) takeWant(m wire.ClipWant) func() {
	out := &answer{serial: m.Serial}
	e.out = out
	if !e.allowed || e.untold || m.Serial != e.serial || !slices.Contains(e.types, m.Type) {
		out.ready, out.refused = true, true
		return nil
	}
	return func() {
		e.board.Read(m.Type, func(content []byte, err error) { e.read(out, m.Type, content, err) })
	}
}

// read takes the content of an answer.
func (e *Exchange) read(out *answer, mime string, content []byte, err error) {
	e.mu.Lock()
	if e.out != out {
		e.mu.Unlock()
		return
	}
	out.ready, out.refused, out.rest = true, err != nil || len(content) > wire.MaxClip, content
	given := !out.refused
	e.mu.Unlock()
	if given && e.cfg.Moved != nil {
		e.cfg.Moved(false, mime, len(content))
	}
	e.cfg.Notify()
}

// piece gives the next piece of the answer. It needs mu.
func (e *Exchange) piece() wire.Message {
	out := e.out
	m := wire.ClipData{From: e.side, Serial: out.serial, Refused: out.refused}
	if !out.refused {
		n := min(len(out.rest), wire.MaxClipChunk)
		m.Bytes, out.rest = out.rest[:n], out.rest[n:]
	}
	if m.Last = out.refused || len(out.rest) == 0; m.Last {
		e.out = nil
	}
	return m
}
