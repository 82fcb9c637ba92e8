package rawconn

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// pair gives two ends of a connection; the first is the one under test.
func pair(t *testing.T, network, addr string) (net.Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return New(a), b
}

func eachKind(t *testing.T, test func(t *testing.T, a, b net.Conn)) {
	for network, addr := range map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "s")} {
		t.Run(network, func(t *testing.T) {
			a, b := pair(t, network, addr)
			test(t, a, b)
		})
	}
}

// TestAllArrives sends more than a socket holds, in pieces of all lengths, both ways.
func TestAllArrives(t *testing.T) {
	eachKind(t, func(t *testing.T, a, b net.Conn) {
		const total = 8 << 20
		data := make([]byte, total)
		for i := range data {
			data[i] = byte(i * 7 / 5)
		}
		send := func(c net.Conn) {
			for rest := data; len(rest) > 0; {
				n := min(len(rest), 1+rand.IntN(32<<10))
				if wrote, err := c.Write(rest[:n]); err != nil || wrote != n {
					t.Errorf("wrote %d of %d: %v", wrote, n, err)
					break
				}
				rest = rest[n:]
			}
		}
		go send(a)
		go send(b)
		for _, c := range []net.Conn{a, b} {
			got := make([]byte, total)
			if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, data) {
				t.Fatalf("not what was sent: %v", err)
			}
		}
		if n, err := a.Read(nil); n != 0 || err != nil {
			t.Errorf("a read of nothing gave %d, %v", n, err)
		}
		b.Close()
		if n, err := a.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("after the end: %d, %v", n, err)
		}
	})
}

// TestErrors: a deadline, a connection that was closed here, and one that the other side broke.
func TestErrors(t *testing.T) {
	eachKind(t, func(t *testing.T, a, b net.Conn) {
		b1 := make([]byte, 1)
		if err := a.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Read(b1); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after its deadline a read gave %v", err)
		}
		if err := a.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		if err := a.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		go func() { _, err := a.Read(b1); ended <- err }()
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a read that was woken gave %v", err)
		}
		if err := a.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		go func() { _, err := a.Read(b1); ended <- err }()
		time.AfterFunc(time.Millisecond, func() { a.Close() })
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed while it read: %v", err)
		}
		if _, err := a.Write(b1); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed, a write gave %v", err)
		}
	})
	eachKind(t, func(t *testing.T, a, b net.Conn) {
		b.Close()
		var err error
		for range 1000 { // TCP learns of it by an answer
			if _, err = a.Write([]byte("x")); err != nil {
				break
			}
		}
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("to nobody: %v", err)
		}
	})
}

// TestOthersStay: what is no socket is left as it is.
func TestOthersStay(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	defer a.Close()
	if New(a) != a {
		t.Error("a pipe was wrapped")
	}
}

// TestShortOnes: a read or a write makes no garbage.
func TestShortOnes(t *testing.T) {
	eachKind(t, func(t *testing.T, a, b net.Conn) {
		here, there := []byte("key"), make([]byte, 3)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := a.Write(here); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(b, there); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%v allocations for each", n)
		}
	})
}

// TestAhead: what a reader has read comes first, and nothing twice.
func TestAhead(t *testing.T) {
	eachKind(t, func(t *testing.T, a, b net.Conn) {
		if _, err := io.WriteString(b, "line\nwith more"); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(a)
		if line, err := r.ReadString('\n'); line != "line\n" || err != nil {
			t.Fatalf("%q, %v", line, err)
		}
		if _, err := io.WriteString(b, " and the rest"); err != nil {
			t.Fatal(err)
		}
		b.Close()
		if rest, err := io.ReadAll(Ahead(a, r)); string(rest) != "with more and the rest" || err != nil {
			t.Errorf("%q, %v", rest, err)
		}
	})
}
