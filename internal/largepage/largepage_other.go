//go:build !linux

package largepage

// Heap does nothing here.
func Heap() {}

// Make gives n bytes, all 0.
func Make(n int) []byte { return make([]byte, n) }

// Populate does nothing here.
func Populate([]byte) {}
