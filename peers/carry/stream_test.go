package carry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"

	"hither/fusion"
)

func TestIsANetConn(t *testing.T) {
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		near, far := carriedPair(t)
		return near, far, func() { near.Close(); far.Close() }, nil
	})
}

// inWorld runs a test in virtual time with one stream between two computers.
func inWorld(t *testing.T, test func(t *testing.T, w *world, near, far *Stream)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.close()
		near, far := w.open(t)
		test(t, w, near, far)
	})
}

func mustWrite(t *testing.T, s *Stream, b []byte) {
	t.Helper()
	if n, err := s.Write(b); err != nil || n != len(b) {
		t.Fatalf("wrote %d of %d: %v", n, len(b), err)
	}
}

func wantRead(t *testing.T, s *Stream, want string, err error) {
	t.Helper()
	got, gotErr := io.ReadAll(s)
	if string(got) != want || !errors.Is(gotErr, err) {
		t.Errorf("read %d bytes, %v; want %d, %v", len(got), gotErr, len(want), err)
	}
}

// TestCloseSendsLater: what was written while there was no path is sent when there
// is one, and so is the end, though the stream was closed meanwhile.
func TestCloseSendsLater(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, near, far *Stream) {
		w.set(func() { w.down = true })
		w.cutAll()
		mustWrite(t, near, bytes.Repeat([]byte("x"), firstWindow))
		if err := near.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		w.set(func() { w.down = false })
		wantRead(t, far, strings.Repeat("x", firstWindow), nil)
		far.Close()
		w.settle()
		w.nothingLeft(t)
	})
}

func TestPatienceEnds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, near, far *Stream) {
		mustWrite(t, near, []byte("before"))
		synctest.Wait()
		w.set(func() { w.down = true })
		w.cutAll()
		near.SetPatience(time.Minute)
		began := time.Now()
		wantRead(t, near, "", fusion.ErrOffline)
		if lasted := time.Since(began); lasted != time.Minute {
			t.Errorf("the near end waited %v", lasted)
		}
		if _, err := near.Write([]byte("x")); !errors.Is(err, fusion.ErrOffline) {
			t.Error(err)
		}
		wantRead(t, far, "before", fusion.ErrOffline)
		if lasted := time.Since(began); lasted != patientFor {
			t.Errorf("the far end waited %v", lasted)
		}
		near.Close()
		far.Close()
		w.nothingLeft(t)
	})
}

// TestLongWait: a path that is back just in time.
func TestLongWait(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, near, far *Stream) {
		for range 3 {
			w.set(func() { w.down = true })
			w.cutAll()
			time.Sleep(patientFor - time.Second)
			w.set(func() { w.down = false })
			mustWrite(t, far, []byte("x"))
			if _, err := io.ReadFull(near, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestResetDuringAnAbsence(t *testing.T) {
	for _, side := range []string{"opener", "other"} {
		t.Run(side, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world, near, far *Stream) {
				one, other := near, far
				if side == "other" {
					one, other = far, near
				}
				mustWrite(t, one, []byte("lost"))
				w.set(func() { w.down = true })
				w.cutAll()
				if err := one.Reset(); err != nil {
					t.Fatal(err)
				}
				w.set(func() { w.down = false })
				began := time.Now()
				if _, err := io.ReadAll(other); !errors.Is(err, ErrReset) { // what came may be read first
					t.Error(err)
				}
				if waited := time.Since(began); waited > 2*time.Second {
					t.Errorf("heard after %v", waited)
				}
				other.Close()
				w.settle()
				w.nothingLeft(t)
			})
		})
	}
}

// TestKilled: a process that comes back knows nothing of the stream. That is an
// error and never an end.
func TestKilled(t *testing.T) {
	t.Run("the other side", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world, near, far *Stream) {
			w.restart()
			wantRead(t, near, "", ErrReset)
		})
	})
	t.Run("the opener", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world, near, far *Stream) {
			w.set(func() { w.down = true })
			w.cutAll()
			time.Sleep(time.Second)
			w.nas.Met(laptop, w.laptop.Boot()) // no news
			w.nas.Met(laptop, w.laptop.Boot()+1)
			wantRead(t, far, "", ErrReset)
		})
	})
}

// restart makes nas another process, as after kill -9.
func (w *world) restart() {
	w.set(func() { w.down = true })
	w.cutAll()
	w.mu.Lock()
	old := w.nas
	w.nas = New(Config{ID: nas, Dial: old.cfg.Dial})
	w.listener = w.nas.Listen(talk)
	w.mu.Unlock()
	old.Close()
	w.set(func() { w.down = false })
}

// TestWriterThatGoesOn: after Close the other side's writes fail, but it reads
// all that was sent before.
func TestWriterThatGoesOn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, near, far *Stream) {
		text := strings.Repeat("x", firstWindow)
		mustWrite(t, near, []byte(text))
		near.Close()
		var err error
		written := 0
		for n := 0; err == nil && written < maxWindow; written += n {
			n, err = far.Write(make([]byte, 10000))
		}
		if !errors.Is(err, ErrReset) || written < lingerBytes {
			t.Errorf("%d bytes were taken, then %v", written, err)
		}
		wantRead(t, far, text, nil)
		far.Close()
		w.settle()
		w.nothingLeft(t)
	})
}

