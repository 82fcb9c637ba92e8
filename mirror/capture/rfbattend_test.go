package capture

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hither/mirror/wire"
)

// TestAttention: after an input QEMU is kept looking for a second, and no longer.
func TestAttention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, qemu := range []bool{true, false} {
			here, there := net.Pipe()
			var got bytes.Buffer
			var server sync.WaitGroup
			server.Go(func() { _, _ = io.Copy(&got, there) }) // until here is closed
			s := &rfb{waker: waker{conn: here}, keyboard: keyboard{conn: here, extended: qemu}}
			for range 2 {
				if err := s.Input(wire.Key{Code: 30, Down: true}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Second)
			}
			if err := s.Input(wire.Pointer{X: 1, Y: 1}); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			server.Wait()
			time.Sleep(time.Minute)
			want := 0
			if qemu {
				want = 2 * int(attention/beat)
			}
			if n := bytes.Count(got.Bytes(), noKey); n != want {
				t.Errorf("QEMU %v: %d messages, want %d", qemu, n, want)
			}
		}
	})
}
