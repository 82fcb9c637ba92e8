package api

import (
	"crypto/rand"
	"errors"
	"io"
	"sync"
	"time"

	"hither/app/audit"
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
	// access is what the viewer was allowed; its peer is "" for the owner.
	access access
	mode   fusion.ViewOptions
	// session is what the owner sees of it; nil for the owner's own.
	session *audit.Session
	// token names a view over a stream that may go on over datagrams.
	token string
	// writing is held while a message is written.
	writing sync.Mutex
}

func (v *view) Write(m []byte) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	v.wrote(m)
	return v.Batcher.Write(m)
}

func (v *view) wrote(m []byte) {
	if v.session != nil {
		v.session.Out.Add(int64(len(m)))
	}
}

func (v *view) Read() ([]byte, error) {
	m, err := v.Batcher.Read()
	if v.session != nil {
		v.session.In.Add(int64(len(m)))
	}
	return m, err
}

func (v *view) WriteMore(m []byte) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	v.wrote(m)
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

const takenAway = "permission was taken away"

// revoke tells the viewer why it may not go on, and ends the view.
func (v *view) revoke(why string) {
	cut := time.AfterFunc(revokeGrace, func() { _ = v.Close() }) // a viewer that does not read
	defer cut.Stop()
	_ = v.Write(wire.Closed{Reason: wire.Revoked, Text: why}.Append(nil)) // it may be gone
	_ = v.Close()
}

// runView carries messages between the screen and the viewer until either
// ends.
func (s *Server) runView(screen, viewer fusion.Pipe, access access, mode fusion.ViewOptions) (err error) {
	batcher, ok := viewer.(wire.Batcher)
	if !ok {
		batcher = unbatched{viewer}
	}
	v := &view{Batcher: batcher, access: access, mode: mode}
	if m, ok := viewer.(movable); ok {
		v.token = m.token
	}
	if access.peer != "" {
		r := audit.Record{Trace: access.trace, Host: access.peer, Name: s.node.HostName(access.peer), What: methodName(access.method), Object: access.name}
		if mode.ViewOnly {
			r.Detail = audit.LooksOnly
		}
		v.session = s.node.Audit().Open(r, true, func(error) { s.done.Go(func() { v.revoke("the owner there ended it") }) })
		defer func() { v.session.Close(err) }()
	}
	if !s.views.add(v) {
		return errors.Join(screen.Close(), viewer.Close())
	}
	defer s.views.remove(v)
	// A grant that was taken away while the screen was opening is seen here, a
	// later one by GrantsChanged.
	if s.lost(v) {
		v.revoke(takenAway)
		return screen.Close()
	}
	return wire.Join(screen, v)
}

// lost says whether the viewer's grants no longer carry the view.
func (s *Server) lost(v *view) bool {
	peer, object := v.access.peer, v.access.object
	if peer == "" {
		return false
	}
	mayView := s.still(v.access) == nil
	mayControl := s.allowPeer(peer, fusion.ControlCap, object) == nil
	mayDrop := s.allowPeer(peer, fusion.FilesCap, "") == nil
	maySpeak := s.allowPeer(peer, fusion.MicrophoneCap, object) == nil
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
	for _, v := range vs.of(func(v *view) bool { return token != "" && v.token == token && v.access.peer == peer }) {
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

// GrantsChanged ends the views and calls of a computer whose grants no longer carry
// them. The node calls it after every change of grants, at the end of each, and after
// every unpairing.
func (s *Server) GrantsChanged(peer fusion.HostID) {
	for _, c := range s.calls.of(peer) {
		c.look()
	}
	lost := s.views.of(func(v *view) bool { return v.access.peer == peer && s.lost(v) })
	var all sync.WaitGroup
	for _, v := range lost {
		all.Go(func() { v.revoke(takenAway) })
	}
	all.Wait()
}
