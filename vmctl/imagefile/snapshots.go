package imagefile

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"
	"os"
)

// mostKept is how many snapshots QEMU lets a qcow2 have.
const mostKept = 1 << 16

// Snapshots reads the names in a qcow2's table of snapshots
// (https://gitlab.com/qemu-project/qemu/-/blob/master/docs/interop/qcow2.txt).
func Snapshots(path string) (names []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 72)
	if _, err := io.ReadFull(f, head); err != nil || string(head[:4]) != "QFI\xfb" {
		return nil, ErrNoQcow2
	}
	count, at := binary.BigEndian.Uint32(head[60:]), binary.BigEndian.Uint64(head[64:])
	if count > mostKept || at > math.MaxInt64/2 {
		return nil, ErrBroken
	}
	r := bufio.NewReader(io.NewSectionReader(f, int64(at), math.MaxInt64/2))
	for range count {
		name, err := readKept(r)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// readKept reads one entry: fixed fields, more of them, the ID, the name, and zeros up to
// a multiple of eight bytes.
func readKept(r *bufio.Reader) (name string, err error) {
	const fixed = 40
	var entry [fixed]byte
	if _, err := io.ReadFull(r, entry[:]); err != nil {
		return "", ErrBroken
	}
	id, length := int(binary.BigEndian.Uint16(entry[12:])), int(binary.BigEndian.Uint16(entry[14:]))
	more := binary.BigEndian.Uint32(entry[36:])
	if more > 1<<10 { // QEMU's own bound
		return "", ErrBroken
	}
	rest := make([]byte, int(more)+id+length)
	if _, err := io.ReadFull(r, rest); err != nil {
		return "", ErrBroken
	}
	if _, err := r.Discard(-(fixed + len(rest)) & 7); err != nil && err != io.EOF { // the last one may end the file
		return "", err
	}
	return string(rest[int(more)+id:]), nil
}
