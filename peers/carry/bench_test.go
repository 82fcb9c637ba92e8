package carry

import (
	"context"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"hither/fusion"
)

// tcpCarrier is a TCP connection as a Carrier.
type tcpCarrier struct{ *net.TCPConn }

func (c tcpCarrier) Reset() error {
	c.SetLinger(0)
	return c.Close()
}

// tcpPair gives both ends of a connection over the loopback.
func tcpPair(tb testing.TB) (near, far *net.TCPConn) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

// carriedPair gives both ends of a stream over a TCP connection.
func carriedPair(tb testing.TB) (near, far *Stream) {
	tb.Helper()
	ends := endpoints(tb)
	l := ends[1].Listen(talk)
	near, err := ends[0].Open(nas, talk)
	if err != nil {
		tb.Fatal(err)
	}
	a, b := tcpPair(tb)
	go ends[1].Serve(laptop, tcpCarrier{b})
	if err := near.Connect(context.Background(), tcpCarrier{a}); err != nil {
		tb.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	return near, c.(*Stream)
}

// endpoints gives two that are told no path.
func endpoints(tb testing.TB) (ends [2]*Endpoint) {
	none := func(context.Context, fusion.HostID, Carrier) (Carrier, error) { return nil, nil }
	for i, id := range []fusion.HostID{laptop, nas} {
		ends[i] = New(Config{ID: id, Dial: none})
		tb.Cleanup(func() { ends[i].Close() })
	}
	return ends
}

// BenchmarkThroughput is one stream in bulk, beside the bare connection.
func BenchmarkThroughput(b *testing.B) {
	for _, kind := range []string{"plain", "carried"} {
		b.Run(kind, func(b *testing.B) {
			var near, far net.Conn
			if kind == "plain" {
				near, far = tcpPair(b)
			} else {
				near, far = carriedPair(b)
			}
			bulk(b, near, far)
		})
	}
}

func bulk(b *testing.B, near, far net.Conn) {
	const piece = 256 << 10
	done := make(chan error, 1)
	go func() {
		_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{far}, make([]byte, piece))
		done <- err
	}()
	buf := make([]byte, piece)
	b.SetBytes(piece)
	b.ResetTimer()
	for range b.N {
		if _, err := near.Write(buf); err != nil {
			b.Fatal(err)
		}
	}
	near.(interface{ CloseWrite() error }).CloseWrite()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	near.Close()
	far.Close()
}

// BenchmarkRoundTrip is one byte there and back.
func BenchmarkRoundTrip(b *testing.B) {
	for _, kind := range []string{"plain", "carried"} {
		b.Run(kind, func(b *testing.B) {
			var near, far net.Conn
			if kind == "plain" {
				near, far = tcpPair(b)
			} else {
				near, far = carriedPair(b)
			}
			pingPong(b, near, far)
		})
	}
}

func pingPong(b *testing.B, near, far net.Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		one := make([]byte, 1)
		for {
			if _, err := far.Read(one); err != nil {
				return
			}
			far.Write(one)
		}
	}()
	one := make([]byte, 1)
	b.ResetTimer()
	for range b.N {
		if _, err := near.Write(one); err != nil {
			b.Fatal(err)
		}
		if _, err := near.Read(one); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	near.Close()
	<-done
	far.Close()
}

// BenchmarkIdle says what an idle stream holds at both ends together, once it has
// moved some bytes.
func BenchmarkIdle(b *testing.B) {
	const streams = 1000
	for range b.N {
		ends := endpoints(b)
		l := ends[1].Listen(talk)
		before := heap()
		var all []*Stream
		var pipes []*pipe
		for range streams {
			near, err := ends[0].Open(nas, talk)
			if err != nil {
				b.Fatal(err)
			}
			a, c := newPipe(-1, -1, 0)
			pipes = append(pipes, a.pipe)
			go ends[1].Serve(laptop, c)
			if err := near.Connect(b.Context(), a); err != nil {
				b.Fatal(err)
			}
			far, err := l.Accept()
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, near, far.(*Stream))
			buf := make([]byte, 10000)
			near.Write(buf)
			if _, err := io.ReadFull(far, buf); err != nil {
				b.Fatal(err)
			}
		}
		for _, s := range all { // until what was read is acknowledged
			for held := 1; held > 0; {
				time.Sleep(time.Millisecond)
				s.mu.Lock()
				held = s.out.size
				s.mu.Unlock()
			}
		}
		b.ReportMetric(float64(heap()-before)/streams, "B/carried")
		for _, p := range pipes {
			p.cutNow()
		}
		for _, s := range all {
			for up := true; up; {
				c, _, _ := s.Carrier()
				up = c != nil
			}
		}
		pipes = nil
		b.ReportMetric(float64(heap()-before)/streams, "B/waiting")
		runtime.KeepAlive(all)
	}
}

// heap is what is in use, stacks included.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
