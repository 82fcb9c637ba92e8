//go:build amd64 || arm64

package pipewire

import (
	"errors"
	"fmt"
	"image"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Stream is the frames of one node of PipeWire's graph.
//
// libpipewire calls back from its own thread while it holds the loop's lock,
// which is taken before mu.
type Stream struct {
	lib     *libpipewire
	loop    unsafe.Pointer
	context unsafe.Pointer
	core    unsafe.Pointer
	stream  unsafe.Pointer
	hook    hook
	handle  uintptr
	changed chan struct{}
	closing sync.Once

	mu     sync.Mutex // guards the fields below
	layout layout     // width is 0 before there is one
	held   *buffer    // the newest frame, not given back yet
	fresh  bool       // there is something to take
	whole  bool       // the next frame is new as a whole
	damage []image.Rectangle
	cursor *Cursor
	turn   uint32 // how the held frame is turned: enum spa_meta_videotransform_value
	err    error  // why the stream has ended
}

// Flags of pw_stream_connect: let the session's manager link it, map what can
// be mapped, and end with the node.
const (
	flagAutoconnect   = 1 << 0
	flagMapBuffers    = 1 << 2
	flagDontReconnect = 1 << 7
)

// ErrEnded is the cause when the node or PipeWire went away.
var ErrEnded = errors.New("pipewire: the stream has ended")

// Open takes the frames of a node. fd is a connection to PipeWire, such as a
// portal gives, which Open takes over. It promises ErrMissing. What the node
// does then, Err tells.
func Open(fd int, node uint32) (*Stream, error) {
	lib, err := library()
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	s := &Stream{lib: lib, changed: make(chan struct{}, 1)}
	s.handle = register(s)
	if err := s.open(fd, node); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Stream) open(fd int, node uint32) error {
	if s.loop = s.lib.loopNew("hither-screen", nil); s.loop == nil {
		return errors.Join(errors.New("pipewire: no loop"), unix.Close(fd))
	}
	if s.context = s.lib.contextNew(s.lib.loopOf(s.loop), nil, 0); s.context == nil {
		return errors.Join(errors.New("pipewire: no context"), unix.Close(fd))
	}
	if s.lib.loopStart(s.loop) < 0 {
		return errors.Join(errors.New("pipewire: no thread"), unix.Close(fd))
	}
	defer s.lock()()
	if s.core = s.lib.connect(s.context, int32(fd), nil, 0); s.core == nil {
		return errors.New("pipewire: no connection") // the library has closed fd
	}
	properties := s.lib.properties("media.type=Video media.category=Capture media.role=Screen")
	if s.stream = s.lib.streamNew(s.core, "hither screen", properties); s.stream == nil {
		return errors.New("pipewire: no stream")
	}
	s.lib.listen(s.stream, &s.hook, &listener, s.handle)
	const input = 0
	pods := newPods(wanted())
	if r := s.lib.streamConnect(s.stream, input, node, flagAutoconnect|flagMapBuffers|flagDontReconnect, &pods.at[0], pods.len()); r < 0 {
		return fmt.Errorf("pipewire: stream: %w", unix.Errno(-r))
	}
	return nil
}

// Changed gives a value when there may be something to take, or an error.
func (s *Stream) Changed() <-chan struct{} { return s.changed }

// Err says why the stream has ended, and nil while it has not.
func (s *Stream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Take gives use what is new, and false if nothing is. The frame is valid until
// use returns; meanwhile no other comes.
func (s *Stream) Take(use func(*Frame)) bool {
	defer s.lock()()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.fresh {
		return false
	}
	f := Frame{Width: s.layout.width, Height: s.layout.height, Swapped: s.layout.swapped, Turn: s.turn, Cursor: s.cursor}
	if s.held != nil {
		f.Pix, f.Stride = s.held.spa.picture(s.layout)
		f.Damage = s.damage
	}
	use(&f)
	s.fresh, s.damage, s.cursor = false, nil, nil
	s.drop()
	return true
}

// lock takes the loop's lock and gives what returns it. C knows its owner by the
// thread.
func (s *Stream) lock() (unlock func()) {
	runtime.LockOSThread()
	s.lib.loopLock(s.loop)
	return func() {
		s.lib.loopUnlock(s.loop)
		runtime.UnlockOSThread()
	}
}

// drop gives the held frame back. It needs both locks.
func (s *Stream) drop() {
	if s.held != nil {
		s.lib.queue(s.stream, s.held)
		s.held = nil
	}
}

// Close ends the stream and its threads.
func (s *Stream) Close() {
	s.closing.Do(func() {
		if s.loop != nil {
			s.lib.loopStop(s.loop)
		}
		if s.stream != nil {
			s.lib.streamDestroy(s.stream)
		}
		if s.core != nil {
			s.lib.disconnect(s.core)
		}
		if s.context != nil {
			s.lib.contextEnd(s.context)
		}
		if s.loop != nil {
			s.lib.loopDestroy(s.loop)
		}
		forget(s.handle)
		s.end(ErrEnded)
	})
}

func (s *Stream) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	s.tell()
}

// tell wakes who waits on Changed.
func (s *Stream) tell() {
	select {
	case s.changed <- struct{}{}:
	default: // it is told already
	}
}

// pods is objects for the library, aligned as it wants them.
type pods struct {
	at   []unsafe.Pointer
	keep [][]uint64
}

func newPods(all ...[]byte) *pods {
	p := new(pods)
	for _, b := range all {
		aligned := make([]uint64, (len(b)+7)/8)
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&aligned[0])), len(b)), b)
		p.keep = append(p.keep, aligned)
		p.at = append(p.at, unsafe.Pointer(&aligned[0]))
	}
	return p
}

func (p *pods) len() uint32 { return uint32(len(p.at)) }
