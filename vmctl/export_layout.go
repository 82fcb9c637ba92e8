package vmctl

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"sync/atomic"
	"time"

	"hither/fusion"
)

// layout is a tar archive that is nowhere written: the heads of its files, and the
// files where they lie. So it has a size and can be read from anywhere.
type layout struct {
	parts []part
	size  int64
}

// part is some bytes, or the bytes of a file.
type part struct {
	text []byte
	path string
	size int64
}

func (l *layout) add(p part) {
	l.parts = append(l.parts, p)
	l.size += p.size
}

func (l *layout) addBytes(text []byte) { l.add(part{text: text, size: int64(len(text))}) }

// file adds a file of the archive: text, or what lies at path, of size bytes.
func (l *layout) file(name string, text []byte, path string, size int64, at time.Time) error {
	head := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: at.Truncate(time.Second), Format: tar.FormatUSTAR}
	if size >= 1<<33 { // the larger sizes are GNU's
		head.Format = tar.FormatGNU
	}
	var b bytes.Buffer
	if err := tar.NewWriter(&b).WriteHeader(head); err != nil {
		return err
	}
	l.addBytes(b.Bytes())
	l.add(part{text: text, path: path, size: size})
	if over := size % 512; over != 0 {
		l.addBytes(make([]byte, 512-over))
	}
	return nil
}

// end ends the archive.
func (l *layout) end() { l.addBytes(make([]byte, 1024)) }

// from reads the archive from offset on.
func (l *layout) from(ctx context.Context, offset int64) *layoutReader {
	r := &layoutReader{ctx: ctx, parts: l.parts, skip: offset}
	for len(r.parts) > 0 && r.skip >= r.parts[0].size {
		r.skip -= r.parts[0].size
		r.parts = r.parts[1:]
	}
	return r
}

// layoutReader reads one part after the other.
type layoutReader struct {
	ctx   context.Context
	parts []part
	skip  int64     // bytes of the first part that are behind
	now   io.Reader // what is left of the first part, or nil
	file  *os.File
}

func (r *layoutReader) Read(p []byte) (int, error) {
	for {
		if err := r.ctx.Err(); err != nil {
			return 0, err
		}
		if r.now == nil {
			if err := r.next(); err != nil {
				return 0, err
			}
		}
		n, err := r.now.Read(p)
		r.skip += int64(n)
		if n > 0 {
			return n, nil
		}
		if err != io.EOF {
			return n, err
		}
		if r.skip != r.parts[0].size { // it was cut under the reader's hands
			return 0, io.ErrUnexpectedEOF
		}
		r.parts, r.skip, r.now = r.parts[1:], 0, nil
		if err := r.Close(); err != nil {
			return 0, err
		}
	}
}

// next opens the first part.
func (r *layoutReader) next() error {
	if len(r.parts) == 0 {
		return io.EOF
	}
	p := r.parts[0]
	if p.path == "" {
		r.now = bytes.NewReader(p.text[r.skip:])
		return nil
	}
	f, err := os.Open(p.path)
	if err != nil {
		return err
	}
	r.file, r.now = f, io.NewSectionReader(f, r.skip, p.size-r.skip)
	return nil
}

func (r *layoutReader) Close() error {
	f := r.file
	r.file = nil
	if f == nil {
		return nil
	}
	return f.Close()
}

// machineFile is an exported machine.
type machineFile struct {
	name   string
	layout layout
	temps  []string // paths of what was made for it
	closed atomic.Bool
}

func (m *machineFile) Name() string { return m.name }
func (m *machineFile) Size() int64  { return m.layout.size }

func (m *machineFile) Open(ctx context.Context, offset int64) (io.ReadCloser, error) {
	switch {
	case m.closed.Load():
		return nil, &fusion.Error{Op: opExport, Path: m.name, Cause: fusion.ErrNotFound, Detail: "the file is gone", Hint: "export it again"}
	case offset < 0 || offset > m.layout.size:
		return nil, invalid(opExport, m.name, "it is shorter than that", "export it again")
	}
	return m.layout.from(ctx, offset), nil
}

// Close removes what was made. Who reads it goes on to its end.
func (m *machineFile) Close() error {
	if m.closed.Swap(true) {
		return nil
	}
	return removeAll(m.temps)
}
