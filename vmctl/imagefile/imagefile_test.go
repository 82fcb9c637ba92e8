package imagefile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"hither/fusion"
	"hither/internal/expect"
	"hither/internal/guest"
)

func qcow2(backing, incompatible uint64) []byte {
	b := make([]byte, headerBytes)
	copy(b, "QFI\xfb")
	binary.BigEndian.PutUint32(b[4:], 3)
	binary.BigEndian.PutUint64(b[8:], backing)
	binary.BigEndian.PutUint64(b[24:], 64<<20)
	binary.BigEndian.PutUint64(b[72:], incompatible)
	return b
}

func rawDisk(size int) []byte {
	disk := make([]byte, size)
	disk[510], disk[511] = 0x55, 0xaa // its boot signature
	return disk
}

func TestImageHeaders(t *testing.T) {
	for name, c := range map[string]struct {
		data   []byte
		format string
		size   int64
		err    error
	}{
		"raw":      {[]byte("\xeb\x63\x90 boot"), Raw, 0, nil},
		"empty":    {nil, Raw, 0, nil},
		"qcow2":    {qcow2(0, 0), Qcow2, 64 << 20, nil},
		"backing":  {qcow2(512, 0), "", 0, ErrPointing},
		"external": {qcow2(0, 4), "", 0, ErrPointing},
		"cut":      {qcow2(0, 0)[:50], "", 0, ErrBroken},
		"vmdk":     {[]byte("# Disk DescriptorFile\nRW 1 FLAT \"/etc/passwd\""), "", 0, ErrForeign},
	} {
		h, err := parseHeader(c.data)
		if !errors.Is(err, c.err) || h.Format != c.format || h.Size != c.size {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte("QFI\xfb"))
	f.Add(qcow2(0, 0))
	f.Add(qcow2(1, 4))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := parseHeader(data)
		if err == nil && h.Format == Qcow2 && (h.Size < 0 || bytes.Count(data[8:16], []byte{0}) != 8) {
			t.Errorf("%+v", h)
		}
	})
}

func TestInspect(t *testing.T) {
	cd := make([]byte, 64<<10)
	copy(cd[isoMarkAt:], isoMark)
	for name, c := range map[string]struct {
		data   []byte
		format fusion.ImageFormat
		disk   int64
		err    error
	}{
		"raw":    {rawDisk(1 << 20), fusion.Raw, 1 << 20, nil},
		"qcow2":  {qcow2(0, 0), fusion.Qcow2, 64 << 20, nil},
		"iso":    {cd, fusion.ISO, 0, nil},
		"text":   {[]byte("hello"), "", 0, ErrNoImage},
		"zip":    {[]byte("PK\x03\x04 and so on"), "", 0, ErrPacked},
		"points": {qcow2(512, 0), "", 0, ErrPointing},
	} {
		path := filepath.Join(t.TempDir(), "image")
		expect.OK(t, os.WriteFile(path, c.data, 0o600))
		format, disk, err := Inspect(path)
		if format != c.format || disk != c.disk || err != c.err {
			t.Errorf("%s: %q, %d, %v", name, format, disk, err)
		}
	}
}

func TestReadBacking(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "o")
	for base, want := range map[string]string{"b": filepath.Join(dir, "b"), "/x/y": "/x/y", "file:/x": "/x", "nbd://h/x": "nbd://h/x", "json:{}": "json:{}", "../b": filepath.Join(filepath.Dir(dir), "b")} {
		guest.Overlay(t, path, base)
		if size, got, err := ReadBacking(path); err != nil || got != want || size != 1<<30 {
			t.Errorf("%s: %q, %d, %v", base, got, size, err)
		}
	}
	guest.Overlay(t, path, path) // a circle
	if got := Chain(path); len(got) != maxChain {
		t.Errorf("%d", len(got))
	}
	broken := bytes.Repeat([]byte{0xff}, 64)
	copy(broken, "QFI\xfb")
	expect.OK(t, os.WriteFile(path, broken, 0o600))
	if _, _, err := ReadBacking(path); err == nil {
		t.Error("a broken header was read")
	}
	if _, _, err := ReadBacking(dir); err == nil {
		t.Error("a directory was read")
	}
}
