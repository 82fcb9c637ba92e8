package mesh

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hither/fusion"
)

// packet makes one of UDP.
func packet(src, dst netip.Addr, payload int) []byte {
	p := make([]byte, header+8+payload)
	p[0] = 6 << 4
	binary.BigEndian.PutUint16(p[4:], uint16(8+payload))
	p[6], p[7] = 17, 64
	copy(p[8:], src.AsSlice())
	copy(p[24:], dst.AsSlice())
	binary.BigEndian.PutUint16(p[header+2:], 9)
	binary.BigEndian.PutUint16(p[header+4:], uint16(8+payload))
	return p
}

func framed(packets ...[]byte) []byte {
	var out []byte
	for _, p := range packets {
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(p))), p...)
	}
	return out
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func wants(t *testing.T, what string, err, cause error) {
	t.Helper()
	if !errors.Is(err, cause) || fusion.Hint(err) == "" {
		t.Errorf("%s: got %v with hint %q, want %v", what, err, fusion.Hint(err), cause)
	}
}

// short gives a context for what is to fail.
func short(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestAddresses(t *testing.T) {
	const id = "12D3KooWNDpP6FjRFbwAqmFXmEDeT6avdmBmhzPLabQPhX9qrLig"
	// Seen on real computers: it never changes.
	if at := HostAddress(id).String(); at != "fd68:6974:6865:7200:d471:e667:fe41:56c9" {
		t.Errorf("%s", at)
	}
	if HostAddress("x") == MachineAddress("x") {
		t.Error("a computer and a machine have one address")
	}
	rapid.Check(t, func(t *rapid.T) {
		at := HostAddress(fusion.HostID(rapid.String().Draw(t, "id")))
		raw := at.As16()
		if !Prefix.Contains(at) || raw[8]&0x03 != 0 || !at.IsPrivate() {
			t.Fatalf("%s", at)
		}
	})
}

// TestOnlyOnesOwn: a packet whose source is not the sender's, or whose destination is not
// here, is dropped.
func TestOnlyOnesOwn(t *testing.T) {
	hosts := some(t, "a", "b", "c")
	b := hosts[1]
	b.f.set("a", func(m *Member) { m.Machines = []Machine{{UUID: "1", Name: "m"}} })
	b.f.set("b", func(m *Member) { m.Machines = []Machine{{UUID: "2", Name: "n"}} })
	until(t, "b knows the machines", func() bool { return len(b.status().Machines) == 2 })
	near, far := pipe(t)
	done := make(chan error, 1)
	go func() {
		done <- b.Serve("a", far)
		_ = far.Close()
	}()
	if w, err := readWord(near); err != nil || w.Word != "" {
		t.Fatalf("%+v, %v", w, err)
	}
	at := HostAddress
	good := [][]byte{packet(at("a"), at("b"), 10), packet(MachineAddress("1"), at("b"), 20), packet(at("a"), MachineAddress("2"), 30)}
	bad := [][]byte{packet(at("c"), at("b"), 10), packet(at("b"), at("b"), 10), packet(MachineAddress("2"), at("b"), 10), // whose it is not
		packet(at("a"), at("c"), 10), packet(at("a"), MachineAddress("1"), 10), packet(at("a"), netip.IPv6Loopback(), 10), // not here
		packet(netip.MustParseAddr("2001:db8::1"), at("b"), 10), packet(netip.IPv6Unspecified(), at("b"), 10),
		append([]byte{4 << 4}, make([]byte, 50)...), append(packet(at("a"), at("b"), 10), 0)} // none of IPv6, too long
	if _, err := near.Write(framed(append(good, bad...)...)); err != nil {
		t.Fatal(err)
	}
	until(t, "all were looked at", func() bool {
		var all int64
		for _, p := range append(good, bad...) {
			all += int64(len(p))
		}
		return b.peer("a").BytesIn == all
	})
	if p := b.peer("a"); p.Dropped != int64(len(bad)) {
		t.Errorf("%d of %d were dropped", p.Dropped, len(bad))
	}
	if err := near.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("the stream ended with %v", err)
	}
	if hosts[2].peer("a").BytesIn+hosts[2].peer("b").BytesIn != 0 {
		t.Error("something was passed on")
	}
}

