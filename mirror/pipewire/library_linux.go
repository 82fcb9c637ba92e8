//go:build amd64 || arm64

package pipewire

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// libpipewire is the functions of libpipewire-0.3.so.0 that are used here; all
// of them are exported, and have been the same since 0.3.0.
type libpipewire struct {
	init          func(argc, argv unsafe.Pointer)
	loopNew       func(name string, properties unsafe.Pointer) unsafe.Pointer
	loopDestroy   func(loop unsafe.Pointer)
	loopStart     func(loop unsafe.Pointer) int32
	loopStop      func(loop unsafe.Pointer)
	loopLock      func(loop unsafe.Pointer)
	loopUnlock    func(loop unsafe.Pointer)
	loopOf        func(loop unsafe.Pointer) unsafe.Pointer
	contextNew    func(loop, properties unsafe.Pointer, size uint) unsafe.Pointer
	contextEnd    func(context unsafe.Pointer)
	connect       func(context unsafe.Pointer, fd int32, properties unsafe.Pointer, size uint) unsafe.Pointer
	disconnect    func(core unsafe.Pointer) int32
	properties    func(text string) unsafe.Pointer
	streamNew     func(core unsafe.Pointer, name string, properties unsafe.Pointer) unsafe.Pointer
	streamDestroy func(stream unsafe.Pointer)
	listen        func(stream unsafe.Pointer, hook *hook, events *events, data uintptr)
	streamConnect func(stream unsafe.Pointer, direction int32, target uint32, flags uint32, params *unsafe.Pointer, n uint32) int32
	updateParams  func(stream unsafe.Pointer, params *unsafe.Pointer, n uint32) int32
	dequeue       func(stream unsafe.Pointer) *buffer
	queue         func(stream unsafe.Pointer, b *buffer) int32
}

func (l *libpipewire) functions() map[string]any {
	return map[string]any{
		"pw_init": &l.init, "pw_thread_loop_new": &l.loopNew, "pw_thread_loop_destroy": &l.loopDestroy,
		"pw_thread_loop_start": &l.loopStart, "pw_thread_loop_stop": &l.loopStop, "pw_thread_loop_lock": &l.loopLock,
		"pw_thread_loop_unlock": &l.loopUnlock, "pw_thread_loop_get_loop": &l.loopOf, "pw_context_new": &l.contextNew,
		"pw_context_destroy": &l.contextEnd, "pw_context_connect_fd": &l.connect, "pw_core_disconnect": &l.disconnect,
		"pw_properties_new_string": &l.properties, "pw_stream_new": &l.streamNew, "pw_stream_destroy": &l.streamDestroy,
		"pw_stream_add_listener": &l.listen, "pw_stream_connect": &l.streamConnect, "pw_stream_update_params": &l.updateParams,
		"pw_stream_dequeue_buffer": &l.dequeue, "pw_stream_queue_buffer": &l.queue,
	}
}

// library loads libpipewire when it is first needed.
var library = sync.OnceValues(func() (*libpipewire, error) {
	const name = "libpipewire-0.3.so.0"
	handle, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, ErrMissing
	}
	l := new(libpipewire)
	for name, function := range l.functions() {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("pipewire: %w", err)
		}
		purego.RegisterFunc(function, symbol)
	}
	l.init(nil, nil)
	listener = events{
		version: 2,
		state:   purego.NewCallback(onState),
		param:   purego.NewCallback(onParam),
		remove:  purego.NewCallback(onRemove),
		process: purego.NewCallback(onProcess),
	}
	return l, nil
})
