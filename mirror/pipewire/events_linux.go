//go:build amd64 || arm64

package pipewire

import (
	"fmt"
	"image"
	"sync"
	"unsafe"
)

// listener is what the library calls; library fills it in.
var listener events

// streams are the open ones, by the number that the library is given for them.
var (
	streamsMu sync.Mutex // guards the variables below
	streams   = map[uintptr]*Stream{}
	lastOne   uintptr
)

func register(s *Stream) uintptr {
	streamsMu.Lock()
	defer streamsMu.Unlock()
	lastOne++
	streams[lastOne] = s
	return lastOne
}

func forget(handle uintptr) {
	streamsMu.Lock()
	defer streamsMu.Unlock()
	delete(streams, handle)
}

func lookup(handle uintptr) *Stream {
	streamsMu.Lock()
	defer streamsMu.Unlock()
	return streams[handle]
}

// States of a stream: enum pw_stream_state.
const (
	stateError       = -1
	stateUnconnected = 0
	stateStreaming   = 3
)

// onState is state_changed: the node went away, or PipeWire did. One that the
// node's end set to unconnected begins with connecting.
func onState(handle uintptr, before, now int32, text *byte) {
	s := lookup(handle)
	switch {
	case s == nil:
	case now == stateError:
		s.end(fmt.Errorf("%w: %s", ErrEnded, cString(text)))
	case now == stateUnconnected && before > stateUnconnected:
		s.end(ErrEnded)
	}
}

// cString copies what C says, at most 200 bytes of it.
func cString(p *byte) string {
	if p == nil {
		return ""
	}
	var b []byte
	for i := 0; i < 200; i++ {
		c := *(*byte)(unsafe.Add(unsafe.Pointer(p), i))
		if c == 0 {
			break
		}
		b = append(b, c)
	}
	return string(b)
}

// maxPod bounds a parameter that is read.
const maxPod = 64 << 10

// onParam is param_changed: the format is settled, or settled anew.
func onParam(handle uintptr, param uint32, pod *uint32) {
	s := lookup(handle)
	if s == nil || param != paramFormat || pod == nil || *pod > maxPod {
		return
	}
	l, err := settled(unsafe.Slice((*byte)(unsafe.Pointer(pod)), 8+*pod))
	if err != nil {
		s.end(err)
		return
	}
	s.relayout(l)
	pods := newPods(needed()...)
	s.lib.updateParams(s.stream, &pods.at[0], pods.len())
}

// onRemove is remove_buffer: its memory goes.
func onRemove(handle uintptr, b *buffer) {
	s := lookup(handle)
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == b {
		s.held = nil
	}
}

// onProcess is process: there are frames. Only the newest is kept.
func onProcess(handle uintptr) {
	s := lookup(handle)
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for b := s.lib.dequeue(s.stream); b != nil; b = s.lib.dequeue(s.stream) {
		if s.receive(b); s.held != b {
			s.lib.queue(s.stream, b)
		}
	}
	if s.fresh {
		s.tell()
	}
}

// relayout forgets what had another format. Its buffers go soon.
func (s *Stream) relayout(l layout) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop()
	s.layout, s.whole, s.damage = l, true, nil
}

// receive notes what a frame tells, and holds it if it has pixels. It needs
// both locks.
func (s *Stream) receive(b *buffer) {
	if c, ok := cursor(b.spa.meta(metaCursor)); ok {
		s.cursor, s.fresh = &c, true
	}
	if pix, _ := b.spa.picture(s.layout); pix == nil {
		return
	}
	bounds := image.Rect(0, 0, s.layout.width, s.layout.height)
	told := regions(b.spa.meta(metaDamage))
	if s.whole || len(told) == 0 {
		told = []image.Rectangle{bounds}
	}
	s.damage = add(s.damage, told, bounds)
	s.turn = 0
	if m := b.spa.meta(metaTransform); len(m) >= 4 {
		s.turn = ne.Uint32(m)
	}
	s.drop()
	s.held, s.fresh, s.whole = b, true, false
}
