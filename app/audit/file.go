package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const version = 1

// header is the first line of a file.
type header struct {
	Hither  string `json:"hither"` // "audit"
	Version int    `json:"version"`
	First   uint64 `json:"first"` // the Seq of its first record
	Prev    hash   `json:"prev"`  // the hash of the record before it
}

// segment is one file.
type segment struct {
	path string
	size int64 // bytes
}

const suffix = ".jsonl"

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%016d%s", first, suffix))
}

// firstOf gives the Seq of the first record of a file by its name.
func firstOf(path string) uint64 {
	n, err := strconv.ParseUint(strings.TrimSuffix(filepath.Base(path), suffix), 10, 64)
	if err != nil || n == 0 {
		return 1 // segments lists no such file
	}
	return n
}

// segments lists the files of a directory, oldest first.
func segments(dir string) ([]segment, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []segment
	for _, entry := range list {
		if n := firstOf(entry.Name()); entry.Name() != filepath.Base(segmentPath(dir, n)) || !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return nil, err
		}
		out = append(out, segment{filepath.Join(dir, entry.Name()), info.Size()})
	}
	slices.SortFunc(out, func(a, b segment) int { return strings.Compare(a.path, b.path) })
	return out, nil
}

// scanned is what a file holds.
type scanned struct {
	named uint64 // the first record's Seq, by the file's name
	head  header
	last  Record
	hash  hash  // of the last record
	good  int64 // bytes up to the last line feed
	cut   int64 // bytes after it
	// bad is the first line that does not fit, 0 when there is none: the header is line 1.
	bad    int
	badSeq uint64
	why    string
	// lost says that the last line is no record: nothing can follow it.
	lost bool
}

// scan reads a file and calls f with each record that is one.
func scan(path string, f func(Record) error) (s scanned, err error) {
	file, err := os.Open(path)
	if err != nil {
		return s, err
	}
	defer file.Close()
	s.named, s.last.Seq = firstOf(path), firstOf(path)-1
	in := bufio.NewReaderSize(file, maxLine)
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		if err == io.EOF {
			s.cut = int64(len(line))
			return s, nil
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			s.blame(n, "the line is too long")
			s.lost = true
			more, err := skipLine(in)
			s.good += int64(len(line)) + more
			if err == io.EOF {
				return s, nil
			}
			if err != nil {
				return s, err
			}
			continue
		}
		if err != nil {
			return s, err
		}
		s.good += int64(len(line))
		if err := s.take(n, bytes.TrimSuffix(line, []byte("\n")), f); err != nil {
			return s, err
		}
	}
}

// skipLine reads to the end of a line and counts.
func skipLine(in *bufio.Reader) (n int64, err error) {
	for {
		part, err := in.ReadSlice('\n')
		n += int64(len(part))
		if !errors.Is(err, bufio.ErrBufferFull) {
			return n, err
		}
	}
}

// take looks at one line.
func (s *scanned) take(n int, line []byte, f func(Record) error) error {
	if n == 1 {
		if err := json.Unmarshal(line, &s.head); err != nil || s.head.Hither != "audit" || s.head.Version != version || s.head.First != s.named {
			s.head = header{First: s.named}
			s.blame(n, "the file does not begin as one of this log")
			s.lost = true
		}
		s.hash, s.last.Seq = s.head.Prev, s.head.First-1
		return nil
	}
	r, said, has, err := decode(line, s.hash)
	switch {
	case err != nil:
		s.blame(n, err.Error())
		s.lost = true
		return nil
	case said != has:
		s.blame(n, "the hash does not fit: it, or the record before it, was changed")
	case r.Seq != s.last.Seq+1:
		s.blame(n, fmt.Sprintf("the record before it has the number %d", s.last.Seq))
	}
	s.last, s.hash, s.lost = r, said, false
	if f == nil {
		return nil
	}
	return f(r)
}

func (s *scanned) blame(line int, why string) {
	if s.bad == 0 {
		s.bad, s.badSeq, s.why = line, s.last.Seq+1, why
	}
}
