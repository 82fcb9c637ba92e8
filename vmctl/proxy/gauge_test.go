package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestGaugeKeepsSeconds(t *testing.T) {
	g := NewGauge(0)
	now := time.Unix(1_000_000, 0)
	g.now = func() time.Time { return now }
	if last := g.Last(2); !slices.Equal(last, []Second{{At: 999_998}, {At: 999_999}}) || g.ring != nil {
		t.Errorf("an unused gauge gives %+v, and keeps %d seconds", last, len(g.ring))
	}
	moved := func(w *way, n int) {
		if err := w.moved(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	g.enter()
	g.enter()
	g.leave()
	moved(g.inward(), 5)
	moved(g.inward(), 6)
	now = now.Add(time.Second)
	moved(g.outward(), 7)
	now = now.Add(2 * time.Second)
	want := []Second{{At: 1_000_000, In: 11}, {At: 1_000_001, Out: 7}, {At: 1_000_002}}
	if last := g.Last(3); !slices.Equal(last, want) {
		t.Errorf("%+v, want %+v", last, want)
	}
	if p := g.Passed(); p != (Passed{Open: 1, Total: 2, In: 11, Out: 7}) {
		t.Errorf("%+v", p)
	}
	now = now.Add(Kept * time.Second) // the same slots, other seconds
	for _, s := range g.Last(Kept) {
		if s.In+s.Out != 0 {
			t.Errorf("old seconds came back: %+v", s)
		}
	}
	if len(g.Last(10*Kept)) != Kept-1 {
		t.Error("it gives more than it keeps")
	}
}

func TestGaugeSlows(t *testing.T) {
	const limit = 2 << 20
	g := NewGauge(limit)
	begin, total := time.Now(), 0
	for total < limit/2 {
		n := g.outward().most()
		if err := g.outward().moved(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		total += n
	}
	if took := time.Since(begin); took < 400*time.Millisecond {
		t.Errorf("half a second's bytes took %s", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.inward().moved(ctx, g.inward().most()); !errors.Is(err, context.Canceled) {
		t.Errorf("what waits does not end: %v", err)
	}
	slow := NewGauge(1024) // the largest datagram must pass, late
	if n := slow.in.limit.Load().Burst(); n < maxDatagram || slow.in.most() > 1024 {
		t.Errorf("a burst of %d, copies of %d", n, slow.in.most())
	}
}

// TestALimitChanges while bytes pass: what was read by the old one passes by the new one.
func TestALimitChanges(t *testing.T) {
	g := NewGauge(0)
	n := g.outward().most()
	g.SetLimit(512 << 10)
	if g.outward().most() >= n {
		t.Fatalf("copies of %d, then of %d", n, g.outward().most())
	}
	begin := time.Now()
	for range 4 {
		if err := g.outward().moved(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begin); took < 400*time.Millisecond {
		t.Errorf("half a second's bytes took %s", took)
	}
	g.SetLimit(0)
	begin = time.Now()
	for range 1000 {
		if err := g.outward().moved(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begin); took > time.Minute { // with it two minutes
		t.Errorf("without a limit 60 MiB took %s", took)
	}
}

// TestALargeCopyIsGivenBack: a connection that carried much and rests goes on afterwards.
func TestALargeCopyIsGivenBack(t *testing.T) {
	near, client := tcpPair(t)
	far, service := tcpPair(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		Join(t.Context(), near, far, nil)
	}()
	for range 2 {
		text := strings.Repeat("x", 3*largeCopy)
		go func() { _, _ = io.WriteString(client, text) }()
		got := make([]byte, len(text))
		if _, err := io.ReadFull(service, got); err != nil || string(got) != text {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		time.Sleep(2*restTime + 100*time.Millisecond) // it rests: that is what is tried
	}
	_ = client.Close()
	if _, err := service.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the end came as %v", err)
	}
	_ = service.Close()
	<-done
}

func tcpPair(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return a, b
}
