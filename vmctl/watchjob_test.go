package vmctl

import (
	"testing"

	"hither/fusion"
)

func TestProgressGoesOnWhileQEMUIsSilent(t *testing.T) {
	var sent int64
	f := figure{step: "copies", carried: func() int64 { return sent }}
	want := func(done, total int64) {
		t.Helper()
		if p := f.now(); p != (fusion.Progress{Step: "copies", Done: done, Total: total}) {
			t.Errorf("%+v, not %d of %d", p, done, total)
		}
	}
	sent = 100
	want(0, 0) // QEMU has not said anything yet
	f.ask()
	f.told(fusion.Progress{Done: 80, Total: 1000})
	want(80, 1000)
	sent = 300
	want(280, 1000)
	f.ask()
	f.told(fusion.Progress{}) // between two jobs
	want(280, 1000)
	f.told(fusion.Progress{Done: 500, Total: 1000}) // holes were skipped
	want(500, 1000)
	f.ask()
	sent = 600
	want(800, 1000)
	f.told(fusion.Progress{Done: 310, Total: 1000}) // it is from when it was asked, and memory changed
	want(800, 1000)
	sent = 1200
	want(1000, 1000)
	f.ask()
	f.told(fusion.Progress{Done: 10, Total: 50}) // another job
	want(10, 50)
}