// TestForgottenHalf: the other side never closes.
func TestForgottenHalf(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, near, far *Stream) {
		near.Close()
		wantRead(t, far, "", nil)
		time.Sleep(lingerTime + time.Second)
		if _, err := far.Write([]byte("x")); !errors.Is(err, ErrReset) {
			t.Error(err)
		}
		w.settle()
		w.nothingLeft(t)
	})
}

func TestHalfClosed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, near, far *Stream) {
		mustWrite(t, near, []byte("question"))
		near.CloseWrite()
		if _, err := near.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		wantRead(t, far, "question", nil)
		w.cutAll()
		mustWrite(t, far, []byte("answer"))
		far.Close()
		wantRead(t, near, "answer", nil)
		near.Close()
		w.settle()
		w.nothingLeft(t)
	})
}

// TestReaderThatNeverReads holds a window and no more, at both ends.
func TestReaderThatNeverReads(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, near, far *Stream) {
		near.SetWriteDeadline(time.Now().Add(time.Minute))
		n, err := near.Write(make([]byte, 4*maxWindow))
		if !errors.Is(err, os.ErrDeadlineExceeded) || n > firstWindow {
			t.Errorf("%d bytes, %v", n, err)
		}
		synctest.Wait()
		for _, s := range []*Stream{near, far} {
			s.mu.Lock()
			held := 0
			for _, c := range append(s.in.chunks, s.out.chunks...) {
				held += len(c.buf)
			}
			if held > firstWindow+bigChunk {
				t.Errorf("%d bytes are held", held)
			}
			s.mu.Unlock()
		}
		far.Reset()
		if _, err := near.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		near.SetWriteDeadline(time.Time{})
		synctest.Wait()
		if _, err := near.Write([]byte("x")); !errors.Is(err, ErrReset) {
			t.Error(err)
		}
		near.Close()
	})
}

// TestWindowGrows on a path of 200 ms there and back, until it is full.
func TestWindowGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.close()
		w.delay, w.room = 100*time.Millisecond, 100<<20
		near, far := w.open(t)
		go io.Copy(io.Discard, far)
		began := time.Now()
		for range 100 {
			mustWrite(t, near, make([]byte, 1<<20))
		}
		took := time.Since(began)
		t.Logf("100 MiB took %v with a window of %d KiB", took, far.window>>10)
		if took > 5*time.Second { // 2.5 s at a window for each round trip
			t.Error("the path was not filled")
		}
		near.Close()
		far.Close()
	})
}

// TestManyStuckStreams: streams whose readers sleep leave room for others.
func TestManyStuckStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.close()
		var stuck []*Stream
		for range 300 {
			near, far := w.open(t)
			near.SetWriteDeadline(time.Now().Add(time.Millisecond))
			near.Write(make([]byte, firstWindow))
			stuck = append(stuck, near, far)
		}
		near, far := w.open(t)
		text := strings.Repeat("y", 1<<20)
		go func() {
			near.Write([]byte(text))
			near.Close()
		}()
		wantRead(t, far, text, nil)
		far.Close()
		for _, s := range stuck {
			s.Reset()
		}
		w.settle()
		w.nothingLeft(t)
	})
}

// TestCopy moves bytes as a tunnel does, while carriers are cut.
func TestCopy(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, near, far *Stream) {
		text := bytes.Repeat([]byte("0123456789abcdef"), 1<<17)
		go func() {
			io.Copy(near, struct{ io.Reader }{bytes.NewReader(text)})
			near.Close()
		}()
		var got bytes.Buffer
		if n, err := io.Copy(cutting{&got, w}, far); err != nil || n != int64(len(text)) || !bytes.Equal(got.Bytes(), text) {
			t.Errorf("%d bytes, %v", n, err)
		}
		far.Close()
		w.settle()
		w.nothingLeft(t)
	})
}

// cutting cuts all connections now and then, as it is written to.
type cutting struct {
	to *bytes.Buffer
	w  *world
}

func (c cutting) Write(b []byte) (int, error) {
	if c.w.between(0, 4) == 0 {
		c.w.cutAll()
	}
	return c.to.Write(b)
}

func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		defer w.close()
		open := func(protocol string) error {
			s, err := w.laptop.Open(nas, protocol)
			if err != nil {
				return err
			}
			c, _ := w.dial(t.Context(), nas, nil)
			return s.Connect(t.Context(), c)
		}
		if err := open("/hither/none/1"); !errors.Is(err, fusion.ErrUnsupported) {
			t.Error(err)
		}
		if err := open(strings.Repeat("x", 256)); !errors.Is(err, fusion.ErrInvalid) {
			t.Error(err)
		}
		for range maxPending {
			if err := open(talk); err != nil {
				t.Fatal(err)
			}
		}
		if err := open(talk); !errors.Is(err, fusion.ErrBusy) {
			t.Error(err)
		}
		w.listener.Close()
		w.settle()
		w.nothingLeft(t)
		w.nas.cfg.Allowed = func(fusion.HostID) bool { return false }
		if err := open(talk); !errors.Is(err, fusion.ErrUnpaired) {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s, _ := w.laptop.Open(nas, talk)
		a, b := newPipe(-1, -1, 0)
		defer b.Reset()
		if err := s.Connect(ctx, a); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		s.Reset()
	})
}
