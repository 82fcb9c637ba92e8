package tunnel

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"hither/app/tunnel/front"
	"hither/fusion"
	"hither/internal/wholefile"
	"hither/vmctl/proxy"
)

// Config says what a Store stands in. All but Mesh and Log is required.
type Config struct {
	// Dir keeps tunnels.json.
	Dir string
	// Dial opens a stream of Protocol to a paired host. It promises what
	// peers.Network.Dial does.
	Dial func(ctx context.Context, id fusion.HostID) (net.Conn, error)
	// Find gives a paired host by name or ID, or an error with ErrNotFound.
	Find func(name string) (fusion.HostInfo, error)
	// Allow says whether a host may use a capability here, on an object: that of a target
	// (fusion.Target.Object), or where it wants to listen ("listen 127.0.0.1:80"), which no
	// grant of an object covers. Its error has ErrPermission and a hint.
	Allow func(host fusion.HostID, want fusion.Capability, object string) error
	// Guest connects to a port of a machine of this computer.
	Guest func(ctx context.Context, machine, proto string, port int) (net.Conn, error)
	// Mesh connects to a name or an address of the private network, and InMesh says which
	// are: a proxy's programs reach those from here. Default: there is none.
	Mesh   func(ctx context.Context, proto, host string, port int) (net.Conn, error)
	InMesh func(host string) bool
	// Own gives the ports at this computer that no tunnel leads to: the node's.
	Own func() []int
	// CA is the directory of the CA that certifies what is published here, with the roots
	// that its own HTTPS is checked with. Default: Let's Encrypt, and the system's.
	CA      string
	CARoots *x509.CertPool
	// Log gets what the owner would want in a report. Default: silent.
	Log *slog.Logger

	resolver resolver // tests; default: the system's
}

// Store keeps the tunnels of one host, and is the far end of those of others.
type Store struct {
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup // one for each entry, see entry.run

	far   far // what it does for other hosts
	front *front.Front

	mu      sync.Mutex // guards the fields below, and of an entry what its comment says
	entries []*entry
	broken  error // why tunnels.json could not be read; then it is not written over
	// changing is held beside mu while one is added or removed, so that files are
	// written in order and two do not take one address.
	changing sync.Mutex
}

var _ fusion.Tunnels = (*Store)(nil)

const (
	tunnelsFile = "tunnels.json"
	// maxTunnels bounds the tunnels of one host, and maxThrough the connections, or
	// clients, of one.
	maxTunnels = 1024
	maxThrough = 1024
)

// Open reads what was kept and begins to listen. It waits for no other host.
func Open(cfg Config) (*Store, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.resolver == nil {
		cfg.resolver = net.DefaultResolver
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, &fusion.Error{Op: "tunnel.open", Path: cfg.Dir, Cause: err}
	}
	s := &Store{cfg: cfg}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.far.init()
	s.front = front.Open(front.Config{Dir: filepath.Join(cfg.Dir, "certificates"), CA: cfg.CA, Roots: cfg.CARoots, Log: cfg.Log})
	s.load()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		s.startLocked(e)
	}
	return s, nil
}

// load reads the file. What cannot be read is kept, told, and not written over.
func (s *Store) load() {
	var kept []*entry
	text, err := os.ReadFile(filepath.Join(s.cfg.Dir, tunnelsFile))
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.broken = err
		s.cfg.Log.Error("the tunnels cannot be read", "file", tunnelsFile, "err", err)
		return
	}
	for _, e := range kept {
		if e != nil && e.HostID != "" && e.ID != "" && e.TunnelSpec.WithDefaults().Check() == nil && len(s.entries) < maxTunnels {
			e.init()
			s.entries = append(s.entries, e)
		}
	}
}

