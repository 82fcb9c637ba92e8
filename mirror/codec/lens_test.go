package codec

import (
	"image"
	"testing"
	"time"
)

// TestALensIsNotKeptForNothing opens encoders that no film uses, that one uses,
// and that one no longer does.
func TestALensIsNotKeptForNothing(t *testing.T) {
	needVPX(t)
	var l lens
	small, large := image.Pt(64, 48), image.Pt(320, 240)
	resting := func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.resting != nil
	}
	l.open(small, false)
	<-l.opening
	if !resting() {
		t.Error("one that nothing uses is kept")
	}
	if ready, err := l.set(small, small, false, false); !ready || err != nil || resting() {
		t.Fatalf("what was opened is not used: %v %v", ready, err)
	}
	if ready, err := l.set(large, large, false, false); ready || err != nil {
		t.Fatalf("the small one serves a large film: %v %v", ready, err)
	}
	<-l.opening
	if resting() {
		t.Error("one may expire while a film goes on")
	}
	for _, size := range []image.Point{large, small, large} {
		if ready, err := l.set(size, large, false, false); !ready || err != nil || !l.fresh {
			t.Fatalf("%v: %v %v", size, ready, err)
		}
	}
	l.rest()
	if !resting() {
		t.Error("it is kept at rest")
	}
	l.expire()
	if l.encoder != nil || l.serves(small, false) {
		t.Error("it did not expire")
	}
	began := time.Now()
	if ready, err := l.set(small, small, false, true); !ready || err != nil {
		t.Errorf("it was not opened again in %v: %v", time.Since(began), err)
	}
	l.open(large, false)
	if err := l.close(); err != nil {
		t.Error(err)
	}
	if l.encoder != nil || l.next.encoder != nil || resting() {
		t.Error("something stays open")
	}
}
