package vmctl

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"strings"

	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
)

// The formats of disks that are converted, by qemu-img's names.
const (
	formatVMDK = "vmdk"
	formatVHDX = "vhdx"
	formatVHD  = "vpc"
)

// recognize gives the format of a disk by its head, "" for one without a mark. What
// consists of several files is refused: the others are not here.
func recognize(head []byte) (string, error) {
	begins := func(mark string) bool { return bytes.HasPrefix(head, []byte(mark)) }
	switch {
	case begins("QFI\xfb"):
		return imagefile.Qcow2, nil
	case begins("KDMV"):
		// A header without a size leaves all to a text inside it, which may name
		// any file (vmdk_open_sparse in QEMU's block/vmdk.c).
		if len(head) < 20 || binary.LittleEndian.Uint64(head[12:]) == 0 {
			return "", cannotUse("it is a VMDK that consists of other files")
		}
		return formatVMDK, nil
	case begins("vhdxfile"):
		return formatVHDX, nil
	case begins("conectix"):
		return formatVHD, nil
	case begins("# Disk DescriptorFile"), begins("COWD"):
		return "", cannotUse("it is a VMDK that consists of other files")
	case begins("\x1f\x8b"), begins("PK\x03\x04"), begins("\xfd7zXZ\x00"), begins("\x28\xb5\x2f\xfd"), begins("BZh"), begins("7z\xbc\xaf\x27\x1c"):
		return "", cannotUse("it is compressed; unpack it first")
	}
	return "", nil
}

// receiveDisk takes a file that is one disk.
func (in *arrival) receiveDisk(r io.Reader, head []byte) error {
	format, err := recognize(head)
	switch {
	case err != nil:
		return err
	case format == "" && !in.spec.Raw:
		return invalid(opImport, in.spec.Name, "nothing says what format it has", "if it is a raw disk, say so: --raw; a CD image goes to hither machine create --iso")
	case format == "":
		format = imagefile.Raw
	}
	f, err := in.temp()
	if err != nil {
		return err
	}
	err = in.s.pool.Room(opImport, in.spec.Name, max(in.size, 0))
	if err == nil {
		err = in.s.pool.Receive(in.ctx, opImport, in.spec.Name, f, in.size, r)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	in.disks = []arrivedDisk{{f.Name(), format}}
	in.Blueprint = domxml.Blueprint{Chipset: "q35", Buses: []string{"virtio"}, Cards: []string{"virtio"}}
	if format != imagefile.Qcow2 && format != imagefile.Raw { // its system has never met virtio
		in.Buses, in.Cards = []string{"sata"}, []string{"e1000e"}
	}
	return err
}

// check looks at a disk before QEMU reads it: it must be what it was taken for, name no
// other file, and have a size that a machine's disk may have.
func (in *arrival) check(d arrivedDisk) error {
	if d.format == imagefile.Raw {
		return nil
	}
	if d.format == imagefile.Qcow2 {
		if h, err := imagefile.ReadHeader(d.path); err != nil || h.Format != imagefile.Qcow2 {
			return cannotUse("a disk of it points at another file, or its header is broken")
		}
	}
	info, err := describe(in.ctx, opImport, in.spec.Name, d.path, d.format)
	if err != nil {
		return err
	}
	points := info.Backing != "" || info.Specific.Data.DataFile != ""
	for _, extent := range info.Specific.Data.Extents {
		points = points || extent.Filename != d.path
	}
	switch {
	case points || info.Format != d.format:
		return cannotUse("a disk of it points at another file, or its header is broken")
	case info.Size <= 0 || info.Size > mostDisk:
		return cannotUse("a disk of it has a size that no disk has")
	}
	return nil
}

// formatOf reads the format of a disk that came in an archive.
func formatOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && n == 0 {
		return "", cannotUse("a disk of it is empty")
	}
	format, err := recognize(head[:n])
	if err == nil && format == "" {
		err = cannotUse("a disk of it has a format that is not known")
	}
	return format, err
}

// isTar recognizes the head of a tar archive (POSIX.1-1988, "ustar").
func isTar(head []byte) bool {
	return len(head) == 512 && strings.HasPrefix(string(head[257:]), "ustar")
}
