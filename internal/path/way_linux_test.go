package path

import (
	"bytes"
	"testing"
	"time"
)

func TestPacketsAreLostAndLate(t *testing.T) {
	const n = 100_000
	delay := 20 * time.Millisecond
	w := newWay(Shape{Delay: delay, Loss: 0.01}, 1)
	for i := range n {
		w.put([]byte{1}, int64(i))
	}
	c := w.counted()
	if c.Packets != n || c.Bytes != n || c.Lost < n/125 || c.Lost > n/80 {
		t.Errorf("%+v", c)
	}
	line, ok := w.take()
	if !ok || len(line) != n-int(c.Lost) {
		t.Fatal(ok, len(line))
	}
	if d := line[0].due; d < int64(delay) || d > int64(delay)+n {
		t.Error(d)
	}
	// A shorter delay reorders nothing.
	w.set(Shape{})
	w.put([]byte{2}, n)
	if line, _ := w.take(); line[0].due < int64(delay) {
		t.Error(line[0].due)
	}
}

func TestRateFillsTheQueue(t *testing.T) {
	w := newWay(Shape{Rate: 1000, Queue: 500}, 1)
	for range 8 {
		w.put(make([]byte, 100), 0)
	}
	line, _ := w.take()
	if c := w.counted(); len(line) != 6 || c.Full != 2 {
		t.Error(len(line), c)
	}
	for i, p := range line {
		if want := int64(i+1) * int64(100*time.Millisecond); p.due != want {
			t.Errorf("packet %d is due at %d, not at %d", i, p.due, want)
		}
	}
}

func TestDrainKeepsTime(t *testing.T) {
	w := newWay(Shape{Delay: 30 * time.Millisecond}, 1)
	start := now()
	w.put([]byte("a"), start)
	w.put([]byte("b"), start)
	var out bytes.Buffer
	line, _ := w.take()
	w.line = line
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.drain(writerFunc(func(b []byte) (int, error) {
			if now()-start < int64(30*time.Millisecond) {
				t.Error("too early")
			}
			if out.Write(b); out.Len() == 2 {
				w.close()
			}
			return len(b), nil
		}))
	}()
	<-done
	if out.String() != "ab" {
		t.Error(out.String())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
