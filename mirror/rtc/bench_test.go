package rtc

import (
	"context"
	"net"
	"testing"

	"hither/fusion"
	"hither/mirror/wire"
)

// carriers are what the benchmarks compare: each gives a viewer's pipe and its
// host's.
var carriers = map[string]func(*testing.B) (viewer, host fusion.Pipe){
	"node":    func(b *testing.B) (viewer, host fusion.Pipe) { return overLink(b, Dial) },
	"browser": func(b *testing.B) (viewer, host fusion.Pipe) { return overLink(b, browse) },
	"tcp":     overTCP,
}

func overLink(b *testing.B, dial dialFunc) (viewer, host fusion.Pipe) {
	g := NewGateway(Config{})
	b.Cleanup(func() { g.Close() })
	came := make(given, 1)
	viewer, err := dial(b.Context(), func(ctx context.Context, offer string) (string, error) {
		return g.Answer(ctx, offer, func(context.Context) (Session, error) { return came, nil })
	})
	if err != nil {
		b.Fatal(err)
	}
	return viewer, <-came
}

// given is a session that gives its viewer away.
type given chan fusion.Pipe

func (c given) Close() error { close(c); return nil }

func (c given) Run(viewer fusion.Pipe) error {
	done := make(chan struct{})
	c <- closing{viewer, done}
	<-done
	return nil
}

type closing struct {
	fusion.Pipe
	done chan struct{}
}

func (c closing) Close() error {
	close(c.done)
	return c.Pipe.Close()
}

func overTCP(b *testing.B) (viewer, host fusion.Pipe) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	return wire.Stream(near), wire.Stream(far)
}

// BenchmarkBulk sends whole messages, as a large frame does.
func BenchmarkBulk(b *testing.B) {
	for name, open := range carriers {
		b.Run(name, func(b *testing.B) {
			viewer, host := open(b)
			defer host.Close()
			defer viewer.Close()
			message := make([]byte, wire.MaxMessage)
			b.SetBytes(wire.MaxMessage)
			before := cpuTime()
			b.ResetTimer()
			go func() {
				for range b.N {
					_ = host.Write(message) // the reader tells
				}
			}()
			for range b.N {
				if _, err := viewer.Read(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime()-before).Milliseconds())/(float64(b.N)*wire.MaxMessage/1e6), "cpu-ms/MB")
		})
	}
}

// BenchmarkEcho measures a key on its way in and a small frame on its way out.
func BenchmarkEcho(b *testing.B) {
	for name, open := range carriers {
		b.Run(name, func(b *testing.B) {
			viewer, host := open(b)
			defer host.Close()
			defer viewer.Close()
			go func() {
				for {
					m, err := host.Read()
					if err != nil {
						return
					}
					_ = host.Write(m) // the reader tells
				}
			}()
			before := cpuTime()
			b.ResetTimer()
			for range b.N {
				if err := viewer.Write(wire.Key{Code: 30, Down: true}.Append(nil)); err != nil {
					b.Fatal(err)
				}
				if _, err := viewer.Read(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}
