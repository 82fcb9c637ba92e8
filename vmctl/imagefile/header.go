// Package imagefile reads what a file of a disk or a CD is from its bytes: its format, its
// size, what it stands on, and the snapshots inside it. It never guesses by a name, and it
// opens no other file but to follow a chain (Chain). What it reads may be hostile: an image
// is refused that points at another file, as whoever may upload could else read any file of
// the host.
package imagefile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
)

// The formats of images. A format is told to QEMU, never guessed by it.
const (
	Raw   = "raw"
	Qcow2 = "qcow2"
)

// Header is what the head of an image says.
type Header struct {
	Format string
	Size   int64 // of a qcow2's disk, in bytes
}

// What is wrong with an image, in words for people.
var (
	ErrForeign  = errors.New("its format is neither raw nor qcow2")
	ErrPointing = errors.New("it points at another file")
	ErrBroken   = errors.New("its qcow2 header is broken")
	ErrNoQcow2  = errors.New("it is no qcow2")
	ErrNoImage  = errors.New("it is no image of a disk or a CD") // as an error page is none
	ErrPacked   = errors.New("it is packed")                     // an image inside something else
)

// headerBytes is enough for every format that is recognized.
const headerBytes = 112

// ReadHeader reads the format of an image by its head. What has no mark is raw. It promises
// ErrForeign, ErrPointing and ErrBroken.
func ReadHeader(path string) (Header, error) {
	f, err := os.Open(path)
	if err != nil {
		return Header{}, err
	}
	defer f.Close()
	data := make([]byte, headerBytes)
	n, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return Header{}, err
	}
	return parseHeader(data[:n])
}

// VirtualSize gives the size of a qcow2's disk in bytes, also of a linked one.
func VirtualSize(path string) (size int64, ok bool) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	head := make([]byte, 32)
	if _, err := io.ReadFull(f, head); err != nil || !bytes.HasPrefix(head, []byte("QFI\xfb")) {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(head[24:]) & (1<<62 - 1)), true
}

// parseHeader reads the head of an image. For qcow2 see
// https://gitlab.com/qemu-project/qemu/-/blob/master/docs/interop/qcow2.txt
func parseHeader(data []byte) (Header, error) {
	switch {
	case bytes.HasPrefix(data, []byte("QFI\xfb")):
		return parseQcow2(data)
	case bytes.HasPrefix(data, []byte("KDMV")), bytes.HasPrefix(data, []byte("COWD")), // VMDK
		bytes.HasPrefix(data, []byte("vhdxfile")), bytes.HasPrefix(data, []byte("conectix")),
		bytes.HasPrefix(data, []byte("QED\x00")), strings.HasPrefix(string(data), "# Disk DescriptorFile"),
		len(data) >= 68 && binary.LittleEndian.Uint32(data[64:]) == 0xbeda107f: // VDI
		return Header{}, ErrForeign
	}
	return Header{Format: Raw}, nil
}

func parseQcow2(data []byte) (Header, error) {
	if len(data) < 72 {
		return Header{}, ErrBroken
	}
	version := binary.BigEndian.Uint32(data[4:])
	backing := binary.BigEndian.Uint64(data[8:])
	size := binary.BigEndian.Uint64(data[24:])
	const externalData = 1 << 2 // incompatible feature bit
	switch {
	case version < 2 || version > 3 || size > 1<<60:
		return Header{}, ErrBroken
	case backing != 0:
		return Header{}, ErrPointing
	case version == 3 && len(data) < 104:
		return Header{}, ErrBroken
	case version == 3 && binary.BigEndian.Uint64(data[72:])&externalData != 0:
		return Header{}, ErrPointing
	}
	return Header{Format: Qcow2, Size: int64(size)}, nil
}
