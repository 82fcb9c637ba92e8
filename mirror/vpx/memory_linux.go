//go:build amd64 || arm64

package vpx

import "github.com/ebitengine/purego"

// givesBack has malloc give a megabyte and more in pages of their own, which go
// back to the system when they are freed (mallopt(3), M_MMAP_THRESHOLD). By itself
// glibc raises that bound to what was freed once, and then each thread's heap
// keeps most of the 110 MB of every encoder that was opened on it. Another libc
// has no such function, and needs none.
func givesBack() {
	symbol, err := purego.Dlsym(purego.RTLD_DEFAULT, "mallopt")
	if err != nil {
		return
	}
	var mallopt func(param, value int32) int32
	purego.RegisterFunc(&mallopt, symbol)
	const mmapThreshold = -3
	mallopt(mmapThreshold, 1<<20)
}
