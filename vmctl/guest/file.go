package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// pieceBytes is how much of a file goes in one call, in bytes. The agent reads JSON
// letter by letter: in an emulated guest on a busy computer 256 KiB took longer
// than Patience.
const pieceBytes = 48 << 10

// ReadFile copies a file of the guest to w, piece by piece, most bytes of it at most; a longer
// one is ErrTooLarge. An error of w itself is a *LocalError.
func (g Agent) ReadFile(ctx context.Context, path string, w io.Writer, most int) error {
	return g.withFile(ctx, path, "r", most, func(f openFile) error { return f.copyTo(ctx, w) })
}

// WriteFile makes a file of the guest of what r has, as ReadFile does the other way.
func (g Agent) WriteFile(ctx context.Context, path string, r io.Reader, most int) error {
	return g.withFile(ctx, path, "w", most, func(f openFile) error { return f.copyFrom(ctx, r) })
}

// openFile is an open file of a guest.
type openFile struct {
	Agent
	handle int64
	most   int // bytes
}

// withFile opens a file, and closes it whatever happens.
func (g Agent) withFile(ctx context.Context, path, mode string, most int, do func(openFile) error) error {
	f := openFile{Agent: g, most: most}
	if err := g.Ask(ctx, "guest-file-open", map[string]any{"path": path, "mode": mode}, &f.handle); err != nil {
		return err
	}
	err := do(f)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), Patience)
	defer cancel()
	// A file counts as written only when it could be closed.
	return errors.Join(err, g.Ask(closing, "guest-file-close", map[string]any{"handle": f.handle}, &struct{}{}))
}

func (f openFile) copyTo(ctx context.Context, w io.Writer) error {
	for total := 0; ; {
		var piece struct {
			Data []byte `json:"buf-b64"`
			EOF  bool   `json:"eof"`
		}
		if err := f.Ask(ctx, "guest-file-read", map[string]any{"handle": f.handle, "count": pieceBytes}, &piece); err != nil {
			return err
		}
		if total += len(piece.Data); total > f.most {
			return ErrTooLarge
		}
		if _, err := w.Write(piece.Data); err != nil {
			return &LocalError{err}
		}
		if piece.EOF || len(piece.Data) == 0 {
			return nil
		}
	}
}

func (f openFile) copyFrom(ctx context.Context, r io.Reader) error {
	buf := make([]byte, pieceBytes)
	for total := 0; ; {
		n, err := io.ReadFull(r, buf)
		if total += n; total > f.most {
			return ErrTooLarge
		}
		if n > 0 {
			if err := f.put(ctx, buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return f.Ask(ctx, "guest-file-flush", map[string]any{"handle": f.handle}, &struct{}{})
		case err != nil:
			return &LocalError{err}
		}
	}
}

func (f openFile) put(ctx context.Context, p []byte) error {
	for len(p) > 0 {
		var wrote struct {
			Count int `json:"count"`
		}
		if err := f.Ask(ctx, "guest-file-write", map[string]any{"handle": f.handle, "buf-b64": p}, &wrote); err != nil {
			return err
		}
		if wrote.Count <= 0 || wrote.Count > len(p) {
			return fmt.Errorf("the guest wrote %d of %d bytes", wrote.Count, len(p))
		}
		p = p[wrote.Count:]
	}
	return nil
}

// ErrTooLarge is that of a file of more bytes than may be.
var ErrTooLarge = errors.New("the file is too large")

// LocalError is one of the reader or writer of the caller, not of the guest.
type LocalError struct{ Err error }

func (e *LocalError) Error() string { return e.Err.Error() }
func (e *LocalError) Unwrap() error { return e.Err }
