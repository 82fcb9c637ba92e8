package guest

import (
	"encoding/binary"
	"os"
	"testing"
)

// Overlay writes the head of a qcow2 of 1 GiB at path that is built on base (QEMU's
// docs/interop/qcow2.txt). No machine can run with it.
func Overlay(t testing.TB, path, base string) {
	t.Helper()
	head := make([]byte, 512)
	copy(head, "QFI\xfb\x00\x00\x00\x03")
	binary.BigEndian.PutUint64(head[8:], 200)
	binary.BigEndian.PutUint32(head[16:], uint32(len(base)))
	binary.BigEndian.PutUint64(head[24:], 1<<30)
	copy(head[200:], base)
	if err := os.WriteFile(path, head, 0o600); err != nil {
		t.Fatal(err)
	}
}
