package carry

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"hither/fusion"
)

// spoken is a carrier from which fixed bytes come, and into which all goes.
type spoken struct{ *bytes.Reader }

func (spoken) Write(b []byte) (int, error) { return len(b), nil }
func (spoken) CloseWrite() error           { return nil }
func (spoken) Reset() error                { return nil }

// FuzzServe gives arbitrary bytes to the side that takes carriers, twice, as the
// second may be another carrier of the same stream.
func FuzzServe(f *testing.F) {
	data := append(appendAt(nil, frameData, 0, 5), "hello"...)
	f.Add(append(opening(1).encode(), data...), append(opening(1).encode(), data...))
	again := opening(1)
	again.attach, again.received = 2, 5
	f.Add(append(opening(1).encode(), appendConsumed(data, 3, firstWindow)...), append(again.encode(), appendAt(appendConsumed(nil, 5, maxWindow), frameFin, 5, 0)...))
	f.Add(append(opening(1).encode(), appendHead(nil, frameStop, 0)...), append(again.encode(), appendHead(nil, frameBlocked, 0)...))
	f.Add(append(opening(2).encode(), appendHead(data, frameReset, 1)...), append(appendHead(nil, 99, 3), "xyz"...))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		e := New(Config{ID: nas, Dial: func(context.Context, fusion.HostID, Carrier) (Carrier, error) { return nil, nil }, Patience: time.Hour})
		l := e.Listen(talk)
		e.Serve(laptop, spoken{bytes.NewReader(first)})
		select {
		case s := <-l.streams:
			s.accept()
			s.SetDeadline(time.Unix(1, 0))
			s.Write([]byte("answer"))
			s.SetDeadline(time.Time{})
			s.Write([]byte("answer"))
		default:
		}
		e.Serve(laptop, spoken{bytes.NewReader(second)})
		if held := e.heldBy(laptop); held > int64(len(first)+len(second)) {
			t.Errorf("%d bytes are held", held)
		}
		e.Close()
	})
}

func (e *Endpoint) heldBy(id fusion.HostID) int64 {
	e.mu.Lock()
	known := e.remotes[id] != nil
	e.mu.Unlock()
	if !known {
		return 0
	}
	return e.held(id)
}

// FuzzConnect gives arbitrary bytes to the side that opened a stream.
func FuzzConnect(f *testing.F) {
	yes := answer{code: accepted, boot: 1}.encode()
	f.Add(append(append(yes, appendAt(nil, frameData, 0, 5)...), "hello"...), true)
	f.Add(appendConsumed(yes, 5, firstWindow), true)
	f.Add(appendAt(appendConsumed(yes, 0, firstWindow), frameFin, 0, 0), false)
	f.Add(answer{code: later}.encode(), false)
	f.Add(answer{code: tooMany}.encode(), true)
	f.Fuzz(func(t *testing.T, b []byte, closes bool) {
		e := New(Config{ID: laptop, Dial: func(context.Context, fusion.HostID, Carrier) (Carrier, error) { return nil, nil }})
		s, err := e.Open(nas, talk)
		if err != nil {
			t.Fatal(err)
		}
		s.Write([]byte("hello"))
		s.Connect(t.Context(), spoken{bytes.NewReader(b)})
		if closes {
			s.Close()
		}
		s.SetReadDeadline(time.Now().Add(time.Millisecond))
		if got, _ := io.ReadAll(s); len(got) > len(b) {
			t.Errorf("%d bytes of %d", len(got), len(b))
		}
		s.Reset()
		e.Close()
	})
}
