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

// stranger speaks the wire by hand to nas, as laptop.
type stranger struct {
	*pipeEnd
	t  *testing.T
	id ID
}

func speak(t *testing.T, w *world, h hello) *stranger {
	t.Helper()
	near, far := newPipe(-1, -1, 0)
	near.room = 32 << 20
	w.served.Go(func() { w.nas.Serve(laptop, far) })
	s := &stranger{near, t, h.id}
	s.write(h.encode())
	return s
}

func (s *stranger) write(b []byte) {
	s.t.Helper()
	if _, err := s.pipeEnd.Write(b); err != nil {
		s.t.Log("the other side has ended it:", err)
	}
}

func (s *stranger) answer() answer {
	s.t.Helper()
	a, err := readAnswer(s)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// wantReset reads frames until the stream is reset.
func (s *stranger) wantReset(want code) {
	s.t.Helper()
	for {
		var head [headSize]byte
		if _, err := io.ReadFull(s, head[:]); err != nil {
			s.t.Errorf("no reset: %v", err)
			return
		}
		kind, size := parseHead(head)
		body := make([]byte, size)
		io.ReadFull(s, body)
		if kind == frameReset {
			if code(body[0]) != want {
				s.t.Errorf("reset: %v, want %v", code(body[0]), want)
			}
			return
		}
	}
}

func opening(id byte) hello {
	return hello{flags: flagOpen, attach: 1, id: ID{id}, boot: 1, protocol: talk}
}

// TestRulesOfTheWire: who breaks one loses the stream, and nothing stays.
func TestRulesOfTheWire(t *testing.T) {
	data := func(at uint64, size int) []byte {
		return append(appendAt(nil, frameData, at, size), make([]byte, size)...)
	}
	for name, frames := range map[string][]byte{
		"a gap":                      data(1, 1),
		"no data":                    appendAt(nil, frameData, 0, 0),
		"a short head of data":       appendHead(nil, frameData, 3),
		"data after the end":         append(appendAt(nil, frameFin, 0, 0), data(0, 1)...),
		"an end with a gap":          appendAt(nil, frameFin, 5, 0),
		"an end before":              append(data(0, 10), appendAt(nil, frameFin, 5, 0)...),
		"an offset that wraps":       data(1<<64-1, 2),
		"more than the window":       bytes.Join([][]byte{data(0, 50000), data(50000, 50000), data(100000, 50000), data(150000, 50000), data(200000, 50000), data(250000, 50000)}, nil),
		"acknowledges what is not":   appendConsumed(nil, 6, firstWindow),
		"acknowledges backwards":     append(appendConsumed(nil, 5, firstWindow), appendConsumed(nil, 4, firstWindow)...),
		"takes the window back":      appendConsumed(nil, 5, 100),
		"acknowledges an unsent end": appendConsumed(nil, 7, firstWindow),
		"a long acknowledgement":     appendHead(nil, frameConsumed, 13),
		"a long reset":               appendHead(nil, frameReset, 2),
		"a long stop":                appendHead(nil, frameStop, 1),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1)
				defer w.close()
				s := speak(t, w, opening(1))
				if a := s.answer(); a.code != accepted {
					t.Fatal(a)
				}
				far, err := w.listener.Accept()
				if err != nil {
					t.Fatal(err)
				}
				mustWrite(t, far.(*Stream), []byte("hello"))
				synctest.Wait()
				s.write(frames)
				s.wantReset(broken)
				if _, err := io.ReadAll(far); err != nil && !errors.Is(err, ErrReset) {
					t.Error(err)
				}
				if _, err := far.Write([]byte("x")); !errors.Is(err, ErrReset) {
					t.Error(err)
				}
				far.Close()
				synctest.Wait()
				w.nothingLeft(t)
			})
		})
	}
}

func TestHelloRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.close()
		if a := speak(t, w, opening(1)).answer(); a.code != accepted {
			t.Fatal(a)
		}
		refused := func(want code, change func(h *hello)) {
			t.Helper()
			h := opening(1)
			h.attach = 2
			change(&h)
			if a := speak(t, w, h).answer(); a.code != want {
				t.Errorf("answer %v, want %v", a.code, want)
			}
		}
		refused(stale, func(h *hello) { h.attach = 1 })
		refused(stale, func(h *hello) { h.attach = 0 })
		refused(unknown, func(h *hello) { h.id = ID{2}; h.flags = 0 })
		refused(unknown, func(h *hello) { h.id = ID{2}; h.received = 1 })
		refused(unknown, func(h *hello) { h.id = ID{2}; h.attach = 0 })
		refused(unknown, func(h *hello) { h.id = ID{2}; h.flags |= flagReset })
		refused(noProtocol, func(h *hello) { h.id = ID{2}; h.protocol = "/none" })
		refused(broken, func(h *hello) { h.received = 1 }) // nothing was sent
		refused(unknown, func(h *hello) { h.flags = 0 })   // and the stream is gone

		// A stream of somebody else is unknown, whatever ID is named.
		mine, err := w.nas.Open("phone", talk)
		if err != nil {
			t.Fatal(err)
		}
		refused(unknown, func(h *hello) { h.id, h.flags = mine.id, 0 })
		mine.Reset()

		old := speak(t, w, opening(3))
		if a := old.answer(); a.code != accepted {
			t.Fatal(a)
		}
		h := opening(3)
		h.attach = 2
		if a := speak(t, w, h).answer(); a.code != accepted {
			t.Fatal(a)
		}
		if _, err := io.ReadAll(old); err == nil {
			t.Error("the carrier before goes on")
		}
		s := speak(t, w, opening(4))
		if a := s.answer(); a.code != accepted {
			t.Fatal(a)
		}
		s.write(append(appendHead(nil, 200, 5), "later"...)) // a frame of a later release is skipped
		s.write(append(appendHead(nil, frameReset, 1), byte(aborted)))
		bad := speak(t, w, hello{})
		bad.Reset()
		v := opening(5).encode()
		v[0] = 9
		near, far := newPipe(-1, -1, 0)
		w.served.Go(func() { w.nas.Serve(laptop, far) })
		near.Write(v)
		if a, err := readAnswer(near); err != nil || a.code != oldVersion {
			t.Error(a, err)
		}
	})
}

