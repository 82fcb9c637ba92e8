package imagefile

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxBacking is the longest name of a backing file, in bytes (qcow2.txt).
const maxBacking = 1023

// ReadBacking reads a qcow2's virtual size and the path of the image that it is built
// on, "" when there is none. A name that is no path ("json:…", "nbd:…") is given as it
// is: it is compared with paths and shown, never opened.
func ReadBacking(path string) (size int64, base string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, "", err
	}
	if !info.Mode().IsRegular() { // a pipe would be waited for
		return 0, "", ErrNoQcow2
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	head := make([]byte, 32)
	if _, err := io.ReadFull(f, head); err != nil || string(head[:4]) != "QFI\xfb" {
		return 0, "", ErrNoQcow2 // too short for one, or another format
	}
	offset, length := binary.BigEndian.Uint64(head[8:]), binary.BigEndian.Uint32(head[16:])
	size = int64(min(binary.BigEndian.Uint64(head[24:]), 1<<60))
	if offset == 0 || length == 0 {
		return size, "", nil
	}
	if length > maxBacking || offset > 1<<30 {
		return size, "", ErrBroken
	}
	name := make([]byte, length)
	if _, err := f.ReadAt(name, int64(offset)); err != nil {
		return size, "", ErrBroken
	}
	base = strings.TrimPrefix(string(name), "file:")
	if !filepath.IsAbs(base) && !strings.Contains(base, ":") {
		base = filepath.Join(filepath.Dir(path), base)
	}
	return size, base, nil
}

// maxChain bounds how far a chain of backing files is followed: one may go in a circle.
const maxChain = 64

// Chain gives what a disk is built on, nearest first, as far as it can be read here.
func Chain(path string) (bases []string) {
	for range maxChain {
		_, base, err := ReadBacking(path)
		if err != nil || base == "" {
			return bases
		}
		bases = append(bases, base)
		path = base
	}
	return bases
}

// Backing gives the path of the image that a disk of any format stands on; "" for none.
func Backing(path string) (string, error) {
	_, base, err := ReadBacking(path)
	if errors.Is(err, ErrNoQcow2) {
		err = nil
	}
	return base, err
}

// Untouched says whether nothing was written to a qcow2 since it was made: its
// table of clusters is empty, and it keeps no snapshots
// (https://gitlab.com/qemu-project/qemu/-/blob/master/docs/interop/qcow2.txt).
func Untouched(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 72)
	if _, err := io.ReadFull(f, head); err != nil || string(head[:4]) != "QFI\xfb" {
		return false
	}
	entries, at := binary.BigEndian.Uint32(head[36:]), binary.BigEndian.Uint64(head[40:])
	if snapshots := binary.BigEndian.Uint32(head[60:]); snapshots != 0 || entries > 1<<20 || at > 1<<40 {
		return false
	}
	table := make([]byte, 8*int(entries))
	if _, err := f.ReadAt(table, int64(at)); err != nil {
		return false
	}
	return !slices.ContainsFunc(table, func(b byte) bool { return b != 0 })
}
