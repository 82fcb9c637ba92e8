package vmctl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
)

// An image is raw or qcow2. Its format is read here and told to QEMU, never
// guessed by it; and a qcow2 that points at other files is refused: otherwise
// whoever may upload could read any file of the host.
const (
	formatRaw   = "raw"
	formatQcow2 = "qcow2"
)

type header struct {
	format string
	size   int64 // of a qcow2's disk, in bytes
}

var errForeignImage = errors.New("its format is neither raw nor qcow2")
var errPointingImage = errors.New("it points at another file")
var errBrokenImage = errors.New("its qcow2 header is broken")

// headerBytes is enough for every format that is recognized.
const headerBytes = 112

func readHeader(path string) (header, error) {
	f, err := os.Open(path)
	if err != nil {
		return header{}, err
	}
	defer f.Close()
	data := make([]byte, headerBytes)
	n, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return header{}, err
	}
	return parseHeader(data[:n])
}

// virtualSize gives the size of a qcow2's disk in bytes, also of a linked one.
func virtualSize(path string) (size int64, ok bool) {
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
func parseHeader(data []byte) (header, error) {
	switch {
	case bytes.HasPrefix(data, []byte("QFI\xfb")):
		return parseQcow2(data)
	case bytes.HasPrefix(data, []byte("KDMV")), bytes.HasPrefix(data, []byte("COWD")), // VMDK
		bytes.HasPrefix(data, []byte("vhdxfile")), bytes.HasPrefix(data, []byte("conectix")),
		bytes.HasPrefix(data, []byte("QED\x00")), strings.HasPrefix(string(data), "# Disk DescriptorFile"),
		len(data) >= 68 && binary.LittleEndian.Uint32(data[64:]) == 0xbeda107f: // VDI
		return header{}, errForeignImage
	}
	return header{format: formatRaw}, nil
}

func parseQcow2(data []byte) (header, error) {
	if len(data) < 72 {
		return header{}, errBrokenImage
	}
	version := binary.BigEndian.Uint32(data[4:])
	backing := binary.BigEndian.Uint64(data[8:])
	size := binary.BigEndian.Uint64(data[24:])
	const externalData = 1 << 2 // incompatible feature bit
	switch {
	case version < 2 || version > 3 || size > 1<<60:
		return header{}, errBrokenImage
	case backing != 0:
		return header{}, errPointingImage
	case version == 3 && len(data) < 104:
		return header{}, errBrokenImage
	case version == 3 && binary.BigEndian.Uint64(data[72:])&externalData != 0:
		return header{}, errPointingImage
	}
	return header{format: formatQcow2, size: int64(size)}, nil
}
