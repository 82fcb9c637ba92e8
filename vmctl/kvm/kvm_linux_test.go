package kvm

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestProbeGuest assembles the guest anew: what is embedded is what the source says.
func TestProbeGuest(t *testing.T) {
	dir := t.TempDir()
	object, image := filepath.Join(dir, "guest.o"), filepath.Join(dir, "guest.bin")
	for _, argv := range [][]string{
		{"as", "--64", "probe/guest.S", "-o", object},
		{"ld", "-m", "elf_x86_64", "-Ttext", "0x7c00", "--oformat", "binary", "-o", image, object},
	} {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", argv, err, out)
		}
	}
	made, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made, probeGuest) || len(made) != 512 {
		t.Errorf("probe/guest.bin is not what probe/guest.S gives: %d and %d bytes", len(probeGuest), len(made))
	}
}
