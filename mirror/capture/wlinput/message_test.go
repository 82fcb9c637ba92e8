package wlinput

import (
	"bytes"
	"testing"
)

func TestMessages(t *testing.T) {
	b := write(7, 3, uint32(5), int32(-2), object(9), "seat", "abc")
	size := 8 + 12 + 4 + 8 + 4 + 4
	want := ne.AppendUint32(nil, 7)
	want = ne.AppendUint32(want, uint32(size)<<16|3)
	for _, n := range []uint32{5, 1<<32 - 2, 9, 5} {
		want = ne.AppendUint32(want, n)
	}
	want = append(want, "seat\x00\x00\x00\x00"...)
	want = append(ne.AppendUint32(want, 4), "abc\x00"...)
	if !bytes.Equal(b, want) {
		t.Errorf("%x, want %x", b, want)
	}
	e, rest, ok, err := cut(append(b, 1, 2, 3))
	if !ok || err != nil || len(rest) != 3 || e.from != 7 || e.code != 3 {
		t.Fatalf("%v, %x, %v, %v", e, rest, ok, err)
	}
	if e.number() != 5 || int32(e.number()) != -2 || e.number() != 9 || e.text() != "seat" || e.text() != "abc" || e.number() != 0 || e.text() != "" {
		t.Errorf("other arguments: %x", e.args)
	}
	if _, _, ok, err := cut(b[:len(b)-1]); ok || err != nil {
		t.Errorf("a part: %v, %v", ok, err)
	}
	if _, _, _, err := cut(make([]byte, 8)); err == nil {
		t.Error("no length")
	}
}

func FuzzMessages(f *testing.F) {
	f.Add(write(2, 0, uint32(1), "wl_seat", uint32(7)))
	f.Fuzz(func(t *testing.T, b []byte) {
		for {
			e, rest, ok, err := cut(b)
			if !ok || err != nil {
				return
			}
			if len(rest) >= len(b) {
				t.Fatal("no way forward")
			}
			_, _, _ = e.number(), e.text(), e.number()
			b = rest
		}
	})
}
