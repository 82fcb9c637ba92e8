package largepage

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// heapStart is how much of the heap comes in huge pages: a node and a viewer have about
// as much when they have started.
const heapStart = 8 << 20

// Heap lets the beginning of the heap, which fills first, come in huge pages. It is for
// the beginning of main. See madvise(2) and Go's runtime/mheap.go, which maps the heap as
// it grows.
func Heap() {
	b := make([]byte, heapStart) // mapped, not touched
	advise(b, unix.MADV_HUGEPAGE)
	runtime.KeepAlive(b)
}

// Make gives n bytes, all 0, in huge pages if they are many. Up to 4 MiB more are
// reserved, of which less than 2 are touched.
func Make(n int) []byte {
	if n < size {
		return make([]byte, n)
	}
	whole := (n + size - 1) &^ (size - 1)
	b := make([]byte, whole+size)
	from := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (size - 1)
	advise(b[from:from+whole], unix.MADV_HUGEPAGE)
	return b[from : from+n : from+n]
}

// Populate brings all pages of memory that is mapped, as shared memory is, at once. What
// is there stays. It needs Linux 5.14.
func Populate(b []byte) { advise(b, unix.MADV_POPULATE_WRITE) }

// advise tells the kernel of the whole base pages in b. An error is one of a kernel that
// cannot: nothing depends on it.
func advise(b []byte, advice int) {
	page := os.Getpagesize()
	from := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (page - 1)
	if to := from + (len(b)-from)&^(page-1); from < to {
		_ = unix.Madvise(b[from:to], advice)
	}
}
