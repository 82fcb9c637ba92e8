// Package lend hands files of this computer to apps of others, and writes back
// what those apps save. Book is the one way in: Lend copies a file to the host of
// an app, Begin follows it once the app runs, and Return takes it back when the
// app did not start.
//
// What an app saved comes as a whole into a file beside the owner's and takes
// its place at once. If the owner's file changed meanwhile both are kept, the
// app's as NAME.conflict-HOST-TIME.EXT, and what the app saves later goes there.
// A host that is away, or a disk that is full, is tried again; the host keeps the
// app's version meanwhile.
//
// What is kept: Dir/lent.json. A restarted node follows on. It writes no other
// path than that of the lent file and its conflict, and trusts the host with the
// file's content alone.
package lend

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"hither/fusion"
)

// Loan is one file that is lent.
type Loan struct {
	Host fusion.HostID `json:"host"`
	// File is what the host calls it, and Version what was written back last.
	File    string `json:"file"`
	Version string `json:"version"`
	// Path is the owner's file, and Target where the app's versions go: the
	// same without symbolic links, or a conflict (Kept).
	Path   string `json:"path"`
	Target string `json:"target"`
	Kept   bool   `json:"kept"`
	// Sum is the SHA-256 of Target as it was lent or written last, in hex, and Next
	// that of what is about to take its place: Target may be either after a kill.
	Sum  string `json:"sum"`
	Next string `json:"next,omitempty"`
}

// Note says what happened to a lent file.
type Note struct {
	File  string // the owner's path
	What  string // "saved", "kept" or "waits"
	Path  string // where it was written
	Error string // of "waits"
}

// Lend copies a file of this computer to a host. progress is called with bytes
// from time to time; it may be nil. Errors are those of Hand and of files.
func Lend(ctx context.Context, host fusion.HostID, to fusion.Handover, path string, progress func(sent, total int64)) (*Loan, error) {
	real, err := filepath.EvalSymlinks(path) // what takes its place must not replace a link
	if err != nil {
		return nil, fileError(path, err)
	}
	file, err := os.Open(real)
	if err != nil {
		return nil, fileError(path, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fileError(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &fusion.Error{Op: "app.open", Path: path, Cause: fusion.ErrUnsupported, Detail: "it is not a file",
			Hint: "share a directory with the computer of the app: hither folder add"}
	}
	sum := sha256.New()
	reader := &counter{r: io.TeeReader(file, sum), total: info.Size(), tell: progress}
	name, err := to.Hand(ctx, filepath.Base(path), info.Size(), reader)
	if err != nil {
		return nil, err
	}
	return &Loan{Host: host, File: name, Path: path, Target: real, Sum: hex.EncodeToString(sum.Sum(nil))}, nil
}

// counter tells how far a reader is.
type counter struct {
	r           io.Reader
	sent, total int64
	tell        func(sent, total int64)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.sent += int64(n)
	if c.tell != nil && n > 0 {
		c.tell(c.sent, c.total)
	}
	return n, err
}

func fileError(path string, err error) error {
	e := &fusion.Error{Op: "app.open", Path: path, Cause: err, Detail: ""}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Cause, e.Hint = fusion.ErrNotFound, "see the spelling; the file must be on this computer"
	case errors.Is(err, fs.ErrPermission):
		e.Cause, e.Hint = fusion.ErrPermission, "give your user the right to read it"
	}
	return e
}
