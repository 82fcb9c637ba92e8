//go:build amd64 || arm64

package pipewire

import (
	"testing"
	"unsafe"
)

// TestLayout holds the structures against what gcc 12 makes of the headers of
// PipeWire 0.3.65 for LP64.
func TestLayout(t *testing.T) {
	var e events
	var d spaData
	var b spaBuffer
	var m spaMeta
	for name, offsets := range map[string][2]uintptr{
		"events.state_changed": {unsafe.Offsetof(e.state), 16},
		"events.param_changed": {unsafe.Offsetof(e.param), 40},
		"events.remove_buffer": {unsafe.Offsetof(e.remove), 56},
		"events.process":       {unsafe.Offsetof(e.process), 64},
		"events":               {unsafe.Sizeof(e), 96},
		"hook":                 {unsafe.Sizeof(hook{}), 48},
		"data.fd":              {unsafe.Offsetof(d.fd), 8},
		"data.maxsize":         {unsafe.Offsetof(d.maxSize), 20},
		"data.data":            {unsafe.Offsetof(d.data), 24},
		"data.chunk":           {unsafe.Offsetof(d.chunk), 32},
		"data":                 {unsafe.Sizeof(d), 40},
		"chunk":                {unsafe.Sizeof(spaChunk{}), 16},
		"meta.data":            {unsafe.Offsetof(m.data), 8},
		"meta":                 {unsafe.Sizeof(m), 16},
		"buffer.metas":         {unsafe.Offsetof(b.metas), 8},
		"buffer.datas":         {unsafe.Offsetof(b.datas), 16},
	} {
		if offsets[0] != offsets[1] {
			t.Errorf("%s is at %d, not at %d", name, offsets[0], offsets[1])
		}
	}
}

// TestPicture gives pixels only where the buffer has them.
func TestPicture(t *testing.T) {
	mem := make([]byte, 100)
	l := layout{width: 2, height: 3}
	for name, one := range map[string]struct {
		chunk spaChunk
		rows  int // bytes of the picture, 0 for none
	}{
		"close rows":      {spaChunk{size: 24}, 24},
		"space between":   {spaChunk{size: 36, stride: 12, offset: 4}, 32},
		"beyond its end":  {spaChunk{size: 36, stride: 40, offset: 20}, 0},
		"rows too short":  {spaChunk{size: 24, stride: 4}, 0},
		"rows backwards":  {spaChunk{size: 24, stride: -8}, 0},
		"only the cursor": {spaChunk{size: 0, stride: 8}, 0},
		"corrupted":       {spaChunk{size: 24, stride: 8, flags: chunkCorrupted}, 0},
	} {
		d := spaData{maxSize: 100, data: &mem[0], chunk: &one.chunk}
		pix, stride := (&spaBuffer{nDatas: 1, datas: &d}).picture(l)
		if len(pix) != one.rows || pix != nil && stride < 8 {
			t.Errorf("%s: %d bytes, %d a row", name, len(pix), stride)
		}
	}
}
