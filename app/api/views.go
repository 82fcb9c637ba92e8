package api

import (
	"crypto/rand"
	"errors"
	"io"
	"sync"
	"time"

	"hither/fusion"
	"hither/mirror/wire"
)

// views is the set of open screens, so that one can be ended when its viewer
// loses the permission, and all of them when the node stops.
type views struct {
	// mu guards the fields below.
	mu     sync.Mutex
	open   map[*view]bool
	closed bool
}

// view is the viewer's side of one open screen. It tells the viewer why the
// view ends when a permission is taken away.
type view struct {
	wire.Batcher
	peer fusion.HostID // "" for the owner
	mode fusion.ViewOptions
	// token names a view over a stream that may go on over datagrams.
	token string
	// writing is held while a message is written.
	writing sync.Mutex
}

func (v *view) Write(m []byte) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	return v.Batcher.Write(m)
}

func (v *view) WriteMore(m []byte) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	return v.Batcher.WriteMore(m)
}

// movable is a viewer's stream whose view may go on over datagrams.
type movable struct {
	*wire.Mover
	token string // only the viewer knows it
}

func newMovable(stream io.ReadWriteCloser) movable {
	return movable{wire.NewMover(wire.Stream(stream)), rand.Text()}
}

// unbatched is a Batcher for a pipe that sends each message at once.
type unbatched struct{ fusion.Pipe }

func (u unbatched) WriteMore(m []byte) error { return u.Pipe.Write(m) }

// revokeGrace is how long a viewer that reads slowly delays its own end.
const revokeGrace = time.Second

// revoke tells the viewer that the permission is gone and ends the view.
func (v *view) revoke() {
	cut := time.AfterFunc(revokeGrace, func() { _ = v.Close() }) // a viewer that does not read
	defer cut.Stop()
	_ = v.Write(wire.Closed{Reason: wire.Revoked, Text: "permission was taken away"}.Append(nil)) // it may be gone
	_ = v.Close()
}

// runView carries messages between the screen and the viewer until either
// ends. peer is "" for the owner.
func (s *Server) runView(screen, viewer fusion.Pipe, peer fusion.HostID, mode fusion.ViewOptions) error {
	batcher, ok := viewer.(wire.Batcher)
	if !ok {
		batcher = unbatched{viewer}
	}
	v := &view{Batcher: batcher, peer: peer, mode: mode}
	if m, ok := viewer.(movable); ok {
		v.token = m.token
	}
	if !s.views.add(v) {
		return errors.Join(screen.Close(), viewer.Close())
	}
	defer s.views.remove(v)
	// A grant that was taken away while the screen was opening is seen here, a
	// later one by GrantsChanged.
	if s.lost(v) {
		v.revoke()
		return screen.Close()
	}
	return wire.Join(screen, v)
}

// lost says whether the viewer's grants no longer carry the view.
func (s *Server) lost(v *view) bool {
	if v.peer == "" {
		return false
	}
	mayView := s.allowPeer(v.peer, fusion.ViewCap) == nil
	mayControl := s.allowPeer(v.peer, fusion.ControlCap) == nil
	mayDrop := s.allowPeer(v.peer, fusion.FilesCap) == nil
	maySpeak := s.allowPeer(v.peer, fusion.MicrophoneCap) == nil
	return !mayView || !maySpeak && v.mode.Microphone ||
		!v.mode.ViewOnly && (!mayControl || !mayDrop && !v.mode.NoDrops)
}

func (vs *views) add(v *view) bool {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	if vs.closed {
		return false
	}
	if vs.open == nil {
		vs.open = map[*view]bool{}
	}
	vs.open[v] = true
	return true
}

func (vs *views) remove(v *view) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	delete(vs.open, v)
}

// of gives the open views that match.
func (vs *views) of(match func(*view) bool) []*view {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	var out []*view
	for v := range vs.open {
		if match(v) {
			out = append(out, v)
		}
	}
	return out
}

// movable finds the view that a caller may move.
func (vs *views) movable(token string, peer fusion.HostID) (movable, bool) {
	for _, v := range vs.of(func(v *view) bool { return token != "" && v.token == token && v.peer == peer }) {
		m, ok := v.Batcher.(movable)
		return m, ok
	}
	return movable{}, false
}

func (vs *views) closeAll() {
	vs.mu.Lock()
	vs.closed = true
	vs.mu.Unlock()
	for _, v := range vs.of(func(*view) bool { return true }) {
		_ = v.Close() // it ends either way
	}
}

// GrantsChanged ends the views of a computer whose grants no longer carry
// them. The node calls it after every change of grants and every unpairing.
func (s *Server) GrantsChanged(peer fusion.HostID) {
	lost := s.views.of(func(v *view) bool { return v.peer == peer && s.lost(v) })
	var all sync.WaitGroup
	for _, v := range lost {
		all.Go(v.revoke)
	}
	all.Wait()
}
