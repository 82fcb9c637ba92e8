//go:build amd64 || arm64

package usbredir

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"
	"unsafe"
)

// loop is a session that is served. Its run calls C; reader and writer copy between it and
// the connection, and one more waits for the end of the context. All end after run.
type loop struct {
	*session
	gate  *gate
	conn  io.ReadWriteCloser
	heard chan []byte   // from the reader; capacity 1
	say   chan []byte   // to the writer; capacity 1, and it has room when idle
	over  chan error    // why one of the others ended; each sends once
	ended chan struct{} // closed when run has ended
	idle  atomic.Bool   // the writer has written all that it was given
	spare []byte        // for out, while the writer has the other one
}

const (
	// look is how often it is seen whether the device is still there: one that does nothing
	// does not tell.
	look = time.Second
	// farewell is how long the other side may take to hear that the device is gone.
	farewell = 5 * time.Second

	interrupted = -10 // LIBUSB_ERROR_INTERRUPTED
)

var errProtocol = errors.New("the machine's side does not keep to the usbredir protocol")

// run goes on until one side has ended.
func (l *loop) run() error {
	looked, lost := time.Now(), time.Time{}
	for {
		select {
		case err := <-l.over:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		default:
		}
		moved, err := l.step()
		if err != nil {
			return err
		}
		if l.gate.gone {
			if lost.IsZero() {
				lost = time.Now()
			}
			if len(l.out) == 0 && l.idle.Load() || time.Since(lost) > farewell {
				return ErrGone
			}
		}
		limit := timeval{seconds: int64(look / time.Second)}
		if moved {
			limit = timeval{}
		}
		if code := l.events(l.ctx, &limit, nil); code < 0 && code != interrupted {
			return l.failure(l.device, code)
		}
		if time.Since(looked) >= look {
			looked = time.Now()
			if _, err := os.Stat(l.device.Node()); err != nil {
				return ErrGone
			}
		}
	}
}

// step passes on what there is, as far as there is room, and says whether anything was.
func (l *loop) step() (moved bool, err error) {
	if len(l.out) < maxOut && l.hostSays(l.host) > 0 {
		before := len(l.out)
		if l.hostWrite(l.host) < 0 {
			return false, errors.New("libusbredirhost has nothing to say any more")
		}
		if err := l.gate.fromDevice(l.out[before:]); err != nil {
			return false, err
		}
	}
	if len(l.out) > 0 && l.idle.CompareAndSwap(true, false) {
		l.say <- l.out
		l.out, l.spare = l.spare[:0], l.out
		moved = true
	}
	if len(l.in) == 0 {
		select {
		case l.in = <-l.heard:
			if err := l.gate.fromMachine(l.in); err != nil {
				return false, errors.Join(errProtocol, err)
			}
		default:
		}
	}
	// Answers wait in the library without a bound: it hears nothing more before they are gone.
	if len(l.in) == 0 || len(l.out) >= maxOut || l.hostSays(l.host) > maxSays {
		return moved, nil
	}
	switch code := l.hostRead(l.host); code {
	case 0:
		return true, nil
	case readLost:
		l.gate.gone = true
		return true, nil
	case readParse, readRejected:
		return false, errProtocol
	default:
		return false, l.failure(l.device, code)
	}
}

// reader reads into three buffers in turn: one is filled, one waits, one is used.
func (l *loop) reader() {
	var buffers [3][chunk]byte
	for i := 0; ; i = (i + 1) % len(buffers) {
		n, err := l.conn.Read(buffers[i][:])
		if n > 0 {
			select {
			case l.heard <- buffers[i][:n]:
				l.interrupt(l.ctx)
			case <-l.ended:
				return
			}
		}
		if err != nil {
			l.leave(err)
			return
		}
	}
}

func (l *loop) writer() {
	for {
		select {
		case p := <-l.say:
			if _, err := l.conn.Write(p); err != nil {
				l.leave(err)
				return
			}
			l.idle.Store(true)
			l.interrupt(l.ctx)
		case <-l.ended:
			return
		}
	}
}

func (l *loop) leave(err error) {
	l.over <- err
	l.interrupt(l.ctx)
}

// The callbacks. They run on the goroutine that called C, and must not panic.

func sessionOf(id uintptr) *session {
	s, _ := sessions.Load(id)
	return s.(*session) // it is there from before the library knows it until after it is closed
}

func onLog(id uintptr, level int32, text *byte) {
	s := sessionOf(id)
	said := text0(text)
	if level <= 1 { // usbredirparser_error
		s.said = said
	}
	s.log.Debug("usbredir", "level", level, "text", said)
}

// text0 reads what ends with a zero byte, at most a line of the library's.
func text0(p *byte) string {
	const longest = 1024
	n := 0
	for n < longest && *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}

// onRead gives bytes of the machine's side; 0 says that there are none now.
func onRead(id uintptr, data *byte, count int32) int {
	s := sessionOf(id)
	n := copy(unsafe.Slice(data, count), s.in)
	s.in = s.in[n:]
	return n
}

// onWrite takes bytes for the machine's side; 0 says that there is no room now.
func onWrite(id uintptr, data *byte, count int32) int {
	s := sessionOf(id)
	if len(s.out) >= maxOut {
		return 0
	}
	s.out = append(s.out, unsafe.Slice(data, count)...)
	return int(count)
}
