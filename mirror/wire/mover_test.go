package wire

import (
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/synctest"

	"hither/fusion"
)

// movers gives both sides of a view over a pair, and the two ends of another.
func movers() (a, b *Mover, x, y fusion.Pipe) {
	first, second := Pair()
	x, y = Pair()
	return NewMover(first), NewMover(second), x, y
}

// TestMoveLosesNothing moves while both sides write as fast as they can.
func TestMoveLosesNothing(t *testing.T) {
	a, b, x, y := movers()
	const n = 2000
	followed := make(chan struct{})
	errs := make(chan error, 4)
	go func() {
		errs <- writePings(a, n, n/2, func() error {
			if !a.Offer(x) {
				return errors.New("the offer was not taken")
			}
			return a.Move()
		})
	}()
	go func() { // one message goes over the other pipe for sure
		errs <- writePings(b, n, n-1, func() error { <-followed; return nil })
	}()
	go func() { errs <- readPings(a, n, -1, nil) }()
	go func() {
		errs <- readPings(b, n, n/4, func() {
			go func() {
				if !b.Offer(y) {
					t.Error("the offer was not taken")
				}
				for b.at() != y {
					runtime.Gosched()
				}
				close(followed)
			}()
		})
	}()
	for range 4 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	if a.in != x || a.out != x || b.in != y || b.out != y {
		t.Error("not both sides moved")
	}
	a.Close()
	if _, err := b.Read(); err != io.EOF {
		t.Error(err)
	}
	b.Close()
	if a.Offer(x) {
		t.Error("a closed pipe took an offer")
	}
}

// at is where what is written goes.
func (m *Mover) at() fusion.Pipe {
	m.writing.Lock()
	defer m.writing.Unlock()
	return m.out
}

// writePings writes n pings, and does something before one of them.
func writePings(p fusion.Pipe, n, at int, do func() error) error {
	for i := range n {
		if i == at {
			if err := do(); err != nil {
				return err
			}
		}
		if err := p.Write(Ping{ID: uint64(i)}.Append(nil)); err != nil {
			return err
		}
	}
	return nil
}

// readPings reads them in order, and does something after one of them.
func readPings(p fusion.Pipe, n, at int, do func()) error {
	for i := range n {
		got, err := p.Read()
		if err != nil {
			return err
		}
		if string(got) != string(Ping{ID: uint64(i)}.Append(nil)) {
			return errors.New("a message out of order")
		}
		if i == at {
			do()
		}
	}
	return nil
}

// TestMoveToNowhere: a side that only says that it moves ends its view.
func TestMoveToNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, other := Pair()
		m := NewMover(first)
		if err := other.Write([]byte{moved}); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Read(); !errors.Is(err, fusion.ErrInvalid) {
			t.Error(err)
		}
		m.Close()
	})
}

func TestCloseWakesAMove(t *testing.T) {
	first, other := Pair()
	m := NewMover(first)
	if err := other.Write([]byte{moved}); err != nil {
		t.Fatal(err)
	}
	read := make(chan error)
	go func() {
		_, err := m.Read()
		read <- err
	}()
	m.Close()
	if err := <-read; err != io.EOF {
		t.Error(err)
	}
}