// TestSilentHello: a carrier that says nothing, or half of its hello, is ended.
func TestSilentHello(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.close()
		near, far := newPipe(-1, -1, 0)
		w.served.Go(func() { w.nas.Serve(laptop, far) })
		near.Write(opening(1).encode()[:20])
		began := time.Now()
		if _, err := near.Read(make([]byte, 1)); err == nil {
			t.Error("an answer")
		}
		if waited := time.Since(began); waited != answerTime {
			t.Errorf("ended after %v", waited)
		}
	})
}

// TestFlood opens as many streams as it can and fills each as far as it is let,
// while nobody reads: what that costs is bounded, and another computer is served.
func TestFlood(t *testing.T) {
	w := newWorld(1)
	defer w.close()
	accepting := make(chan struct{})
	go func() { // a program that accepts and does not read
		defer close(accepting)
		for {
			if _, err := w.listener.Accept(); err != nil {
				return
			}
		}
	}()
	defer func() { w.listener.Close(); <-accepting }()
	const size = 60000
	payload := make([]byte, size)
	before := heap()
	var all []*stranger
	codes := map[code]int{}
	for i := range maxStreams + 100 {
		h := opening(1)
		h.id = ID{byte(i), byte(i >> 8), 1}
		s := speak(t, w, h)
		s.mu.Lock()
		s.room = 4 << 10 // what waits for nas is not what nas holds
		s.mu.Unlock()
		a := s.answer()
		if codes[a.code]++; a.code == accepted {
			all = append(all, s)
			s.write(appendAt(nil, frameData, 0, size))
			s.write(payload)
		}
	}
	if codes[accepted] != maxStreams || codes[tooMany] != 100 {
		t.Errorf("answers: %v", codes)
	}
	for _, s := range all { // more than all may hold together: those are reset
		for at := uint64(size); at+size < firstWindow; at += size {
			if _, err := s.pipeEnd.Write(appendAt(nil, frameData, at, size)); err != nil {
				break
			}
			if _, err := s.pipeEnd.Write(payload); err != nil {
				break
			}
		}
	}
	used := heap() - before
	t.Logf("answers %v; %d MiB are held, %d MiB more memory is in use", codes, w.nas.held(laptop)>>20, used>>20)
	if used > 150<<20 {
		t.Errorf("%d MiB", used>>20)
	}

	phone := New(Config{ID: "phone", Dial: func(context.Context, fusion.HostID, Carrier) (Carrier, error) { return nil, nil }})
	defer phone.Close()
	l := w.nas.Listen("/hither/echo/1")
	s, err := phone.Open(nas, "/hither/echo/1")
	if err != nil {
		t.Fatal(err)
	}
	near, far := newPipe(-1, -1, 0)
	w.served.Go(func() { w.nas.Serve("phone", far) })
	if err := s.Connect(t.Context(), near); err != nil {
		t.Fatal(err)
	}
	got, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		s.Write(payload)
		s.Close()
	}()
	if b, err := io.ReadAll(got); err != nil || len(b) != size {
		t.Errorf("another computer: %d bytes, %v", len(b), err)
	}
	got.Close()
	for _, s := range all {
		s.Reset()
	}
	for _, s := range w.nas.all() {
		s.mu.Lock()
		s.fail(ErrReset) // what its program would do in the end
		s.unlock()
	}
	w.nothingLeft(t)
}

func (e *Endpoint) all() (list []*Stream) {
	e.each(func(s *Stream) { list = append(list, s) })
	return list
}

// held counts the bytes that a computer's streams hold here.
func (e *Endpoint) held(id fusion.HostID) int64 {
	e.mu.Lock()
	r := e.remotes[id]
	e.mu.Unlock()
	held := int64(0)
	for _, s := range r.all() {
		s.mu.Lock()
		held += int64(s.in.size)
		s.mu.Unlock()
	}
	return held
}
