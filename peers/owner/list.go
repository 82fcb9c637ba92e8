package owner

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"hither/fusion"
)

// Limits of what is read from others.
const (
	MaxHosts = 1024
	MaxAddrs = 16
	MaxAddr  = 256 // bytes
	MaxSteps = 256 // keys that followed each other
	MaxBytes = 1 << 20
)

// Entry is what the list says of one computer.
type Entry struct {
	ID      fusion.HostID `json:"id"`
	Epoch   uint32        `json:"epoch"` // one more each time it is added again; from 1
	Revoked bool          `json:"revoked,omitempty"`
	Name    string        `json:"name"`            // what it calls itself
	Addrs   []string      `json:"addrs,omitempty"` // multiaddrs where it was when it was added
	By      fusion.HostID `json:"by"`              // who said so
	At      time.Time     `json:"at"`              // for people to read; UTC, whole seconds
}

// List is the owner's list.
type List struct {
	// Keys are the owner's public keys (Ed25519, 32 bytes each): the first names the owner
	// for good, the last signs now.
	Keys [][]byte `json:"keys"`
	// Steps[i] is the signature of Keys[i] over Keys[i+1].
	Steps [][]byte `json:"steps,omitempty"`
	Hosts []Entry  `json:"hosts"` // by ID
}

// Signed is a list as it goes over the wire and lies on the disk.
type Signed struct {
	Body []byte `json:"body"` // List as JSON
	Sig  []byte `json:"sig"`  // of the last key
}

const (
	listDomain = "hither owner list 1\n"
	stepDomain = "hither owner key 1\n"
)

func invalid(detail string) error {
	return &fusion.Error{Op: "owner", Cause: fusion.ErrInvalid, Detail: detail, Hint: "if this goes on, pair the two computers anew"}
}

// Check verifies a list from elsewhere: its bounds, each step of its keys and its
// signature.
func (s Signed) Check() (List, error) {
	var l List
	if len(s.Body) > MaxBytes {
		return l, invalid("a list of more than 1 MiB")
	}
	d := json.NewDecoder(bytes.NewReader(s.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return List{}, invalid("no list: " + err.Error())
	}
	if err := l.check(); err != nil {
		return List{}, err
	}
	if !ed25519.Verify(l.key(), append([]byte(listDomain), s.Body...), s.Sig) {
		return List{}, invalid("the list is not signed by its owner")
	}
	return l, nil
}

// check looks at everything but the list's signature.
func (l List) check() error {
	if len(l.Keys) == 0 || len(l.Keys) > MaxSteps || len(l.Steps) != len(l.Keys)-1 {
		return invalid("a list without proper keys")
	}
	for i, key := range l.Keys {
		if len(key) != ed25519.PublicKeySize {
			return invalid("a key of the wrong size")
		}
		if i > 0 && !ed25519.Verify(l.Keys[i-1], step(key), l.Steps[i-1]) {
			return invalid("a key that does not follow the one before")
		}
	}
	if len(l.Hosts) > MaxHosts {
		return invalid("more computers than a list may have")
	}
	for i, e := range l.Hosts {
		if err := e.check(); err != nil {
			return err
		}
		if i > 0 && l.Hosts[i-1].ID >= e.ID {
			return invalid("computers out of order")
		}
	}
	return nil
}

func (e Entry) check() error {
	if e.ID == "" || len(e.ID) > 128 || len(e.By) > 128 || e.Epoch == 0 {
		return invalid("a computer without a proper id and epoch")
	}
	if err := fusion.CheckName(e.Name); err != nil {
		return err
	}
	if len(e.Addrs) > MaxAddrs || slices.ContainsFunc(e.Addrs, func(a string) bool { return len(a) > MaxAddr }) {
		return invalid("a computer with too many addresses")
	}
	return nil
}

// step is what a key signs of the one that follows it.
func step(next []byte) []byte { return append([]byte(stepDomain), next...) }

func (l List) key() ed25519.PublicKey { return l.Keys[len(l.Keys)-1] }

// sign makes a list ready to go.
func (l List) sign(key ed25519.PrivateKey) (Signed, error) {
	body, err := json.Marshal(l)
	if err != nil {
		return Signed{}, err
	}
	return Signed{Body: body, Sig: ed25519.Sign(key, append([]byte(listDomain), body...))}, nil
}

// follow gives the list with another key, signed by the last one.
func (l List) follow(last ed25519.PrivateKey, next ed25519.PublicKey) List {
	l.Keys = append(slices.Clone(l.Keys), next)
	l.Steps = append(slices.Clone(l.Steps), ed25519.Sign(last, step(next)))
	return l
}

// find gives what the list says of a computer.
func (l List) find(id fusion.HostID) (Entry, bool) {
	i, ok := slices.BinarySearchFunc(l.Hosts, id, func(e Entry, id fusion.HostID) int { return cmp.Compare(e.ID, id) })
	if !ok {
		return Entry{}, false
	}
	return l.Hosts[i], true
}

// with gives the list with other entries merged in; of each computer the later stands.
func (l List) with(entries ...Entry) List {
	all := make(map[fusion.HostID]Entry, len(l.Hosts)+len(entries))
	for _, e := range slices.Concat(l.Hosts, entries) {
		if old, ok := all[e.ID]; !ok || later(e, old) {
			all[e.ID] = e
		}
	}
	l.Hosts = slices.SortedFunc(maps.Values(all), func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	return l
}

// later orders two entries of one computer, the same way everywhere.
func later(a, b Entry) bool {
	if a.Epoch != b.Epoch {
		return a.Epoch > b.Epoch
	}
	if a.Revoked != b.Revoked {
		return a.Revoked
	}
	if !a.At.Equal(b.At) {
		return a.At.After(b.At)
	}
	if a.By != b.By {
		return a.By > b.By
	}
	if a.Name != b.Name {
		return a.Name > b.Name
	}
	return slices.Compare(a.Addrs, b.Addrs) > 0
}

// relation is how the keys of two lists stand to each other.
type relation int

const (
	same relation = iota
	ahead
	behind
	fork     // two keys follow one
	stranger // another owner
)

// compare says how the keys of l stand to those of other.
func (l List) compare(other List) relation {
	n := min(len(l.Keys), len(other.Keys))
	for i := range n {
		if !bytes.Equal(l.Keys[i], other.Keys[i]) {
			if i == 0 {
				return stranger
			}
			return fork
		}
	}
	switch {
	case len(l.Keys) > len(other.Keys):
		return ahead
	case len(l.Keys) < len(other.Keys):
		return behind
	}
	return same
}
