package imagepool

import (
	"math"
	"testing"
)

func TestClaims(t *testing.T) {
	s := &Claims{}
	one, ok1 := s.Share("machine", "m")
	two, ok2 := s.Share("machine", "m")
	if _, ok := s.Take("machine", "m"); !ok1 || !ok2 || ok {
		t.Fatal("a shared name was taken alone, or not shared")
	}
	one()
	if _, ok := s.Take("machine", "m"); ok {
		t.Fatal("one holder is left")
	}
	two()
	free, ok := s.Take("machine", "m")
	if _, shared := s.Share("machine", "m"); !ok || shared {
		t.Fatal("a name taken alone was shared, or was not free")
	}
	other, ok := s.Take("machine", "n")
	if !ok {
		t.Fatal("another name is not free")
	}
	free()
	other()
	if len(s.holders) != 0 {
		t.Errorf("left: %v", s.holders)
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{
		-5: "-5 B", 0: "0 B", 1023: "1023 B", 1 << 10: "1.0 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1.0 MiB",
		3 << 29: "1.5 GiB", 16 << 40: "16.0 TiB", 100 << 50: "100.0 PiB", math.MaxInt64: "8.0 EiB",
	} {
		if got := BytesText(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