// TestASlowReader: whoever does not read loses the oldest packets, and nobody waits for it.
func TestASlowReader(t *testing.T) {
	hosts := some(t, "a", "b")
	a := hosts[0]
	near, far := pipe(t)
	defer far.Close() // nobody reads it
	a.Mesh.cfg.Dial = func(context.Context, fusion.HostID) (net.Conn, error) { return near, nil }
	r := a.running()
	p := packet(HostAddress("a"), HostAddress("b"), 15000)
	began := time.Now()
	for range 4000 { // 60 MB
		r.send(p, HostAddress("b"))
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("sending took %v", took)
	}
	if a.peer("b").Dropped == 0 {
		t.Error("nothing was dropped")
	}
	r.mu.Lock()
	l := r.links["b"]
	r.mu.Unlock()
	l.queue.mu.Lock()
	defer l.queue.mu.Unlock()
	if held := cap(l.queue.frames); held > 3*queueBytes {
		t.Errorf("%d bytes are held", held)
	}
}

// TestManyStreams: a computer that opens more than its share ends its own oldest.
func TestManyStreams(t *testing.T) {
	hosts := some(t, "a", "b")
	b := hosts[1]
	var ends []net.Conn
	for range 3 * maxInbound {
		near, err := hosts[0].dial(t.Context(), "b")
		if err != nil {
			t.Fatal(err)
		}
		defer near.Close()
		if _, err := readWord(near); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, near)
	}
	for _, near := range ends[:2*maxInbound] {
		if err := near.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("an old stream: %v", err)
		}
	}
	r := b.running()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.inbound["a"]) != maxInbound {
		t.Errorf("%d streams", len(r.inbound["a"]))
	}
}

// TestQueue holds it against a list that is cut at its head.
func TestQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newQueue()
		var model [][]byte
		var spare []byte
		size, lost := 0, int64(0)
		for i := range rapid.IntRange(1, 200).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "step") == 0 {
				got := q.take(spare)
				if want := framed(model...); !bytes.Equal(got, want) {
					t.Fatalf("%d bytes, want %d", len(got), len(want))
				}
				spare, model, size = got[:0], nil, 0
				continue
			}
			p := bytes.Repeat([]byte{byte(i)}, rapid.SampledFrom([]int{0, 1, 1280, 9000, MTU}).Draw(t, "size"))
			q.put(p)
			model, size = append(model, p), size+2+len(p)
			for size > queueBytes {
				size -= 2 + len(model[0])
				model = model[1:]
				lost++
			}
			if q.lost() != lost || q.empty() != (len(model) == 0) {
				t.Fatalf("lost %d, want %d", q.lost(), lost)
			}
		}
	})
}

func FuzzFrames(f *testing.F) {
	f.Add(framed(packet(HostAddress("a"), HostAddress("b"), 3)))
	f.Add([]byte{0, 0})
	f.Add([]byte{0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bufio.NewReaderSize(bytes.NewReader(data), streamBuffer)
		var again []byte
		for {
			b, err := readBatch(r)
			if err != nil {
				break
			}
			for _, p := range b.packets {
				_, _, _ = endpoints(p[room:])
				again = append(again, framed(p[room:])...)
			}
			batches.Put(b)
		}
		if !bytes.HasPrefix(data, again) {
			t.Error("other packets than were sent")
		}
	})
}

func FuzzWords(f *testing.F) {
	f.Add([]byte("\x00\x02{}"))
	f.Add([]byte("\x00\x1a{\"cause\":\"permission\"}    "))
	f.Fuzz(func(t *testing.T, data []byte) {
		if w, err := readWord(bytes.NewReader(data)); err == nil {
			if got := w.err("b"); (got == nil) != (w.Word == "") {
				t.Errorf("%+v: %v", w, got)
			}
		}
	})
}

func FuzzReverse(f *testing.F) {
	f.Add("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.7.5.6.8.6.4.7.9.6.8.6.d.f.ip6.arpa.")
	f.Fuzz(func(t *testing.T, name string) {
		if at, ours := addressOfARPA(name); ours && !Prefix.Contains(at) {
			t.Error(at)
		}
	})
}

// TestUnreachable checks the sum of what is answered by the rule for whoever receives it.
func TestUnreachable(t *testing.T) {
	for _, payload := range []int{0, 1, 100, 4000} {
		p := packet(HostAddress("a"), HostAddress("b"), payload)
		got := icmpError(p, noRoute)
		src, dst, ok := endpoints(got)
		if !ok || src != HostAddress("b") || dst != HostAddress("a") || got[6] != icmp6 || got[header] != 1 || len(got) > sixMin || checksum(got) != 0 {
			t.Errorf("%x", got)
		}
	}
}
