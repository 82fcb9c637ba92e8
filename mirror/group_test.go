package mirror

import (
	"image"
	"testing"
	"time"

	"hither/fusion"
	"hither/mirror/wire"
)

// groups counts the groups of the only screen.
func groups(t *testing.T, s *Server) int {
	t.Helper()
	all := s.all()
	if len(all) != 1 {
		t.Fatalf("%d screens", len(all))
	}
	all[0].mu.Lock()
	defer all[0].mu.Unlock()
	return len(all[0].groups)
}

func TestViewsThatShowTheSameShareTheirFrames(t *testing.T) {
	s, f, _ := serve(t, 300, 200)
	a, b := watch(t, s, fusion.ViewOptions{}), watch(t, s, fusion.ViewOptions{})
	a.shows(f)
	b.shows(f)
	for i := range 3 {
		f.fill(image.Rect(i, i, i+40, i+40), byte(i+1))
		a.shows(f)
		b.shows(f)
	}
	if n := groups(t, s); n != 1 {
		t.Errorf("%d groups of two views that keep up", n)
	}
}

func TestASlowViewIsLeftBehindAndComesBack(t *testing.T) {
	s, f, _ := serve(t, 300, 200)
	fast, slow := watch(t, s, fusion.ViewOptions{}), watch(t, s, fusion.ViewOptions{})
	fast.shows(f)
	slow.shows(f)
	slow.ack = false
	for i := range 10 { // the fast one waits for nobody
		f.fill(image.Rect(i, i, i+40, i+40), byte(i+1))
		fast.shows(f)
	}
	if n := groups(t, s); n != 2 {
		t.Errorf("%d groups of a fast and a slow view", n)
	}
	slow.ack = true
	for !slow.same(f) {
		if slow.seq > 0 {
			slow.say(wire.Ack{Seq: slow.seq})
		}
		slow.hear()
	}
	for i := range inStep + 3 {
		f.fill(image.Rect(i, i, i+40, i+40), byte(i+101))
		fast.shows(f)
		slow.shows(f)
	}
	if n := groups(t, s); n != 1 {
		t.Errorf("%d groups of two views that keep up again", n)
	}
}

func TestTheWindowFillsALongPathAndLeavesAQueueAlone(t *testing.T) {
	const rtt = 100 * time.Millisecond
	var w window
	now := time.Now()
	seq := uint32(0)
	turn := func(took time.Duration) { // as many frames as may be, all answered
		first := seq
		for w.open() {
			seq++
			w.send(100, now)
		}
		now = now.Add(took)
		for n := first + 1; n <= seq; n++ {
			w.ack(n, now)
		}
	}
	for range 200 {
		turn(rtt)
	}
	if w.size != most {
		t.Errorf("%d frames under way on a path without a queue", w.size)
	}
	for range 10 {
		turn(3 * rtt)
	}
	if w.size != fewest {
		t.Errorf("%d frames under way on a path with a queue", w.size)
	}
}

func TestAnAckOfWhatWasNotSentIsRefused(t *testing.T) {
	var w window
	w.send(100, time.Now())
	for _, seq := range []uint32{2, 1 << 31} {
		if w.known(seq) {
			t.Errorf("%d is taken for known", seq)
		}
	}
	w.ack(1, time.Now())
	if !w.known(1) || w.known(0) {
		t.Error("only the last is known twice")
	}
}
