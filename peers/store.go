package peers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"hither/fusion"
	"hither/internal/wholefile"
)

// record is what is known of one paired computer, as peers.json keeps it.
type record struct {
	ID fusion.HostID `json:"id"`
	// Name is the name here, unique among all; Theirs is what it calls itself.
	Name   string         `json:"name"`
	Theirs string         `json:"theirs"`
	Addrs  []string       `json:"addrs"` // newest first, at most maxAddrs
	Grants []fusion.Grant `json:"grants"`
	Color  int            `json:"color"`
	// Confirmed is false until the other side is known to have stored us too.
	Confirmed bool `json:"confirmed"`
	// Own is true for a computer of the owner's list, Hand for one that a person paired
	// with admin both ways and that may join the list.
	Own      bool      `json:"own,omitempty"`
	Hand     bool      `json:"hand,omitempty"`
	Version  string    `json:"version,omitempty"`
	Paired   time.Time `json:"paired"`
	LastSeen time.Time `json:"lastSeen,omitzero"`
}

const maxAddrs = 16

// storeVersion is raised when an older release could not read the file.
const storeVersion = 1

type storeFile struct {
	Version int      `json:"version"`
	Peers   []record `json:"peers"`
}

// store is peers.json and its copy in memory. Records are never changed in
// place: readers may keep what they got.
type store struct {
	path string
	// writing is held over a whole update; mu guards records alone, so that a
	// reader never waits for a disk.
	writing sync.Mutex
	mu      sync.RWMutex
	records map[peer.ID]record
	// changed, of one, is told after each update.
	changed chan struct{}
}

// openStore reads peers.json. A file it does not understand is left as it is.
func openStore(path string) (*store, error) {
	s := &store{path: path, records: map[peer.ID]record{}, changed: make(chan struct{}, 1)}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, &fusion.Error{Op: "peers.open", Path: path, Cause: err}
	}
	bad := func(detail string) error {
		return &fusion.Error{Op: "peers.open", Path: path, Cause: fusion.ErrInvalid, Detail: detail,
			Hint: "restore the file from a backup, or move it away and pair anew"}
	}
	var file storeFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, bad(err.Error())
	}
	if file.Version != storeVersion {
		return nil, &fusion.Error{Op: "peers.open", Path: path, Cause: fusion.ErrUnsupported,
			Detail: "written by another release", Hint: "update Hither on this computer"}
	}
	for _, r := range file.Peers {
		id, err := peer.Decode(string(r.ID))
		if err != nil || fusion.CheckName(r.Name) != nil {
			return nil, bad("a computer without a proper id and name")
		}
		s.records[id] = r
	}
	return s, nil
}

func (s *store) get(id peer.ID) (record, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.records[id]
	return r, ok
}

func (s *store) all() map[peer.ID]record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.records)
}

// update lets change work on a copy, writes it to disk and then shows it. When
// change or the disk refuses, nothing has happened.
func (s *store) update(change func(next map[peer.ID]record) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	next := s.all()
	if err := change(next); err != nil {
		return err
	}
	file := storeFile{Version: storeVersion, Peers: slices.SortedFunc(maps.Values(next), func(a, b record) int {
		return bytes.Compare([]byte(a.Name), []byte(b.Name))
	})}
	data, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return &fusion.Error{Op: "peers.store", Path: s.path, Cause: err}
	}
	if err := wholefile.Write(s.path, append(data, '\n')); err != nil {
		return &fusion.Error{Op: "peers.store", Path: s.path, Cause: err,
			Hint: "make room on the disk, or see who owns the folder; nothing was changed"}
	}
	s.mu.Lock()
	s.records = next
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return nil
}

// put stores a computer: new, or the same key paired again.
func (s *store) put(r record, own string) (record, error) {
	id, err := peerID(r.ID)
	if err != nil {
		return record{}, err
	}
	err = s.update(func(next map[peer.ID]record) error {
		old, known := next[id]
		delete(next, id)
		r.Name = freeName(r.Theirs, func(name string) bool { return name == own || named(next, name) })
		r.Color = leastColor(next)
		if known {
			r.Color = old.Color
			r.Addrs = mergeAddrs(r.Addrs, old.Addrs)
			if old.Theirs == r.Theirs {
				r.Name = old.Name
			}
		}
		next[id] = r
		return nil
	})
	return r, err
}

func named(records map[peer.ID]record, name string) bool {
	for id, r := range records {
		if r.Name == name || id.String() == name {
			return true
		}
	}
	return false
}

// colors is the length of the palette. This computer has colour 0, so that a
// first other one gets 1.
const colors = 8

func leastColor(records map[peer.ID]record) int {
	used := [colors]int{1}
	for _, r := range records {
		if r.Color >= 0 && r.Color < colors {
			used[r.Color]++
		}
	}
	return slices.Index(used[:], slices.Min(used[:]))
}

// mergeAddrs puts the newer addresses before the older, each once.
func mergeAddrs(newer, older []string) []string {
	var all []string
	for _, addr := range slices.Concat(newer, older) {
		if !slices.Contains(all, addr) {
			all = append(all, addr)
		}
	}
	return all[:min(len(all), maxAddrs)]
}
