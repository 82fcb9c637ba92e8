//go:build linux && e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"hither/app/client"
	"hither/fusion"
	"hither/internal/path"
	"hither/mirror/wire"
)

// TestFarScreen opens the screen of a computer that is 40 ms away over a path
// that loses 1 % each way: it comes over the stream, goes on over datagrams, and
// ends when the permission does.
func TestFarScreen(t *testing.T) {
	const rtt = 40 * time.Millisecond
	p, err := path.Open(path.Config{Shape: path.Shape{Delay: rtt / 2, Loss: 0.01}, Seed: 5, Congestion: "cubic"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	a, b := newNode(t, "here", nil), newNode(t, "cloud", nil)
	a.libvirt, b.libvirt = "off", "off"
	a.within, b.within = p.Near.Start, p.Far.Start
	a.start("--listen", p.Near.Addr.String()+":0")
	b.start("--listen", p.Far.Addr.String()+":0")
	pair(t, a, b)
	until(t, "both see the other online", func() bool { return a.sees(b) && b.sees(a) })

	socket := field[string](a, "apiSocket", "status", "--json")
	start := time.Now()
	pipe, err := client.Unix(socket).Host("cloud").Screens().Open(t.Context(), fusion.Self, fusion.ViewOptions{})
	if err != nil {
		t.Fatal(err)
	}
	v := newFarView(t, pipe)
	v.await(t, "the first frame", v.framed)
	t.Logf("first frame after %v", time.Since(start))
	until(t, "the view goes over datagrams", func() bool {
		log, err := os.ReadFile(filepath.Clean(a.logFile()))
		return err == nil && bytes.Contains(log, []byte("a view goes over datagrams"))
	})
	before := p.Near.Count()
	const n = 300
	times := v.pings(t, n)
	after := p.Near.Count()
	t.Logf("%d pings: p50 %v, p99 %v, max %v; %d packets of %d bytes", n, times[n/2], times[n*99/100], times[n-1],
		after.Packets-before.Packets, (after.Bytes-before.Bytes)/(after.Packets-before.Packets))
	if times[n/2] > rtt+20*time.Millisecond { // the machine may be busy; what loss costs is measured in mirror/rtc
		t.Errorf("half of the answers took more than %v", times[n/2])
	}
	b.hither("host", "grant", "here", "none")
	v.await(t, "the end of the view", v.revoked)
}

// farView reads a view and acknowledges its frames. Its goroutine ends with the
// view.
type farView struct {
	fusion.Pipe
	framed, revoked chan struct{}
	pongs           chan uint64
	writing         sync.Mutex // held while a message is written
}

func (v *farView) Write(m []byte) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	return v.Pipe.Write(m)
}

func newFarView(t *testing.T, pipe fusion.Pipe) *farView {
	v := &farView{Pipe: pipe, framed: make(chan struct{}), revoked: make(chan struct{}), pongs: make(chan uint64, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		v.listen()
	}()
	t.Cleanup(func() {
		_ = pipe.Close() // it may have ended
		<-done
	})
	return v
}

func (v *farView) listen() {
	for {
		b, err := v.Read()
		if err != nil {
			return
		}
		m, err := wire.ParseHost(b)
		if err != nil {
			return
		}
		switch m := m.(type) {
		case wire.FramePart:
			if m.Part+1 < m.Parts {
				continue
			}
			_ = v.Write(wire.Ack{Seq: m.Seq}.Append(nil)) // the next Read tells
			if m.Seq == 1 {
				close(v.framed)
			}
		case wire.Pong:
			v.pongs <- m.ID
		case wire.Closed:
			if m.Reason == wire.Revoked {
				close(v.revoked)
			}
		}
	}
}

func (v *farView) await(t *testing.T, what string, event <-chan struct{}) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
}

// pings measures n answers of the host, sorted.
func (v *farView) pings(t *testing.T, n int) (times []time.Duration) {
	t.Helper()
	for id := range uint64(n) {
		start := time.Now()
		if err := v.Write(wire.Ping{ID: id}.Append(nil)); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-v.pongs:
			if got != id {
				t.Fatalf("pong %d for ping %d", got, id)
			}
		case <-time.After(patience):
			t.Fatal("no pong")
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return times
}
