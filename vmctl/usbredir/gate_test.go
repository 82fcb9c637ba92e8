package usbredir

import (
	"encoding/binary"
	"strings"
	"testing"
)

// said makes a packet; long is whether its ID has 64 bits.
func said(kind uint32, id uint64, long bool, body []byte) []byte {
	p := binary.LittleEndian.AppendUint32(nil, kind)
	p = binary.LittleEndian.AppendUint32(p, uint32(len(body)))
	if long {
		p = binary.LittleEndian.AppendUint64(p, id)
	} else {
		p = binary.LittleEndian.AppendUint32(p, uint32(id))
	}
	return append(p, body...)
}

func hello(caps uint32) []byte {
	return said(typeHello, 0, false, binary.LittleEndian.AppendUint32(make([]byte, helloCaps), caps))
}

// bulk is a request for size bytes, or with data for as many to be written.
func bulk(id uint64, endpoint byte, size int, data []byte) []byte {
	h := []byte{endpoint, 0, byte(size), byte(size >> 8), 0, 0, 0, 0, byte(size >> 16), byte(size >> 24)}
	return said(typeBulk, id, true, append(h, data...))
}

func control(id uint64, size int) []byte {
	return said(typeControl, id, true, []byte{0x80, 6, 0x80, 0, 0, 1, 0, 0, byte(size), byte(size >> 8)})
}

const allCaps = cap64BitIDs | cap32BitLengths

// met is a gate whose sides have said hello.
func met(t *testing.T) *gate {
	t.Helper()
	g := newGate()
	for _, err := range []error{g.fromDevice(hello(allCaps)), g.fromMachine(hello(allCaps))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func TestGateCountsWhatIsUnderWay(t *testing.T) {
	g := met(t)
	say := func(p []byte) {
		t.Helper()
		for i := range p { // cut anywhere
			if err := g.fromMachine(p[i : i+1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	say(control(1, 18))
	say(bulk(2, 0x81, 1<<20, nil))
	say(bulk(3, 0x02, 512, make([]byte, 512)))
	say(said(typeInterrupt, 4, true, []byte{0x03, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8}))
	if len(g.requests) != 4 || g.held != 18+1<<20+512+8 {
		t.Errorf("%d bytes in %v", g.held, g.requests)
	}
	for _, p := range [][]byte{control(1, 18), bulk(2, 0x81, 3, []byte{1, 2, 3}), bulk(3, 0x02, 512, nil), said(typeInterrupt, 4, true, []byte{0x03, 0, 8, 0}),
		said(typeInterrupt, 4, true, []byte{0x83, 0, 1, 0, 9}), bulk(99, 0x81, 0, nil)} {
		if err := g.fromDevice(p); err != nil {
			t.Error(err)
		}
	}
	if len(g.requests) != 0 || g.held != 0 {
		t.Errorf("%d bytes in %v", g.held, g.requests)
	}
	if g.gone {
		t.Error("it is gone already")
	}
	if err := g.fromDevice(said(typeDisconnect, 0, true, nil)); err != nil || !g.gone {
		t.Errorf("it is not gone, %v", err)
	}
}

func TestGateRefuses(t *testing.T) {
	many := []byte{}
	for i := range uint64(maxRequests) + 1 {
		many = append(many, control(i, 1)...)
	}
	large := []byte{}
	for i := range uint64(maxHeld/maxTransfer) + 1 {
		large = append(large, bulk(i, 0x81, maxTransfer, nil)...)
	}
	receiving := binary.LittleEndian.AppendUint32(make([]byte, 4), maxReceive+1)
	header := said(typeBulk, 1, true, make([]byte, looked))
	binary.LittleEndian.PutUint32(header[4:], 1<<31)
	for _, c := range []struct {
		what  string
		first bool // without a hello before
		say   []byte
		want  string
	}{
		{"no hello", true, control(1, 1), "first packet"},
		{"a second hello", false, said(typeHello, 0, true, make([]byte, 68)), "second hello"},
		{"an unknown type", false, said(28, 0, true, nil), "type 28"},
		{"another", false, said(105, 0, true, nil), "type 105"},
		{"a long control packet", false, said(typeFilter, 0, true, make([]byte, maxControlPacket+1)), "type 23"},
		{"a huge packet", false, header, "bytes"},
		{"a large transfer", false, bulk(1, 0x81, maxTransfer+1, nil), "under way"},
		{"one ID twice", false, append(control(1, 1), control(1, 1)...), "another one"},
		{"many requests", false, many, "512 requests"},
		{"much at a time", false, large, "under way"},
		{"a wide stream", false, said(typeBulkReceiving, 1, true, append(receiving, 0x81, 5)), "stream"},
	} {
		g := newGate()
		if !c.first {
			g = met(t)
		}
		if err := g.fromMachine(c.say); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// TestGateKnowsOldPeers: without the capabilities IDs have 32 bits, and lengths 16.
func TestGateKnowsOldPeers(t *testing.T) {
	g := newGate()
	for _, err := range []error{g.fromMachine(hello(0)), g.fromDevice(hello(allCaps)),
		g.fromMachine(said(typeBulk, 7, false, []byte{0x81, 0, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff}))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if g.held != 0xffff {
		t.Errorf("%d bytes", g.held)
	}
	if err := g.fromDevice(said(typeBulk, 7, false, []byte{0x81, 0, 0, 0, 0, 0, 0, 0})); err != nil || g.held != 0 {
		t.Errorf("%d bytes, %v", g.held, err)
	}
}

// FuzzGate: whatever comes, and however it is cut, the verdict is one, and what is held
// stays within the bounds.
func FuzzGate(f *testing.F) {
	f.Add(append(hello(allCaps), append(control(1, 18), bulk(2, 0x81, 4096, nil)...)...), uint8(3), true)
	f.Add(append(hello(0), said(typeBulkReceiving, 1, false, make([]byte, 10))...), uint8(1), false)
	f.Add(said(typeDisconnect, 0, false, nil), uint8(200), true)
	f.Fuzz(func(t *testing.T, stream []byte, size uint8, first bool) {
		whole, cut := newGate(), newGate()
		for _, g := range []*gate{whole, cut} {
			if first {
				if err := g.fromDevice(hello(allCaps)); err != nil {
					t.Fatal(err)
				}
			}
		}
		want := whole.fromMachine(stream)
		var got error
		for rest := stream; len(rest) > 0 && got == nil; {
			n := min(int(size)+1, len(rest))
			got = cut.fromMachine(rest[:n])
			rest = rest[n:]
		}
		if (want == nil) != (got == nil) {
			t.Errorf("whole %v, cut %v", want, got)
		}
		if whole.held > maxHeld || len(whole.requests) > maxRequests || whole.held < 0 {
			t.Errorf("%d bytes in %d requests", whole.held, len(whole.requests))
		}
		_ = whole.fromDevice(stream) // it must not panic
		if whole.held < 0 {
			t.Errorf("%d bytes", whole.held)
		}
	})
}