// saveLocked writes the file whole or not at all. mu is held.
func (s *Store) saveLocked() error {
	if s.broken != nil {
		return &fusion.Error{Op: "tunnel", Path: tunnelsFile, Cause: s.broken, Hint: "repair or remove that file in the node's home, then start the node again"}
	}
	kept := []*entry{}
	for _, e := range s.entries {
		if !e.Once {
			kept = append(kept, e)
		}
	}
	text, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(s.cfg.Dir, tunnelsFile)
	if err := wholefile.Write(path, append(text, '\n')); err != nil {
		return &fusion.Error{Op: "tunnel", Path: path, Cause: err, Hint: "see that the disk has room and that the file may be written"}
	}
	return nil
}

// Close ends all tunnels and what is done for other hosts, and waits for that.
func (s *Store) Close() error {
	s.mu.Lock() // nothing starts after this
	s.cancel()
	s.mu.Unlock()
	s.front.Close()
	s.work.Wait()
	return nil
}

// Add begins a tunnel.
func (s *Store) Add(ctx context.Context, spec fusion.TunnelSpec) (fusion.Tunnel, error) {
	spec = spec.WithDefaults()
	if err := spec.Check(); err != nil {
		return fusion.Tunnel{}, err
	}
	host, err := s.cfg.Find(spec.Host)
	if err != nil {
		return fusion.Tunnel{}, err
	}
	if host.Local {
		return fusion.Tunnel{}, &fusion.Error{Op: "tunnel.add", Path: spec.Host, Cause: fusion.ErrInvalid, Detail: "it is this computer itself",
			Hint: "name another computer; a port of this one that leads to a machine of it is made with: hither machine forward add"}
	}
	if spec, err = sealed(spec); err != nil {
		return fusion.Tunnel{}, err
	}
	e := &entry{TunnelSpec: spec, ID: strings.ToLower(rand.Text()[:6]), HostID: host.ID}
	e.Host = host.Name
	e.init()
	s.changing.Lock()
	defer s.changing.Unlock()
	if err := s.vacant(e); err != nil {
		return fusion.Tunnel{}, err
	}
	if err := s.first(ctx, e); err != nil {
		return fusion.Tunnel{}, err
	}
	if err := s.keep(e); err != nil {
		e.drop()
		return fusion.Tunnel{}, err
	}
	s.cfg.Log.Info("tunnel", "id", e.ID, "kind", e.Kind, "proto", e.Proto, "listen", e.Listen, "host", e.Host, "target", e.Target, "trace", fusion.Trace(ctx))
	return s.shown(e), nil
}

// keep puts an entry among the others, and starts it.
func (s *Store) keep(e *entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return errStops
	}
	s.entries = append(s.entries, e)
	if err := s.saveLocked(); err != nil {
		s.entries = s.entries[:len(s.entries)-1]
		return err
	}
	s.startLocked(e)
	return nil
}

var errStops = &fusion.Error{Op: "tunnel", Cause: fusion.ErrOffline, Detail: "the node stops", Hint: "ask again when it runs"}

// vacant refuses an address that has a tunnel, and too many.
func (s *Store) vacant(e *entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return errStops
	}
	if len(s.entries) >= maxTunnels {
		return &fusion.Error{Op: "tunnel.add", Path: e.Listen, Cause: fusion.ErrBusy, Detail: fmt.Sprintf("this computer has %d tunnels already", maxTunnels), Hint: "remove some that are not needed: hither forward rm"}
	}
	for _, other := range s.entries {
		if other.Listen == e.Listen && other.Proto == e.Proto && other.Where() == e.Where() && !anyPort(e.Listen) && !otherNames(other.Site, e.Site) {
			return &fusion.Error{Op: "tunnel.add", Path: e.Listen, Cause: fusion.ErrExists, Detail: "tunnel " + other.ID + " listens there already",
				Hint: "take another port, or remove that tunnel first: hither forward rm " + other.ID}
		}
	}
	return nil
}

