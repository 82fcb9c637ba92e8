package x11

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"testing"
)

func TestHints(t *testing.T) {
	xterm := []uint32{0x1<<4 | 1<<6 | 1<<8, 0, 0, 484, 316, 10, 17, 0, 0, 6, 13, 0, 0, 0, 0, 4, 4, 1}
	if got := parseHints(xterm); got != (Limits{Min: image.Pt(10, 17)}) {
		t.Errorf("%+v", got)
	}
	fixed := []uint32{1<<4 | 1<<5, 0, 0, 0, 0, 300, 200, 300, 100, 0, 0, 0, 0, 0, 0}
	if got := parseHints(fixed); got != (Limits{image.Pt(300, 200), image.Pt(300, 200)}) {
		t.Errorf("%+v", got)
	}
	base := []uint32{1 << 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 8}
	if got := parseHints(base); got != (Limits{Min: image.Pt(7, 8)}) {
		t.Errorf("%+v", got)
	}
	for _, v := range [][]uint32{nil, {0xffffffff}, make([]uint32, 18)} {
		if got := parseHints(v); got != (Limits{}) {
			t.Errorf("%v: %+v", v, got)
		}
	}
	shadow := Limits{image.Pt(300, 200), image.Pt(0, 210)}.Shrink(image.Pt(50, 205))
	if shadow != (Limits{image.Pt(250, 1), image.Pt(0, 5)}) {
		t.Errorf("%+v", shadow)
	}
}

func TestUndecorated(t *testing.T) {
	for _, c := range []struct {
		hints []uint32
		want  bool
	}{
		{nil, false},
		{[]uint32{2, 0, 0, 0, 0}, true},
		{[]uint32{3, 1, 0, 0, 0}, true},
		{[]uint32{2, 0, 1, 0, 0}, false},
		{[]uint32{2, 0, 2, 0, 0}, false},
		{[]uint32{1, 0, 0, 0, 0}, false},
		{[]uint32{2, 0}, false},
	} {
		if got := undecorated(c.hints); got != c.want {
			t.Errorf("%v: %v", c.hints, got)
		}
	}
}

func TestPlaceOf(t *testing.T) {
	p := Place{Inside: parseInset(image.Pt(200, 100), 0, []uint32{10, 11, 12, 13}), Size: image.Pt(200, 100)}
	if got := p.Of(image.Rect(50, 60, 229, 235)); got != image.Rect(40, 48, 240, 248) {
		t.Error(got)
	}
	border := Place{Inside: parseInset(image.Pt(200, 100), 2, nil), Size: image.Pt(200, 100)}
	if got := border.Of(image.Rect(50, 60, 254, 164)); got != image.Rect(52, 62, 252, 162) {
		t.Error(got)
	}
}

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		names     []string
		transient bool
		want      Look
	}{
		{nil, false, Look{}},
		{nil, true, Look{Dialog: true}},
		{[]string{typeNormal}, false, Look{}},
		{[]string{typeNormal}, true, Look{Dialog: true}},
		{[]string{typeDialog, typeNormal}, false, Look{Dialog: true}},
		{[]string{typeUtility}, false, Look{Dialog: true}},
		{[]string{typeSplash}, false, Look{Popup: true}},
		{[]string{"_NET_WM_WINDOW_TYPE_DROPDOWN_MENU"}, true, Look{Popup: true}},
	} {
		var got Look
		if got.kind(c.names, c.transient); got != c.want {
			t.Errorf("%v %v: %+v", c.names, c.transient, got)
		}
	}
}

// pictures makes a _NET_WM_ICON of squares.
func pictures(pixel func(x, y int) uint32, sides ...int) (v []uint32) {
	for _, side := range sides {
		v = append(v, uint32(side), uint32(side))
		for i := range side * side {
			v = append(v, pixel(i%side, i/side))
		}
	}
	return v
}

func TestIcons(t *testing.T) {
	red := func(int, int) uint32 { return 0x80ff0102 }
	for _, c := range []struct {
		sides []int
		side  int
	}{{[]int{16, 32, 128, 64, 256}, 64}, {[]int{16, 48, 32}, 48}, {[]int{256, 128}, 128}, {[]int{1}, 1}} {
		m := parseIcons(pictures(red, c.sides...))
		if m == nil || m.Rect.Dx() != c.side || m.NRGBAAt(0, 0) != (color.NRGBA{0xff, 1, 2, 0x80}) {
			t.Errorf("%v: %v", c.sides, m.Rect)
		}
	}
	for _, v := range [][]uint32{nil, {1}, {5, 5}, {0, 0, 1}, {1 << 16, 1 << 16, 1}, {3, 3, 1, 2, 3, 4}} {
		if m := parseIcons(v); m != nil {
			t.Errorf("%v: %v", v, m.Rect)
		}
	}
}

func TestIconsFitAMessage(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := func(int, int) uint32 { return random.Uint32() }
	for _, side := range []int{1, 64, 100, 256, 500} {
		b, err := encodeIcon(parseIcons(pictures(noise, side)))
		if err != nil || len(b) > maxIcon {
			t.Errorf("%d: %d bytes, %v", side, len(b), err)
		}
	}
	half := func(x, _ int) uint32 { return 0xff000000 | uint32(x%2)*0xff }
	b, err := encodeIcon(parseIcons(pictures(half, 128)))
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil || m.Bounds() != image.Rect(0, 0, 64, 64) {
		t.Fatal(m.Bounds(), err)
	}
	if c := color.NRGBAModel.Convert(m.At(9, 9)); c != (color.NRGBA{0, 0, 127, 255}) {
		t.Errorf("average %v", c)
	}
}

func FuzzProperties(f *testing.F) {
	var b []byte
	for _, v := range pictures(func(x, y int) uint32 { return uint32(x * y) }, 3, 2) {
		b = order.AppendUint32(b, v)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, data []byte) {
		v := longs(data)
		if l := parseHints(v); l.Min.X < 0 || l.Min.Y < 0 || l.Max.X < 0 || l.Max.Y < 0 {
			t.Error(l)
		}
		size := image.Pt(300, 200)
		if r := parseInset(size, 1, v); r.Empty() || !r.In(image.Rectangle{Max: size}.Inset(-1)) {
			t.Error(r)
		}
		m := parseIcons(v)
		if m == nil {
			return
		}
		if b, err := encodeIcon(m); err != nil || len(b) > maxIcon {
			t.Error(len(b), err)
		}
		_ = cleanTitle(data)
	})
}

func FuzzEvents(f *testing.F) {
	f.Add(append([]byte{19, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1}, make([]byte, 19)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := &watch{changed: map[Window]What{}, popups: map[Window]bool{}, parts: map[Atom]What{7: Moved}}
		for ; len(data) >= 32; data = data[32:] {
			w.note(1, data[:32])
		}
		if len(w.changed) > maxWatched || len(w.popups) > maxWatched {
			t.Error("unbounded")
		}
	})
}
