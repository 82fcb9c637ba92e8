package pipewire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"image"
	"slices"
	"testing"
)

// TestPodsAreWhatCMakes holds our objects against what gcc 12 makes of the
// macros of SPA 0.3.65 (spa_pod_builder_add_object), on a little-endian machine.
func TestPodsAreWhatCMakes(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the bytes are those of a little-endian machine")
	}
	for _, one := range []struct {
		name, want string
		got        []byte
	}{
		{"format", "e00000000f0000000300040003000000010000000000000004000000030000000200000000000000020000000000000004000000030000000100000000000000010002000000000024000000130000000300000000000000040000000300000008000000080000000c000000070000000b00000000000000030002000000000028000000130000000100000000000000080000000a00000000050000200300000100000001000000ffff0000ffff0000040002000000000028000000130000000100000000000000080000000b00000000000000010000000000000001000000e803000001000000",
			object(objectFormat, paramEnumFormat,
				property{formatMediaType, id(mediaVideo)},
				property{formatMediaSubtype, id(mediaRaw)},
				property{formatVideo, choice(choiceEnum, id(videoBGRx), id(videoBGRx), id(videoBGRA), id(videoRGBx), id(videoRGBA))},
				property{formatSize, ranging(rectangle(1280, 800), rectangle(1, 1), rectangle(65535, 65535))},
				property{formatRate, ranging(fraction(0, 1), fraction(0, 1), fraction(1000, 1))})},
		{"buffers", "600000000f000000040004000500000001000000000000001c00000013000000010000000000000004000000040000000300000002000000080000000000000006000000000000001400000013000000040000000000000004000000040000000600000000000000",
			object(objectBuffers, paramBuffers,
				property{buffersCount, ranging(integer(3), integer(2), integer(8))},
				property{buffersDataType, choice(choiceFlags, integer(6))})},
		{"meta", "500000000f000000050004000600000001000000000000000400000003000000030000000000000002000000000000001c000000130000000100000000000000040000000400000000010000100000000001000000000000",
			meta(metaDamage, ranging(integer(256), integer(16), integer(256)))},
	} {
		if got := hex.EncodeToString(one.got); got != one.want {
			t.Errorf("%s:\n%s, want\n%s", one.name, got, one.want)
		}
	}
}

func format(kind, w, h uint32) []byte {
	return object(objectFormat, paramFormat, property{formatVideo, id(kind)}, property{formatSize, rectangle(w, h)})
}

func TestSettled(t *testing.T) {
	for _, one := range []struct {
		pod  []byte
		want layout
		ok   bool
	}{
		{format(videoBGRx, 1280, 800), layout{width: 1280, height: 800}, true},
		{format(videoRGBA, 3, 5), layout{width: 3, height: 5, swapped: true}, true},
		{wanted(), layout{width: 1920, height: 1080}, true}, // the first of each choice
		{format(9, 1280, 800), layout{}, false},
		{format(videoBGRx, 0, 800), layout{}, false},
		{format(videoBGRx, 70000, 800), layout{}, false},
		{object(objectMeta, paramMeta), layout{}, false},
		{nil, layout{}, false},
	} {
		if got, err := settled(one.pod); got != one.want || (err == nil) != one.ok {
			t.Errorf("%x: %v, %v; want %v", one.pod, got, err, one.want)
		}
	}
}

func TestRegions(t *testing.T) {
	told := regions(numbers(1, 2, 3, 4, 10, 20, 30, 40, 0, 0, 0, 0, 9, 9, 9, 9))
	if want := []image.Rectangle{image.Rect(1, 2, 4, 6), image.Rect(10, 20, 40, 60)}; !slices.Equal(told, want) {
		t.Errorf("%v, want %v", told, want)
	}
	bounds := image.Rect(0, 0, 100, 100)
	all := add(nil, []image.Rectangle{image.Rect(-5, -5, 10, 10), image.Rect(2, 2, 3, 3), image.Rect(200, 0, 300, 9)}, bounds)
	if want := []image.Rectangle{image.Rect(0, 0, 10, 10)}; !slices.Equal(all, want) {
		t.Errorf("%v, want %v", all, want)
	}
	for i := range 2 * maxRegions {
		all = add(all, []image.Rectangle{image.Rect(i, 50, i+1, 51)}, bounds)
	}
	if len(all) > maxRegions || !slices.ContainsFunc(all, func(r image.Rectangle) bool { return image.Rect(5, 5, 6, 51).In(r) }) {
		t.Errorf("many: %v", all)
	}
}

// shape is a cursor of two by one, with three bytes between its rows' ends.
func shape(format, w, h, stride, offset uint32) []byte {
	b := numbers(1, 0, 50, 60, 1, 2, cursorSize, format, w, h, stride, offset)
	return append(b, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0)
}

func TestCursor(t *testing.T) {
	if c, ok := cursor(shape(videoRGBA, 2, 1, 8, bitmapSize)); !ok || c.HotX != 1 || c.HotY != 2 || c.Width != 2 || c.Height != 1 ||
		!bytes.Equal(c.Pix, []byte{1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("%v, %v", c, ok)
	}
	if c, ok := cursor(shape(videoBGRA, 2, 1, 8, bitmapSize)); !ok || !bytes.Equal(c.Pix, []byte{3, 2, 1, 4, 7, 6, 5, 8}) {
		t.Errorf("swapped: %v, %v", c, ok)
	}
	if c, ok := cursor(shape(videoBGRA, 2, 1, 8, 0)); !ok || c.Width != 0 {
		t.Errorf("hidden: %v, %v", c, ok)
	}
	for name, meta := range map[string][]byte{
		"nothing said": numbers(0, 0, 0, 0, 0, 0, 0), "moved only": numbers(1, 0, 5, 5, 0, 0, 0),
		"too large": shape(videoRGBA, 300, 1, 1200, bitmapSize), "beyond its end": shape(videoRGBA, 2, 2, 8, bitmapSize),
		"rows too short": shape(videoRGBA, 2, 1, 4, bitmapSize), "short": {1, 2, 3},
		"another format": shape(2, 2, 1, 8, bitmapSize), "far bitmap": numbers(1, 0, 5, 5, 0, 0, 4000),
	} {
		if c, ok := cursor(meta); ok {
			t.Errorf("%s: %v", name, c)
		}
	}
}

func FuzzPod(f *testing.F) {
	f.Add(wanted())
	f.Add(format(videoRGBx, 7, 9))
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := settled(b); err == nil && (l.width == 0 || l.width > maxSide || l.height == 0 || l.height > maxSide) {
			t.Errorf("%v", l)
		}
	})
}

func FuzzMetas(f *testing.F) {
	f.Add(shape(videoBGRA, 2, 1, 8, bitmapSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, ok := cursor(b); ok && len(c.Pix) != c.Width*c.Height*4 {
			t.Errorf("%d by %d in %d bytes", c.Width, c.Height, len(c.Pix))
		}
		for _, r := range add(nil, regions(b), image.Rect(0, 0, 640, 480)) {
			if r.Empty() || !r.In(image.Rect(0, 0, 640, 480)) {
				t.Errorf("%v", r)
			}
		}
	})
}
