package wayland

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// relayed is the compositor's name for the portal.
const relayed = "wayland-relayed"

// relay passes a compositor's words on, and adds one: each frame that is copied
// could also be had as a graphics card's buffer. Without that the portals of
// wlroots up to 0.7.1 give up, though they never ask for such a buffer where
// there is no card (github.com/emersion/xdg-desktop-portal-wlr/issues/289).
func relay(t testing.TB, from, to string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: to, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	var mu sync.Mutex
	var open []io.Closer
	running.Go(func() {
		for {
			client, err := l.AcceptUnix()
			if err != nil {
				return // the test is over
			}
			server, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: from, Net: "unix"})
			if err != nil {
				t.Error(err)
				client.Close()
				return
			}
			mu.Lock()
			open = append(open, client, server)
			mu.Unlock()
			w := &watcher{frames: map[uint32][]byte{}}
			running.Go(func() { pass(client, server, w.asked) })
			running.Go(func() { pass(server, client, w.told) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		running.Wait()
	})
}

// watcher follows the frames of one client's zwlr_screencopy_manager_v1.
type watcher struct {
	mu      sync.Mutex // guards the fields below
	manager uint32
	frames  map[uint32][]byte // the size that a frame was told to have: two numbers
}

var ne = binary.NativeEndian

// asked looks at a request and gives what is passed on.
func (w *watcher) asked(message []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	const captureOutput, captureRegion, destroy = 0, 1, 1
	to, code := ne.Uint32(message), ne.Uint16(message[4:])
	switch {
	case bytes.Contains(message, []byte("zwlr_screencopy_manager_v1\x00")): // wl_registry.bind
		w.manager = ne.Uint32(message[len(message)-4:])
	case to == w.manager && (code == captureOutput || code == captureRegion):
		w.frames[ne.Uint32(message[8:])] = nil
	case code == destroy:
		delete(w.frames, to)
	}
	return message
}

// told looks at an event and gives what is passed on.
func (w *watcher) told(message []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	const buffer, linuxDMABuf, bufferDone = 0, 5, 6
	frame := ne.Uint32(message)
	if _, ok := w.frames[frame]; !ok {
		return message
	}
	switch ne.Uint16(message[4:]) {
	case buffer:
		w.frames[frame] = bytes.Clone(message[12:20])
	case bufferDone:
		more := ne.AppendUint32(nil, frame)
		more = ne.AppendUint32(more, 20<<16|linuxDMABuf)
		more = append(more, "XR24"...)
		return append(append(more, w.frames[frame]...), message...)
	}
	return message
}

// pass passes whole messages on, and files as they come, until one side ends.
func pass(from, to *net.UnixConn, change func(message []byte) []byte) {
	defer to.Close()
	var in []byte
	b, rights := make([]byte, 64<<10), make([]byte, 4096)
	for {
		n, m, _, _, err := from.ReadMsgUnix(b, rights)
		if err != nil || n == 0 {
			return
		}
		in = append(in, b[:n]...)
		whole, out := 0, []byte(nil)
		for len(in)-whole >= 8 {
			size := int(ne.Uint32(in[whole+4:]) >> 16)
			if size < 8 || len(in)-whole < size {
				break
			}
			out = append(out, change(in[whole:whole+size])...)
			whole += size
		}
		_, _, err = to.WriteMsgUnix(out, rights[:m], nil)
		in = in[whole:]
		if errors.Join(err, closeAll(rights[:m])) != nil {
			return
		}
	}
}

// closeAll closes files that were passed on.
func closeAll(rights []byte) error {
	messages, err := unix.ParseSocketControlMessage(rights)
	for i := range messages {
		fds, bad := unix.ParseUnixRights(&messages[i])
		err = errors.Join(err, bad)
		for _, fd := range fds {
			err = errors.Join(err, unix.Close(fd))
		}
	}
	return err
}
