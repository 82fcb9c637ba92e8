package vmctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"hither/fusion"
)

const (
	opRead  = "machine.read"
	opWrite = "machine.write"
	// guestPiece is how much of a file goes in one call, in bytes. The agent reads JSON
	// letter by letter: in an emulated guest on a busy computer 256 KiB took longer
	// than agentPatience.
	guestPiece = 48 << 10
)

// ReadFile copies a file out of the guest, piece by piece.
func (x guests) ReadFile(ctx context.Context, machine, path string, w io.Writer) error {
	return x.withFile(ctx, opRead, machine, path, "r", func(f guestFile) error { return f.copyTo(ctx, w) })
}

// WriteFile copies a file into the guest.
func (x guests) WriteFile(ctx context.Context, machine, path string, r io.Reader) error {
	return x.withFile(ctx, opWrite, machine, path, "w", func(f guestFile) error { return f.copyFrom(ctx, r) })
}

// guestFile is an open file of a guest.
type guestFile struct {
	guest
	handle int64
	most   int // bytes
}

// withFile opens a file, and closes it whatever happens.
func (x guests) withFile(ctx context.Context, op, machine, path, mode string, do func(guestFile) error) error {
	if err := fusion.CheckGuestPath(path); err != nil {
		return err
	}
	g, err := x.s.agentOf(ctx, op, machine)
	if err != nil {
		return err
	}
	f := guestFile{guest: g, most: x.most}
	if err := g.ask(ctx, "guest-file-open", map[string]any{"path": path, "mode": mode}, &f.handle); err != nil {
		return fileError(op, machine, path, err)
	}
	err = do(f)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), agentPatience)
	defer cancel()
	// A file counts as written only when it could be closed.
	err = errors.Join(err, g.ask(closing, "guest-file-close", map[string]any{"handle": f.handle}, &struct{}{}))
	if err == nil {
		x.s.config.Log.Info("file of a guest", "op", op, "machine", machine, "path", path, "trace", fusion.Trace(ctx))
	}
	return fileError(op, machine, path, err)
}

func (f guestFile) copyTo(ctx context.Context, w io.Writer) error {
	for total := 0; ; {
		var piece struct {
			Data []byte `json:"buf-b64"`
			EOF  bool   `json:"eof"`
		}
		if err := f.ask(ctx, "guest-file-read", map[string]any{"handle": f.handle, "count": guestPiece}, &piece); err != nil {
			return err
		}
		if total += len(piece.Data); total > f.most {
			return errTooLarge
		}
		if _, err := w.Write(piece.Data); err != nil {
			return &hereError{err}
		}
		if piece.EOF || len(piece.Data) == 0 {
			return nil
		}
	}
}

func (f guestFile) copyFrom(ctx context.Context, r io.Reader) error {
	buf := make([]byte, guestPiece)
	for total := 0; ; {
		n, err := io.ReadFull(r, buf)
		if total += n; total > f.most {
			return errTooLarge
		}
		if n > 0 {
			if err := f.write(ctx, buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return f.ask(ctx, "guest-file-flush", map[string]any{"handle": f.handle}, &struct{}{})
		case err != nil:
			return &hereError{err}
		}
	}
}

func (f guestFile) write(ctx context.Context, p []byte) error {
	for len(p) > 0 {
		var wrote struct {
			Count int `json:"count"`
		}
		if err := f.ask(ctx, "guest-file-write", map[string]any{"handle": f.handle, "buf-b64": p}, &wrote); err != nil {
			return err
		}
		if wrote.Count <= 0 || wrote.Count > len(p) {
			return fmt.Errorf("the guest wrote %d of %d bytes", wrote.Count, len(p))
		}
		p = p[wrote.Count:]
	}
	return nil
}

var errTooLarge = errors.New("the file is too large")

// hereError is one of the reader or writer of the caller, not of the guest.
type hereError struct{ error }

func (e *hereError) Unwrap() error { return e.error }

// fileError says plainly what is wrong with a file of a guest.
func fileError(op, machine, path string, err error) error {
	var here *hereError
	var refusal *agentRefusal
	e := &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrInvalid}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &here):
		return here.error
	case errors.Is(err, errTooLarge):
		e.Detail, e.Hint = "a file of a guest is read and written up to 256 MiB", "put it into a shared folder, or split it"
	case errors.As(err, &refusal) && refusal.forbids():
		e.Cause, e.Detail, e.Hint = fusion.ErrUnsupported, err.Error(), "allow the guest-file commands in the settings of its guest agent"
	case errors.As(err, &refusal):
		for words, cause := range map[string]error{"No such file": fusion.ErrNotFound, "ermission denied": fusion.ErrPermission} {
			if strings.Contains(refusal.desc, words) {
				e.Cause = cause
			}
		}
		e.Detail, e.Hint = err.Error(), "see that the path is that of a file in the guest"
	default:
		return agentError(op, machine, err)
	}
	return e
}
