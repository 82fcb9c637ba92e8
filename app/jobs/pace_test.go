package jobs

import (
	"testing"
	"time"

	"hither/fusion"
)

func TestPace(t *testing.T) {
	var p pace
	now := time.Now()
	at := func(after time.Duration, step string, done, total int64) fusion.Progress {
		now = now.Add(after)
		return p.with(now, fusion.Progress{Step: step, Done: done, Total: total})
	}
	if first := at(0, "copies", 1000, 100_000); first.Rate != 0 || first.Left != 0 {
		t.Errorf("nobody knows yet: %+v", first)
	}
	if soon := at(time.Millisecond, "copies", 2000, 100_000); soon.Rate != 0 || soon.Left != 0 {
		t.Errorf("too soon to say: %+v", soon)
	}
	var last fusion.Progress
	for i := range 20 {
		last = at(500*time.Millisecond, "copies", 2000+int64(i+1)*500, 100_000)
	}
	if last.Rate < 990 || last.Rate > 1010 || last.Left < 87 || last.Left > 89 {
		t.Errorf("500 bytes each half second, 88,000 to go: %+v", last)
	}
	if back := at(500*time.Millisecond, "copies", 2000, 100_000); back.Rate <= 0 || back.Rate >= last.Rate || back.Left <= last.Left {
		t.Errorf("some of it again: %+v", back)
	}
	if next := at(time.Second, "checks", 0, 10); next.Rate != 0 || next.Left != 0 {
		t.Errorf("another step: %+v", next)
	}
	if whole := at(time.Second, "checks", 10, 10); whole.Rate != 10 || whole.Left != 0 {
		t.Errorf("all of it: %+v", whole)
	}
	if unknown := at(time.Second, "checks", 20, 0); unknown.Rate != 10 || unknown.Left != 0 {
		t.Errorf("of nobody knows how much: %+v", unknown)
	}
	for range 400 {
		last = at(time.Second, "checks", 20, 1<<50)
	}
	if last.Left != 0 {
		t.Errorf("it stands still: %+v", last)
	}
}
