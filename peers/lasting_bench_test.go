package peers

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"hither/fusion"
)

// benchPair gives both ends of a stream between two networks over the loopback.
func benchPair(b *testing.B, lasting bool) (near, far net.Conn) {
	b.Helper()
	nas, laptop := openTest(b, testConfig(b, "nas")), openTest(b, testConfig(b, "laptop"))
	pair(b, nas, laptop)
	if lasting {
		return lastingPair(b, nas, laptop)
	}
	l := nas.Listen(echoProtocol)
	b.Cleanup(func() { l.Close() })
	near, err := laptop.Dial(b.Context(), nas.ID(), echoProtocol)
	if err != nil {
		b.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		b.Fatal(err)
	}
	return near, far
}

var benchKinds = []struct {
	name    string
	lasting bool
}{{"plain", false}, {"lasting", true}}

// BenchmarkLastingThroughput is one stream in bulk.
func BenchmarkLastingThroughput(b *testing.B) {
	for _, kind := range benchKinds {
		b.Run(kind.name, func(b *testing.B) {
			near, far := benchPair(b, kind.lasting)
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
		})
	}
}

// BenchmarkLastingRoundTrip is one byte there and back.
func BenchmarkLastingRoundTrip(b *testing.B) {
	for _, kind := range benchKinds {
		b.Run(kind.name, func(b *testing.B) {
			near, far := benchPair(b, kind.lasting)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for one := make([]byte, 1); ; {
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
		})
	}
}

// BenchmarkLastingOpen is a stream until the first byte has come back.
func BenchmarkLastingOpen(b *testing.B) {
	for _, kind := range benchKinds {
		b.Run(kind.name, func(b *testing.B) {
			nas, laptop := openTest(b, testConfig(b, "nas")), openTest(b, testConfig(b, "laptop"))
			pair(b, nas, laptop)
			l, dial := nas.Listen(echoProtocol), laptop.Dial
			if kind.lasting {
				l, dial = nas.ListenLasting(echoProtocol), laptop.DialLasting
			}
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						io.Copy(c, c)
						c.Close()
					}()
				}
			}()
			one := make([]byte, 1)
			b.ResetTimer()
			for range b.N {
				c, err := dial(b.Context(), nas.ID(), echoProtocol)
				for errors.Is(err, fusion.ErrBusy) { // no more than 2,000 a second are let in
					b.StopTimer()
					time.Sleep(100 * time.Millisecond)
					b.StartTimer()
					c, err = dial(b.Context(), nas.ID(), echoProtocol)
				}
				if err != nil {
					b.Fatal(err)
				}
				if _, err := c.Write(one); err != nil {
					b.Fatal(err)
				}
				if _, err := c.Read(one); err != nil {
					b.Fatal(err)
				}
				c.Close()
			}
		})
	}
}
