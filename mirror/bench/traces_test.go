//go:build linux

package main

import "testing"

func TestGoroutines(t *testing.T) {
	const trace = `SIGQUIT: quit

goroutine 0 [idle]:
runtime.futex(0x1)

goroutine 7 [sync.Cond.Wait, 2 minutes]:
sync.runtime_notifyListWait(0xc0, 0x1)
	/go/src/runtime/sema.go:606 +0x15d
hither/mirror.(*view).next(0xc000140000)
	/hither/mirror/view.go:125 +0x10b
hither/mirror.(*view).Read(...)
	/hither/mirror/view.go:100
created by main.(*served).stream in goroutine 1
	/hither/mirror/bench/serve.go:81 +0x53

goroutine 9 [select]:
net/http.serve()
	/go/src/net/http/server.go:1 +0x1
`
	const want = "goroutine 7 [sync.Cond.Wait, 2 minutes]: ← mirror.(*view).next ← mirror.(*view).Read"
	if got := goroutines(trace); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
