package guest

import (
	"os"
	"testing"
)

// Burner writes a raw disk of size bytes at path whose boot sector loops for ever, so
// that its machine uses all of one processor.
func Burner(t testing.TB, path string, size int64) {
	t.Helper()
	boot := make([]byte, sector)
	copy(boot, []byte{0xfa, 0xeb, 0xfe}) // cli; here: jmp here
	boot[510], boot[511] = 0x55, 0xaa
	err := os.WriteFile(path, boot, 0o600)
	if err == nil {
		err = os.Truncate(path, size)
	}
	if err != nil {
		t.Fatal(err)
	}
}
