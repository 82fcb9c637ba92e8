package pipewire

import "fmt"

// Keys of a format, and values of them: spa/param/format.h, video/raw.h.
const (
	formatMediaType    = 1
	formatMediaSubtype = 2
	formatVideo        = 0x20001
	formatModifier     = 0x20002
	formatSize         = 0x20003
	formatRate         = 0x20004

	mediaVideo = 2
	mediaRaw   = 1

	videoRGBx = 7
	videoBGRx = 8
	videoRGBA = 11
	videoBGRA = 12
)

// Keys and values of buffers and metas: spa/param/buffers.h, spa/buffer/*.h.
const (
	buffersCount    = 1
	buffersDataType = 6

	dataMemPtr = 1
	dataMemFd  = 2

	metaType = 1
	metaSize = 2

	metaDamage    = 3
	metaCursor    = 5
	metaTransform = 8
)

const (
	// maxSide bounds a picture's sides, as the wire does.
	maxSide = 0xffff
	// maxRegions bounds how many rectangles of damage a frame tells.
	maxRegions = 32
	// maxCursor bounds the sides of a cursor, as the wire does.
	maxCursor = 256

	regionSize = 16 // struct spa_meta_region
	cursorSize = 28 // struct spa_meta_cursor
	bitmapSize = 20 // struct spa_meta_bitmap
)

// wanted is the format that a stream can take: no modifier, so that frames come
// in memory and not in a graphics card's buffers.
func wanted() []byte {
	return object(objectFormat, paramEnumFormat,
		property{formatMediaType, id(mediaVideo)},
		property{formatMediaSubtype, id(mediaRaw)},
		property{formatVideo, choice(choiceEnum, id(videoBGRx), id(videoBGRx), id(videoBGRA), id(videoRGBx), id(videoRGBA))},
		property{formatSize, ranging(rectangle(1920, 1080), rectangle(1, 1), rectangle(maxSide, maxSide))},
		property{formatRate, ranging(fraction(0, 1), fraction(0, 1), fraction(1000, 1))},
	)
}

// needed is what a stream wants of buffers once the format is settled: one that
// is held here, one that is on its way and one that is drawn to.
func needed() [][]byte {
	bitmap := func(side uint32) value { return integer(cursorSize + bitmapSize + side*side*4) }
	return [][]byte{
		object(objectBuffers, paramBuffers,
			property{buffersCount, ranging(integer(4), integer(3), integer(16))},
			property{buffersDataType, choice(choiceFlags, integer(1<<dataMemPtr|1<<dataMemFd))}),
		meta(metaDamage, ranging(integer(maxRegions*regionSize), integer(regionSize), integer(maxRegions*regionSize))),
		meta(metaCursor, ranging(bitmap(64), bitmap(1), bitmap(maxCursor))),
		meta(metaTransform, integer(4)),
	}
}

func meta(kind uint32, size value) []byte {
	return object(objectMeta, paramMeta, property{metaType, id(kind)}, property{metaSize, size})
}

// layout is a settled format.
type layout struct {
	width, height int
	swapped       bool // R G B X instead of B G R X
}

// settled reads a format that both sides agreed on.
func settled(pod []byte) (layout, error) {
	all, err := parse(pod, objectFormat)
	if err != nil {
		return layout{}, err
	}
	kind, _ := all[formatVideo].pair()
	w, h := all[formatSize].pair()
	if w == 0 || h == 0 || w > maxSide || h > maxSide {
		return layout{}, fmt.Errorf("pipewire: a picture of %d by %d", w, h)
	}
	l := layout{width: int(w), height: int(h)}
	switch kind {
	case videoBGRx, videoBGRA:
	case videoRGBx, videoRGBA:
		l.swapped = true
	default:
		return layout{}, fmt.Errorf("pipewire: pixels of format %d", kind)
	}
	return l, nil
}
