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

func TestAllClaims(t *testing.T) {
	s := &Claims{}
	one, _ := s.Share("backup", "m")
	if _, ok := s.All("machine", "backup"); ok {
		t.Fatal("all were taken, though one has a name")
	}
	one()
	all, ok := s.All("machine", "backup")
	if !ok {
		t.Fatal("nobody has any")
	}
	_, taken := s.Take("machine", "m")
	_, shared := s.Share("backup", "n")
	_, twice := s.All("backup")
	if taken || shared || twice {
		t.Fatal("one was taken beside all")
	}
	image, ok := s.Take("image", "m")
	if !ok {
		t.Fatal("another kind is not free")
	}
	image()
	all()
	if two, ok := s.Take("machine", "m"); !ok {
		t.Fatal("they are not free again")
	} else {
		two()
	}
	if len(s.holders) != 0 || len(s.whole) != 0 {
		t.Errorf("left: %v, %v", s.holders, s.whole)
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
