package fusion

import (
	"context"
	"io"
)

// MaxTerminalChunk is the most bytes of one chunk.
const MaxTerminalChunk = 8 << 10

// TerminalOptions says how a viewer wants to see a terminal. The zero value works.
type TerminalOptions struct {
	// ViewOnly refuses what this viewer types.
	ViewOnly bool `json:"viewOnly"`
	// Columns and Rows are the viewer's size in characters, 0 when unknown. A
	// serial console has no size and takes no notice.
	Columns int `json:"columns"`
	Rows    int `json:"rows"`
	// Term is the viewer's kind of terminal as terminfo names it, one of
	// CheckName; default "xterm-256color". Only a shell hears of it.
	Term string `json:"term"`
}

// MaxTerminalSize is the largest number of columns or rows.
const MaxTerminalSize = 1000

// Check returns an error with cause ErrInvalid unless the size is one of 0 to
// MaxTerminalSize and Term is "" or one of CheckName.
func (o TerminalOptions) Check() error {
	if err := CheckTerminalSize(o.Columns, o.Rows); err != nil || o.Term == "" {
		return err
	}
	return CheckName(o.Term)
}

// CheckTerminalSize returns an error with cause ErrInvalid unless both numbers are
// 0 to MaxTerminalSize.
func CheckTerminalSize(columns, rows int) error {
	if columns < 0 || columns > MaxTerminalSize || rows < 0 || rows > MaxTerminalSize {
		return &Error{Op: "terminal", Cause: ErrInvalid, Detail: "that size of a terminal makes no sense",
			Hint: "a terminal has at most 1000 columns and rows"}
	}
	return nil
}

// TerminalChunk is what came next of a terminal.
type TerminalChunk struct {
	// Skipped is how many bytes before Data this viewer does not get, because it
	// read more slowly than they came.
	Skipped int64
	// Data is at most MaxTerminalChunk bytes, as the machine wrote them: for
	// people UTF-8 with the control sequences of ECMA-48. It may be cut anywhere.
	Data []byte
}

// Terminal is one open view of a terminal. Next, and Write with Resize, may be
// called at the same time, each from one goroutine; Close from any, and it wakes
// them.
type Terminal interface {
	// Next waits for the next chunk; its Data is valid until the next call. When
	// the terminal has ended it gives an *Error that says why, and whose cause is
	// io.EOF when the end was an orderly one.
	Next() (TerminalChunk, error)
	// Write types p. It promises ErrPermission when the view is for looking only.
	Write(p []byte) (int, error)
	// Resize tells the size of the viewer's window in characters.
	Resize(columns, rows int) error
	// ViewOnly says whether Write is refused.
	ViewOnly() bool
	io.Closer
}

// Terminals are the character streams of one host's machines: the serial console
// of a virtual machine, and a shell of "self".
type Terminals interface {
	// Open begins a view. ctx bounds the opening only; Close ends the view.
	//
	// Of a virtual machine it is the first serial console. All its viewers see
	// and type into the same one; a newcomer first gets some of what was written
	// while somebody looked. It goes on when the guest restarts, and ends when
	// the machine does. It promises ErrNotFound, ErrInvalid when the machine is
	// off, ErrUnsupported when it has no serial console, and ErrBusy when
	// another program holds it.
	//
	// Of "self" it is a new login shell of the node's own user, which ends with
	// the view (SIGHUP). It promises ErrPermission for a view for looking only.
	Open(ctx context.Context, machine string, options TerminalOptions) (Terminal, error)
}
