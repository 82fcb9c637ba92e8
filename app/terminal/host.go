package terminal

import (
	"errors"
	"io"

	"hither/fusion"
)

// hosted is a terminal as the messages that a viewer reads and writes.
type hosted struct {
	t     fusion.Terminal
	out   []byte // of the last Read
	next  []byte // data that waits behind a skipped, already a message
	begun bool
	ended bool
}

// Host makes messages of a terminal: Read gives those of the host, Write takes
// those of the viewer, Close closes the terminal.
func Host(t fusion.Terminal) fusion.Pipe { return &hosted{t: t} }

// Read begins with a hello. When the terminal has ended it says why, then io.EOF; of a
// terminal that was lost (ErrOffline) it says nothing.
func (h *hosted) Read() ([]byte, error) {
	switch {
	case h.ended:
		return nil, io.EOF
	case !h.begun:
		h.begun = true
		return hello(h.t.ViewOnly()), nil
	case h.next != nil:
		m := h.next
		h.next = nil
		return m, nil
	}
	chunk, err := h.t.Next()
	if err != nil {
		h.ended = true
		// By this side: nobody listens. Or the machine, or the way to it, is not here any
		// more: its viewer looks for it, as after any path that breaks.
		if errors.Is(err, io.ErrClosedPipe) || errors.Is(err, fusion.ErrOffline) {
			return nil, io.EOF
		}
		return closed(err), nil
	}
	h.out = append(append(h.out[:0], typeData), chunk.Data...)
	if chunk.Skipped > 0 {
		h.next = h.out
		return skipped(chunk.Skipped), nil
	}
	return h.out, nil
}

// Write does what the viewer says. What it types although it may only look is
// dropped: it was told so.
func (h *hosted) Write(m []byte) error {
	v, err := parseViewer(m)
	if err != nil {
		return err
	}
	switch v.kind {
	case typeInput:
		_, err = h.t.Write(v.data)
	case typeSize:
		err = h.t.Resize(v.columns, v.rows)
	}
	if errors.Is(err, fusion.ErrPermission) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, io.EOF) || errors.Is(err, fusion.ErrOffline) {
		return nil // Read says how it ended
	}
	return err
}

func (h *hosted) Close() error { return h.t.Close() }
