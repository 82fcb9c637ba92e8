package carry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"hither/fusion"
)

// sink takes a part of what it is offered at once, or nothing, while carriers are cut.
type sink struct {
	cutting
	tried int
	fail  error
}

func (s *sink) TryWrite(b []byte) (int, error) {
	s.tried++
	if s.fail != nil {
		return 0, s.fail
	}
	n := s.w.between(0, len(b))
	return s.to.Write(b[:n])
}

func (s *sink) Write(b []byte) (int, error) {
	if s.fail != nil {
		return 0, s.fail
	}
	return s.cutting.Write(b)
}

// TestCopyToASink: what is written as it comes is whole and in order, and counted.
func TestCopyToASink(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(seed)
			defer w.close()
			near, far := w.open(t)
			text := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
			go func() {
				for at := 0; at < len(text); {
					some := text[at:min(len(text), at+w.between(1, 100<<10))]
					at += len(some)
					io.Copy(near, struct{ io.Reader }{bytes.NewReader(some)})
					if w.between(0, 3) == 0 {
						time.Sleep(time.Millisecond) // so that the sink waits now and then
					}
				}
				near.Close()
			}()
			var got bytes.Buffer
			to := &sink{cutting: cutting{&got, w}}
			if n, err := io.Copy(to, far); err != nil || n != int64(len(text)) || !bytes.Equal(got.Bytes(), text) {
				t.Errorf("%d bytes, %v", n, err)
			}
			if to.tried == 0 {
				t.Error("it was never tried")
			}
			far.Close()
			w.settle()
			w.nothingLeft(t)
		})
	}
}

// TestASinkThatFails: the error is WriteTo's.
func TestASinkThatFails(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, near, far *Stream) {
		var got bytes.Buffer
		bad := errors.New("bad")
		go func() {
			time.Sleep(time.Second) // of the world: WriteTo waits by then
			near.Write([]byte("x"))
		}()
		if n, err := io.Copy(&sink{cutting: cutting{&got, w}, fail: bad}, far); n != 0 || !errors.Is(err, bad) {
			t.Errorf("%d bytes, %v", n, err)
		}
		near.Reset()
		far.Reset()
		w.settle()
		w.nothingLeft(t)
	})
}

// busyCarrier wants to know when it carries much.
type busyCarrier struct {
	Carrier
	told int
}

func (c *busyCarrier) Busy() { c.told++ }

// TestABusyStreamIsOfferedAnother: Dial is asked when a carrier has become busy, and the
// stream goes on over what it gives.
func TestABusyStreamIsOfferedAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.close()
		pipe, _ := w.dial(t.Context(), nas, nil)
		first, asked := &busyCarrier{Carrier: pipe}, 0
		w.laptop.cfg.Dial = func(ctx context.Context, id fusion.HostID, now Carrier) (Carrier, error) {
			if asked++; now == Carrier(first) && first.told > 0 {
				w.set(func() { w.better = true })
			}
			return w.dial(ctx, id, now)
		}
		near, err := w.laptop.Open(nas, talk)
		if err == nil {
			err = near.Connect(t.Context(), first)
		}
		if err != nil {
			t.Fatal(err)
		}
		far, err := w.listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			near.Write(make([]byte, busyBytes+firstWindow))
			near.Close()
		}()
		if n, err := io.Copy(io.Discard, struct{ io.Reader }{far}); err != nil || n != busyBytes+firstWindow {
			t.Errorf("%d bytes, %v", n, err)
		}
		far.Close()
		w.settle()
		if first.told != 1 || asked == 0 || w.made != 2 {
			t.Errorf("told %d times, asked %d times, %d carriers", first.told, asked, w.made)
		}
		w.nothingLeft(t)
	})
}
