package rtc

import (
	"context"
	"testing"

	"hither/mirror/wire"
)

// BenchmarkBulk sends whole messages, as a large frame does.
func BenchmarkBulk(b *testing.B) {
	g := NewGateway(Config{})
	defer g.Close()
	view, host := wire.Pair()
	viewer, err := Dial(b.Context(), func(ctx context.Context, offer string) (string, error) {
		return g.Answer(ctx, offer, func(context.Context) (Session, error) { return joined{view}, nil })
	})
	if err != nil {
		b.Fatal(err)
	}
	defer viewer.Close()
	defer host.Close()
	message := make([]byte, wire.MaxMessage)
	b.SetBytes(wire.MaxMessage)
	b.ResetTimer()
	go func() {
		for range b.N {
			_ = host.Write(message)
		}
	}()
	for range b.N {
		if _, err := viewer.Read(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEcho measures a key on its way in and a small frame on its way out.
func BenchmarkEcho(b *testing.B) {
	g := NewGateway(Config{})
	defer g.Close()
	view, host := wire.Pair()
	viewer, err := Dial(b.Context(), func(ctx context.Context, offer string) (string, error) {
		return g.Answer(ctx, offer, func(context.Context) (Session, error) { return joined{view}, nil })
	})
	if err != nil {
		b.Fatal(err)
	}
	defer viewer.Close()
	defer host.Close()
	go func() {
		for {
			m, err := host.Read()
			if err != nil {
				return
			}
			_ = host.Write(m)
		}
	}()
	b.ResetTimer()
	for range b.N {
		if err := viewer.Write(wire.Key{Code: 30, Down: true}.Append(nil)); err != nil {
			b.Fatal(err)
		}
		if _, err := viewer.Read(); err != nil {
			b.Fatal(err)
		}
	}
}
