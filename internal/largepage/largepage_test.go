package largepage

import (
	"bytes"
	"runtime"
	"testing"
)

// TestMake: pieces of all sizes around huge pages are zero, as long as asked, end where
// they say and do not overlap; what was there before is not seen.
func TestMake(t *testing.T) {
	Heap()
	for _, n := range []int{0, 1, 4096, size - 1, size, size + 1, 1920 * 1080 * 4, 4*size - 1, 4 * size} {
		for range 4 {
			a, b := Make(n), Make(n)
			if len(a) != n || cap(a) != n {
				t.Fatalf("%d bytes: %d, room for %d", n, len(a), cap(a))
			}
			zero := make([]byte, n)
			if !bytes.Equal(a, zero) || !bytes.Equal(b, zero) {
				t.Errorf("%d bytes are not all 0", n)
			}
			ones := bytes.Repeat([]byte{1}, n)
			copy(a, ones)
			if !bytes.Equal(b, zero) {
				t.Errorf("two pieces of %d bytes overlap", n)
			}
			Populate(a)
			if !bytes.Equal(a, ones) {
				t.Errorf("%d bytes changed as they were populated", n)
			}
		}
		runtime.GC() // the next ones come where these were
	}
}
