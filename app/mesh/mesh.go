package mesh

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"hither/fusion"
	"hither/internal/wholefile"
)

// Config says what a Mesh stands in. All but Log is required.
type Config struct {
	// Dir keeps mesh.json.
	Dir string
	// ID is this computer.
	ID fusion.HostID
	// Dial opens a stream of Protocol to a paired computer by the best path there is. It
	// promises what peers.Network.Dial does.
	Dial func(ctx context.Context, id fusion.HostID) (net.Conn, error)
	// Members gives this computer and the paired ones as they are now; Changed is called
	// when that is another answer.
	Members func() []Member
	// Allow says whether a computer may use the private network here: an error with
	// ErrPermission and a hint when it may not.
	Allow func(id fusion.HostID) error
	// Guest connects to a port of a machine of this computer.
	Guest func(ctx context.Context, machine, proto string, port int) (net.Conn, error)
	// Own gives the ports of the node, which the node's own stack leads nobody to.
	Own func() []int
	// Log gets what the owner would want in a report. Default: silent.
	Log *slog.Logger

	noTUN     bool                // tests: as for a user who may not have one
	reachable func() []netip.Addr // tests; default: addresses of this computer that others reach
}

// Mesh is the private network as this computer takes part in it.
type Mesh struct {
	cfg Config
	own netip.Addr

	// changing is held while it is switched; work counts who switches it off by itself.
	changing sync.Mutex
	work     sync.WaitGroup
	mu       sync.Mutex // guards the fields below
	run      *running   // nil while it is off
	closed   bool
	broken   error // why mesh.json could not be read; then it is not written over
	failed   error // why it is not on although it should be
}

var _ fusion.Mesh = (*Mesh)(nil)

// kept is mesh.json.
type kept struct {
	Up bool `json:"up"`
}

const meshFile = "mesh.json"

// Open reads whether the network is on, and begins if so. What keeps it from beginning is
// told by Status and ends nothing else.
func Open(cfg Config) (*Mesh, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.reachable == nil {
		cfg.reachable = reachable
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, &fusion.Error{Op: "net.open", Path: cfg.Dir, Cause: err}
	}
	m := &Mesh{cfg: cfg, own: HostAddress(cfg.ID)}
	var was kept
	text, err := os.ReadFile(m.file())
	if err == nil {
		err = json.Unmarshal(text, &was)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.broken = err
		cfg.Log.Error("whether the private network is on cannot be read", "file", m.file(), "err", err)
	}
	if m.broken == nil && was.Up {
		if m.run, m.failed = start(m); m.failed != nil {
			cfg.Log.Error("the private network does not begin", "err", m.failed)
		}
	}
	return m, nil
}

func (m *Mesh) file() string { return filepath.Join(m.cfg.Dir, meshFile) }

// write writes whether the network is on, whole or not at all.
func (m *Mesh) write(up bool) error {
	if m.broken != nil {
		return &fusion.Error{Op: "net", Path: m.file(), Cause: m.broken, Hint: "repair or remove that file in the node's home, then start the node again"}
	}
	text, err := json.Marshal(kept{Up: up})
	if err == nil {
		err = wholefile.Write(m.file(), append(text, '\n'))
	}
	if err != nil {
		return &fusion.Error{Op: "net", Path: m.file(), Cause: err, Hint: "see that the disk has room and that the file may be written"}
	}
	return nil
}

// Up lets this computer take part, from now on and after a restart.
func (m *Mesh) Up(ctx context.Context) (fusion.MeshStatus, error) {
	m.changing.Lock()
	defer m.changing.Unlock()
	if m.running() == nil {
		r, err := start(m)
		if err == nil {
			err = m.put(r)
		}
		if err != nil {
			return fusion.MeshStatus{}, err
		}
		if err := m.write(true); err != nil {
			m.take().end()
			return fusion.MeshStatus{}, err
		}
		m.cfg.Log.Info("the private network is on", "address", m.own, "plane", r.plane, "device", r.device, "trace", fusion.Trace(ctx))
	}
	return m.Status(ctx)
}