// otherNames says whether two sites can share an address.
func otherNames(a, b fusion.Site) bool {
	return a != (fusion.Site{}) && b != (fusion.Site{}) && a.Name != b.Name
}

func anyPort(listen string) bool {
	return strings.HasSuffix(listen, ":0") && !strings.HasPrefix(listen, "unix:")
}

// Remove ends a tunnel.
func (s *Store) Remove(ctx context.Context, id string) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	e, err := s.find("tunnel.rm", id)
	if err != nil {
		return err
	}
	s.mu.Lock()
	before := s.entries
	s.entries = slices.DeleteFunc(slices.Clone(s.entries), func(other *entry) bool { return other == e })
	if err := s.saveLocked(); err != nil {
		s.entries = before
		s.mu.Unlock()
		return err
	}
	s.mu.Unlock()
	e.end()
	s.cfg.Log.Info("tunnel removed", "id", e.ID, "listen", e.Listen, "trace", fusion.Trace(ctx))
	return nil
}

// Limit changes how fast bytes may pass a tunnel.
func (s *Store) Limit(ctx context.Context, id string, bytes int64) (fusion.Tunnel, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	e, err := s.find("tunnel.limit", id)
	if err != nil {
		return fusion.Tunnel{}, err
	}
	if err := fusion.CheckLimit(bytes); err != nil {
		return fusion.Tunnel{}, err
	}
	if err := s.setLimit(e, bytes); err != nil {
		return fusion.Tunnel{}, err
	}
	s.cfg.Log.Info("tunnel limited", "id", e.ID, "limit", bytes, "trace", fusion.Trace(ctx))
	return s.shown(e), nil
}

func (s *Store) setLimit(e *entry, bytes int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.TunnelSpec.Limit
	e.TunnelSpec.Limit = bytes
	if err := s.saveLocked(); err != nil {
		e.TunnelSpec.Limit = before
		return err
	}
	e.gauge.SetLimit(bytes)
	return nil
}

// find gives the tunnel of an ID, or of what it listens on.
func (s *Store) find(op, id string) (*entry, error) {
	listen, lerr := fusion.ParseListen(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*entry
	for _, e := range s.entries {
		if e.ID == id {
			return e, nil
		}
		if lerr == nil && e.Listen == listen || e.Site.Name != "" && e.Site.Name == id {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 0:
		return nil, &fusion.Error{Op: op, Path: printable(id), Cause: fusion.ErrNotFound, Detail: "no such tunnel", Hint: "hither forward ls lists them"}
	case 1:
		return found[0], nil
	}
	return nil, &fusion.Error{Op: op, Path: printable(id), Cause: fusion.ErrInvalid, Detail: "several tunnels listen there", Hint: "name it by its ID: hither forward ls lists them"}
}

// printable makes what somebody typed fit for an error's path.
func printable(text string) string {
	return strings.Trim(fmt.Sprintf("%q", text[:min(len(text), 64)]), `"`)
}

// List gives all tunnels.
func (s *Store) List(ctx context.Context) ([]fusion.Tunnel, error) {
	s.mu.Lock()
	entries := slices.Clone(s.entries)
	s.mu.Unlock()
	out := []fusion.Tunnel{}
	for _, e := range entries {
		out = append(out, s.shown(e))
	}
	slices.SortFunc(out, func(a, b fusion.Tunnel) int { return strings.Compare(a.ID, b.ID) })
	return out, ctx.Err()
}

// nameOf is what a host is called here.
func (s *Store) nameOf(id fusion.HostID) string {
	if host, err := s.cfg.Find(string(id)); err == nil {
		return host.Name
	}
	return string(id)
}

// History gives what passed in each of the last seconds.
func (s *Store) History(ctx context.Context, id string) ([]fusion.TunnelPoint, error) {
	e, err := s.find("tunnel.history", id)
	if err != nil {
		return nil, err
	}
	return points(e.gauge.Last(proxy.Kept - 1)), ctx.Err()
}
