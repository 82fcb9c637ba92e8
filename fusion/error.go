package fusion

import (
	"errors"
	"strings"
)

// The causes. Every error that crosses a subsystem has one of them; errors.Is
// finds it, on this computer and across the wire.
var (
	ErrNotFound    = errors.New("not found")
	ErrExists      = errors.New("exists already")
	ErrPermission  = errors.New("not permitted")
	ErrInvalid     = errors.New("invalid")
	ErrUnsupported = errors.ErrUnsupported
	ErrOffline     = errors.New("offline")
	ErrUnpaired    = errors.New("not paired")
	ErrBusy        = errors.New("busy")
)

// Causes lists every cause with the stable name it has on the wire.
var Causes = map[string]error{
	"not_found":   ErrNotFound,
	"exists":      ErrExists,
	"permission":  ErrPermission,
	"invalid":     ErrInvalid,
	"unsupported": ErrUnsupported,
	"offline":     ErrOffline,
	"unpaired":    ErrUnpaired,
	"busy":        ErrBusy,
}

// Error says what was done (Op, "machine.start"), to what (Path, "nas/win11"),
// why it did not work (Cause: one of the causes above, or any other error), and
// what a person can do next (Hint; empty when there is nothing to do).
type Error struct {
	Op    string
	Path  string
	Cause error
	// Detail says more of the cause in words: "domain has no disk".
	Detail string
	Hint   string
}

// Error gives "op path: cause: detail". The hint is shown apart.
// NotPaired is the error of a host that the one which is asked does not know. hint says which
// two are to be paired, and with what.
func NotPaired(op string, id HostID, hint string) error {
	return &Error{Op: op, Path: string(id), Cause: ErrNotFound, Detail: "the two hosts are not paired", Hint: hint}
}

// NoMachine is the error of a machine that is not there.
func NoMachine(op, name string) error {
	return &Error{Op: op, Path: name, Cause: ErrNotFound, Detail: "no such machine", Hint: "hither machine ls shows the machines there are"}
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Path != "" {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(e.Path)
	}
	for _, part := range []string{causeText(e.Cause), e.Detail} {
		if part == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(part)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

func causeText(err error) string {
	switch {
	case err == nil:
		return ""
	case err == ErrUnsupported:
		return "unsupported"
	}
	return err.Error()
}

// Hint gives the first hint in err's chain, or "".
func Hint(err error) string {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Cause
	}
	return ""
}

// CauseName gives the wire name of err's cause, or "" when it has none of them.
func CauseName(err error) string {
	for name, cause := range Causes {
		if errors.Is(err, cause) {
			return name
		}
	}
	return ""
}

// Words gives what is shown of an error beside what it is about: the first Error's detail,
// else its cause, and a hint, which may be "".
func Words(err error) (note, hint string) {
	var e *Error
	if !errors.As(err, &e) {
		return err.Error(), ""
	}
	note = e.Detail
	if note == "" && e.Cause != nil {
		note = e.Cause.Error()
	}
	return note, Hint(err)
}
