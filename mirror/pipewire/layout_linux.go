//go:build amd64 || arm64

package pipewire

import (
	"structs"
	"unsafe"
)

// The structures of libpipewire and SPA as C lays them out for 64-bit Linux;
// layout_linux_test.go holds them against what a C compiler says.

// hook is struct spa_hook, which is the library's own to fill in.
type hook [6]uintptr

// events is struct pw_stream_events: functions, or 0.
type events struct {
	_ structs.HostLayout

	version uint32
	destroy uintptr
	state   uintptr
	control uintptr
	io      uintptr
	param   uintptr
	add     uintptr
	remove  uintptr
	process uintptr
	drained uintptr
	command uintptr
	trigger uintptr
}

// buffer is struct pw_buffer as far as it is used.
type buffer struct {
	_ structs.HostLayout

	spa *spaBuffer
}

// spaBuffer is struct spa_buffer.
type spaBuffer struct {
	_ structs.HostLayout

	nMetas, nDatas uint32
	metas          *spaMeta
	datas          *spaData
}

// spaMeta is struct spa_meta.
type spaMeta struct {
	_ structs.HostLayout

	kind, size uint32
	data       *byte
}

// spaData is struct spa_data.
type spaData struct {
	_ structs.HostLayout

	kind, flags        uint32
	fd                 int64
	mapOffset, maxSize uint32
	data               *byte
	chunk              *spaChunk
}

// spaChunk is struct spa_chunk.
type spaChunk struct {
	_ structs.HostLayout

	offset, size  uint32
	stride, flags int32
}

const chunkCorrupted = 1

// meta gives the bytes of a meta, nil if there is none of this kind.
func (b *spaBuffer) meta(kind uint32) []byte {
	for _, m := range unsafe.Slice(b.metas, b.nMetas) {
		if m.kind == kind && m.data != nil {
			return unsafe.Slice(m.data, m.size)
		}
	}
	return nil
}

// picture gives the pixels of a frame and the bytes between rows; nil if it
// has none, as one that only tells of the cursor.
func (b *spaBuffer) picture(l layout) (pix []byte, stride int) {
	if b.nDatas == 0 || b.datas.data == nil || b.datas.chunk == nil {
		return nil, 0
	}
	d, chunk := b.datas, b.datas.chunk
	if chunk.size == 0 || chunk.flags&chunkCorrupted != 0 {
		return nil, 0
	}
	stride = int(chunk.stride)
	if stride == 0 {
		stride = l.width * 4
	}
	size := stride*(l.height-1) + l.width*4
	offset := int(chunk.offset)
	if stride < l.width*4 || offset+size > int(d.maxSize) {
		return nil, 0
	}
	return unsafe.Slice(d.data, d.maxSize)[offset : offset+size], stride
}
