package imagefile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"

	"hither/fusion"
)

// isoMark stands in the first volume descriptor of a CD's file system (ECMA-119, 8.1).
const isoMark, isoMarkAt = "CD001", 16*2048 + 1

// Inspect reads what an image is from its bytes: never from its name, and for qcow2
// refusing what parseHeader does. A raw disk is known by its boot signature.
func Inspect(path string) (format fusion.ImageFormat, disk int64, err error) {
	h, err := ReadHeader(path)
	if err != nil {
		return "", 0, err
	}
	if h.Format == Qcow2 {
		return fusion.Qcow2, h.Size, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	head := make([]byte, isoMarkAt+len(isoMark))
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", 0, err
	}
	head = head[:n]
	switch {
	case n > isoMarkAt && string(head[isoMarkAt:]) == isoMark:
		return fusion.ISO, 0, nil
	case n >= 512 && head[510] == 0x55 && head[511] == 0xaa:
		return fusion.Raw, info.Size(), nil
	case slices.ContainsFunc(packed, func(mark string) bool { return bytes.HasPrefix(head, []byte(mark)) }):
		return "", 0, ErrPacked
	}
	return "", 0, ErrNoImage
}

// packed are how xz, gzip, Zstandard, bzip2 and zip begin.
var packed = []string{"\xfd7zXZ\x00", "\x1f\x8b", "\x28\xb5\x2f\xfd", "BZh", "PK\x03\x04"}
