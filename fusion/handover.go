package fusion

import (
	"context"
	"io"
)

// HandedPrefix begins what Hand gives, so that it is never taken for a path.
const HandedPrefix = "handed:"

// Handover carries files of another computer to an app of this host, and brings
// back what the app writes. A version is an opaque text of at most 128 bytes;
// the empty one is the file as it was handed over.
type Handover interface {
	// Hand stores a copy of a file of size bytes in a private directory of its
	// own, for one Run. The name is made safe. A copy that breaks leaves
	// nothing, and one that no app was run with goes after some minutes. It
	// promises ErrInvalid (other than size bytes came, or they do not fit) and
	// ErrBusy (too many files are handed over).
	Hand(ctx context.Context, name string, size int64, r io.Reader) (file string, err error)
	// Take waits until the app has written and closed a version other than
	// after, and gives it. Asking says that the caller has after for good. It
	// promises ErrNotFound once the app has ended and wrote nothing newer: the
	// copy is gone then. The caller closes what it is given.
	Take(ctx context.Context, file, after string) (Taken, error)
	// Drop removes the copy whatever the app does. It promises ErrNotFound.
	Drop(ctx context.Context, file string) error
}

// Taken is one version of a file. It must be read to io.EOF: any other error
// says that the version is void, as when the app wrote on meanwhile, and that it
// is to be taken again.
type Taken struct {
	io.ReadCloser
	Version string
	Size    int64 // bytes; a hint for progress
}