// Down ends that. Connections over the private network break.
func (m *Mesh) Down(ctx context.Context) (fusion.MeshStatus, error) {
	m.changing.Lock()
	defer m.changing.Unlock()
	if err := m.write(false); err != nil {
		return fusion.MeshStatus{}, err
	}
	if r := m.take(); r != nil {
		r.end()
		m.cfg.Log.Info("the private network is off", "trace", fusion.Trace(ctx))
	}
	return m.Status(ctx)
}

// Close ends the network for now.
func (m *Mesh) Close() error {
	m.mu.Lock()
	m.closed = true
	r := m.run
	m.run = nil
	m.mu.Unlock()
	if r != nil {
		r.end()
	}
	m.work.Wait()
	return nil
}

func (m *Mesh) put(r *running) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		r.end()
		return &fusion.Error{Op: "net", Cause: fusion.ErrOffline, Detail: "the node stops", Hint: "ask again when it runs"}
	}
	m.run, m.failed = r, nil
	return nil
}

func (m *Mesh) take() *running {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.run
	m.run, m.failed = nil, nil
	return r
}

// running gives the network while it is on, else nil.
func (m *Mesh) running() *running {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.run
}

// Changed says that Members gives another answer than before.
func (m *Mesh) Changed() {
	if r := m.running(); r != nil {
		r.look()
	}
}

// GrantsChanged ends what a computer may not have any more.
func (m *Mesh) GrantsChanged(id fusion.HostID) {
	if r := m.running(); r != nil {
		r.revoked(id)
	}
}

// Status tells how it is now.
func (m *Mesh) Status(ctx context.Context) (fusion.MeshStatus, error) {
	s := fusion.MeshStatus{Address: m.own.String(), MTU: MTU, Peers: []fusion.MeshPeer{}, Machines: []fusion.MeshMachine{}}
	m.mu.Lock()
	r, failed := m.run, cmp.Or(m.failed, m.broken)
	m.mu.Unlock()
	var b *book
	if r != nil {
		b = r.book.Load()
		s.Up, s.Plane, s.Device, s.DNS, s.Resolves = true, r.plane, r.device, r.dns, r.resolves
		s.Note, s.Hint = r.note, r.hint
		s.NameHint = r.nameHint
	} else {
		b = newBook(m.cfg.Members())
		if failed != nil {
			s.Note, s.Hint = fusion.Words(failed)
		}
	}
	s.Name = b.called[m.own]
	for _, member := range b.members {
		if !member.Local {
			s.Peers = append(s.Peers, m.peer(r, b, member))
		}
	}
	for at, name := range b.called {
		if id := b.holder[at]; at != HostAddress(id) {
			s.Machines = append(s.Machines, fusion.MeshMachine{Name: name, Address: at.String(), Host: b.hosts[id].Name})
		}
	}
	slices.SortFunc(s.Peers, func(a, b fusion.MeshPeer) int { return cmp.Compare(a.Host, b.Host) })
	slices.SortFunc(s.Machines, func(a, b fusion.MeshMachine) int { return cmp.Compare(a.Name, b.Name) })
	return s, ctx.Err()
}

// peer tells how it is with another computer.
func (m *Mesh) peer(r *running, b *book, member Member) fusion.MeshPeer {
	at := HostAddress(member.ID)
	p := fusion.MeshPeer{Host: member.Name, HostID: member.ID, Address: at.String(), Name: b.called[at], State: fusion.MeshIdle}
	var why error
	if r != nil {
		why = r.count(member.ID, &p)
	}
	mayHere := m.cfg.Allow(member.ID)
	switch other, refused := b.refused[member.ID]; {
	case refused:
		p.State, p.Address, p.Name = fusion.MeshRefused, "", ""
		p.Note, p.Hint = "its address is the one of "+other, "forget one of the two and let it make a new key"
	case !member.Online:
		p.State, p.Note = fusion.MeshOffline, "the other computer is offline"
	case mayHere != nil:
		p.State = fusion.MeshRefused
		p.Note, p.Hint = fusion.Words(mayHere)
	case why != nil:
		p.State = fusion.MeshRefused
		p.Note, p.Hint = fusion.Words(why)
	case p.BytesIn+p.BytesOut > 0:
		p.State = fusion.MeshOpen
	}
	return p
}
