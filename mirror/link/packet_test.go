package link

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"
)

var update = flag.Bool("update", false, "write testdata anew")

// vector is one datagram of testdata/datagrams.json, which the page's tests
// read too.
type vector struct {
	Name string `json:"name"`
	Hex  string `json:"hex"`
	Bits uint8  `json:"bits"`
	Ack  *struct {
		Next   uint32      `json:"next"`
		Room   uint16      `json:"room"`
		Echo   uint32      `json:"echo"`
		Held   uint16      `json:"held"`
		Mended uint32      `json:"mended"`
		Ranges [][2]uint32 `json:"ranges"`
	} `json:"ack,omitempty"`
	Seq   uint32 `json:"seq"`
	Count uint8  `json:"count"`
	Stamp uint32 `json:"stamp"`
	Sizes uint16 `json:"sizes"`
	Body  string `json:"body"`
}

// datagrams have every form.
func datagrams() map[string]datagram {
	sum := xor(xor(nil, []byte("\x00\x04key1")), []byte("\x00\x09a long one"))
	return map[string]datagram{
		"data":     {bits: hasData, seq: 7, stamp: 123_456, body: []byte("\x00\x04\x81\x00\x1e\x01")},
		"ask":      {bits: wantsAck},
		"parity":   {bits: hasParity, seq: 0xfffffffe, count: 2, stamp: 1, sizes: 6 ^ 12, body: sum},
		"ack":      {bits: hasAck, ack: ack{next: 9, room: 2031, echo: 77, held: 250, mended: 3}},
		"ack+data": {bits: hasAck | hasData | wantsAck, ack: ack{next: 0xfffffff0, room: 100, echo: 5, held: heldNone, ranges: []span{{0xfffffff2, 0xfffffff3}, {0xfffffff8, 4}}}, seq: 1, stamp: 2, body: []byte("x")},
	}
}

func TestDatagramsReadBack(t *testing.T) {
	for name, want := range datagrams() {
		var got datagram
		if err := got.parse(want.append(nil)); err != nil || !same(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// same compares what the bits say is there.
func same(a, b datagram) bool {
	return bytes.Equal(a.append(nil), b.append(nil)) && (a.bits&hasAck == 0 || len(a.ack.ranges) == len(b.ack.ranges))
}

func TestVectors(t *testing.T) {
	const file = "testdata/datagrams.json"
	if *update {
		writeVectors(t, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	ours := datagrams()
	if len(all) != len(ours) {
		t.Errorf("%d vectors", len(all))
	}
	for _, v := range all {
		d := ours[v.Name]
		if got := vectorOf(t, v.Name, d); !reflect.DeepEqual(got, v) {
			t.Errorf("%+v is not %+v; a change of the wire?", got, v)
		}
	}
}

func vectorOf(t *testing.T, name string, want datagram) vector {
	t.Helper()
	b := want.append(nil)
	var d datagram
	if err := d.parse(b); err != nil {
		t.Fatal(err)
	}
	v := vector{Name: name, Hex: hex.EncodeToString(b), Bits: d.bits, Seq: d.seq, Count: d.count, Stamp: d.stamp, Sizes: d.sizes, Body: hex.EncodeToString(d.body)}
	if d.bits&hasAck != 0 {
		text, err := json.Marshal(map[string]any{"next": d.ack.next, "room": d.ack.room, "echo": d.ack.echo, "held": d.ack.held, "mended": d.ack.mended, "ranges": ranges(d.ack.ranges)})
		if err == nil {
			err = json.Unmarshal(text, &v.Ack)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func ranges(spans []span) [][2]uint32 {
	out := [][2]uint32{}
	for _, s := range spans {
		out = append(out, [2]uint32{s.from, s.to})
	}
	return out
}

func writeVectors(t *testing.T, file string) {
	t.Helper()
	var all []vector
	for _, name := range []string{"data", "ask", "parity", "ack", "ack+data"} {
		all = append(all, vectorOf(t, name, datagrams()[name]))
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestBadDatagrams(t *testing.T) {
	data := datagram{bits: hasData, body: []byte("x")}
	tooLong := datagram{bits: hasData, body: make([]byte, maxPayload+1)}
	acked := datagram{bits: hasAck, ack: ack{next: 5, ranges: []span{{7, 9}, {12, 13}}}}
	edit := func(d datagram, at int, b byte) []byte {
		out := d.append(nil)
		out[at] = b
		return out
	}
	for name, b := range map[string][]byte{
		"nothing":            {},
		"too long":           make([]byte, MaxDatagram+1),
		"unknown bit":        edit(data, 0, 0x80),
		"data and parity":    edit(data, 0, hasData|hasParity),
		"no payload":         data.append(nil)[:dataHead],
		"long payload":       tooLong.append(nil),
		"short ack":          acked.append(nil)[:ackHead],
		"cut ranges":         acked.append(nil)[:1+ackHead+7],
		"bytes after ack":    append(acked.append(nil), 0),
		"too many ranges":    edit(acked, ackHead, maxRanges+1),
		"ranges that touch":  edit(acked, ackHead+6, 4),
		"empty range":        edit(acked, ackHead+8, 0),
		"range at next":      edit(acked, ackHead+2, 0),
		"range beyond":       edit(acked, ackHead+7, 0x10),
		"too much room":      edit(acked, 5, 0xff),
		"parity of nothing":  (&datagram{bits: hasParity, body: []byte("x")}).append(nil),
		"parity of too much": (&datagram{bits: hasParity, count: maxGroup + 1, body: []byte("x")}).append(nil),
		"short parity":       (&datagram{bits: hasParity, count: 1}).append(nil)[:parityHead-1],
	} {
		var d datagram
		if err := d.parse(b); err == nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestNear(t *testing.T) {
	for _, c := range []struct {
		base uint64
		low  uint32
		want uint64
	}{{0, 5, 5}, {10, 5, 5}, {0xfffffff0, 3, 0x100000003}, {0x100000003, 0xfffffff0, 0xfffffff0}, {5 << 32, 1 << 30, 5<<32 + 1<<30}} {
		if got := near(c.base, c.low); got != c.want {
			t.Errorf("near(%#x, %#x) = %#x", c.base, c.low, got)
		}
	}
}
