package owner

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"slices"
	"sync"
	"time"

	"hither/fusion"
)

// Secret is what makes a computer one of the owner's: the list, and the private key that
// signs it. It goes to computers of the list alone.
type Secret struct {
	List Signed `json:"list"`
	Seed []byte `json:"seed"` // Ed25519, 32 bytes (RFC 8032)
}

// Config says whose list it is and where it lies.
type Config struct {
	Self fusion.HostID
	Path string // owner.json, mode 0600
	// Write replaces a file as a whole, or leaves it as it was.
	Write func(path string, data []byte) error
	Now   func() time.Time
}

// Owner is this computer's copy of its owner's list. A computer that was added by nobody
// and has added nobody has none.
type Owner struct {
	config Config

	mu     sync.Mutex // guards the fields below, and is held over a write
	list   List
	signed Signed
	key    ed25519.PrivateKey // nil: there is no list yet
}

// Open reads the list, if there is one. A file that it does not understand is an error and
// stays as it is.
func Open(config Config) (*Owner, error) {
	o := &Owner{config: config}
	data, err := os.ReadFile(config.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err != nil {
		return nil, &fusion.Error{Op: "owner.open", Path: config.Path, Cause: err}
	}
	var s Secret
	if err := json.Unmarshal(data, &s); err == nil {
		o.list, o.key, err = s.check()
		o.signed = s.List
		if err == nil {
			return o, nil
		}
	}
	return nil, &fusion.Error{Op: "owner.open", Path: config.Path, Cause: fusion.ErrInvalid, Detail: "it is no list of computers",
		Hint: "restore the file from a backup, or move it away and pair anew"}
}

// check verifies a secret: its key must be the one that signs its list.
func (s Secret) check() (List, ed25519.PrivateKey, error) {
	if len(s.Seed) != ed25519.SeedSize {
		return List{}, nil, invalid("an owner's key of the wrong size")
	}
	l, err := s.List.Check()
	if err != nil {
		return List{}, nil, err
	}
	key := ed25519.NewKeyFromSeed(s.Seed)
	if !bytes.Equal(key.Public().(ed25519.PublicKey), l.key()) {
		return List{}, nil, invalid("the key is not the list's")
	}
	return l, key, nil
}

// Hosts gives all entries by ID, revoked ones too; none without a list.
func (o *Owner) Hosts() []Entry {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.list.Hosts)
}

// Has says whether a computer is one of the owner's now.
func (o *Owner) Has(id fusion.HostID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	e, ok := o.list.find(id)
	return ok && !e.Revoked
}

// Add takes a computer into the list; the first time it makes the list, with this computer
// in it. It is for computers that a person paired by hand: a revoked one comes back.
func (o *Owner) Add(self, other Entry) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	next, key := o.list, o.key
	if key == nil {
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			return err
		}
		next, key = List{Keys: [][]byte{public}}, private
		next = next.with(o.stamp(self, 1))
	}
	old, known := next.find(other.ID)
	switch {
	case known && !old.Revoked:
		return nil
	case !known && len(next.Hosts) >= MaxHosts:
		return &fusion.Error{Op: "owner.add", Cause: fusion.ErrInvalid, Detail: "the list has as many computers as it may have"}
	case old.Epoch == math.MaxUint32:
		return &fusion.Error{Op: "owner.add", Cause: fusion.ErrInvalid, Detail: "that computer was revoked for good",
			Hint: "give it a new identity: stop Hither there, move peers/identity.key away, and pair it anew"}
	}
	other = o.stamp(other, old.Epoch+1)
	if err := other.check(); err != nil {
		return err
	}
	return o.keep(next.with(other), key)
}

func (o *Owner) stamp(e Entry, epoch uint32) Entry {
	e.Epoch, e.Revoked, e.By, e.At = epoch, false, o.config.Self, o.config.Now().UTC().Truncate(time.Second)
	return e
}

// Revoke takes a computer out for good, and makes a new key, which the revoked one does
// not get. It promises ErrNotFound for one that is not in the list.
func (o *Owner) Revoke(id fusion.HostID) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	e, ok := o.list.find(id)
	if !ok || e.Revoked {
		return &fusion.Error{Op: "owner.revoke", Path: string(id), Cause: fusion.ErrNotFound, Detail: "it is not one of the owner's computers",
			Hint: "hither host ls has those that are"}
	}
	if len(o.list.Keys) >= MaxSteps {
		return &fusion.Error{Op: "owner.revoke", Cause: fusion.ErrInvalid, Detail: "the owner's key was changed too often",
			Hint: "begin a new list: move peers/owner.json away on each computer, and pair anew"}
	}
	e = o.stamp(e, e.Epoch)
	e.Revoked = true
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	return o.keep(o.list.with(e).follow(o.key, public), private)
}

// Leave drops the list: this computer is nobody's any more.
func (o *Owner) Leave() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := os.Remove(o.config.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &fusion.Error{Op: "owner.leave", Path: o.config.Path, Cause: err}
	}
	o.list, o.signed, o.key = List{}, Signed{}, nil
	return nil
}

// State is enough to see whether two lists are one.
type State struct {
	Owner  []byte `json:"owner,omitempty"`  // the list's first key; nil without a list
	Others int    `json:"others,omitempty"` // computers in it beside this one
	Sum    []byte `json:"sum,omitempty"`    // SHA-256 of the signed list
}

// State gives this computer's.
func (o *Owner) State() State {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.key == nil {
		return State{}
	}
	sum := sha256.Sum256(o.signed.Body)
	return State{Owner: o.list.Keys[0], Others: o.others(), Sum: sum[:]}
}

// Secret gives what a computer of the list needs; false without a list.
func (o *Owner) Secret() (Secret, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.key == nil {
		return Secret{}, false
	}
	return Secret{List: o.signed, Seed: o.key.Seed()}, true
}

// ErrFork says that two keys claim to follow one: two computers have each revoked others
// while they did not see each other, or one of them was revoked and does not accept it.
var ErrFork = errors.New("two lists of one owner")

// Heard is what a list from elsewhere led to.
type Heard struct {
	Changed bool // this computer's list is another now
	Behind  bool // the other's list lacks something: send it this one's
}

// Join takes over the list of the computer that this one was just paired with, by hand. A
// list of other computers here is an error, a list of none but this one is dropped.
func (o *Owner) Join(s Secret) (Heard, error) {
	l, key, err := s.check()
	if err != nil {
		return Heard{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.key != nil && o.list.compare(l) != stranger {
		return o.hear(l, key)
	}
	if others := o.others(); others > 0 {
		return Heard{}, &fusion.Error{Op: "owner.join", Cause: fusion.ErrExists, Detail: "both computers already belong to an owner with others",
			Hint: "pair it as a guest, or forget the others on one of the two first"}
	}
	if e, ok := l.find(o.config.Self); !ok || e.Revoked {
		return Heard{}, invalid("the list does not have this computer")
	}
	return Heard{Changed: true}, o.keep(l, key)
}

func (o *Owner) others() (n int) {
	for _, e := range o.list.Hosts {
		if !e.Revoked && e.ID != o.config.Self {
			n++
		}
	}
	return n
}

// Hear takes what another computer says, with its key if that follows this one's. The other
// must be in this computer's list or in its own, which the owner's key signs; so a computer
// hears of those who joined while it was away. It promises ErrFork, and ErrUnpaired when
// this computer was revoked.
func (o *Owner) Hear(from fusion.HostID, s Secret) (Heard, error) {
	l, key, err := s.check()
	if err != nil {
		return Heard{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	e, known := o.list.find(from)
	if !known {
		e, known = l.find(from)
	}
	if !known || e.Revoked {
		return Heard{}, &fusion.Error{Op: "owner", Path: string(from), Cause: fusion.ErrUnpaired, Detail: "it is not one of the owner's computers",
			Hint: "pair the two computers first: hither pair"}
	}
	return o.hear(l, key)
}

func (o *Owner) hear(l List, key ed25519.PrivateKey) (Heard, error) {
	if o.key == nil {
		return Heard{}, invalid("there is no list here that it could go on with")
	}
	switch l.compare(o.list) {
	case stranger:
		return Heard{}, &fusion.Error{Op: "owner", Cause: fusion.ErrInvalid, Detail: "it is another owner's list",
			Hint: "pair the two computers by hand"}
	case fork:
		return Heard{}, &fusion.Error{Op: "owner", Cause: ErrFork, Detail: "two of the owner's computers have each revoked others, so there are two lists",
			Hint: "one may be a stolen computer's: pair this one anew with a computer that you trust"}
	case behind:
		return Heard{Behind: true}, nil
	case ahead: // what stands in the old list may be the revoked one's word; its own is known
		next := l.with(o.said(l)...)
		return o.take(next, key, Heard{Changed: true, Behind: !equal(next, l)})
	}
	next := o.list.with(l.Hosts...)
	if len(next.Hosts) > MaxHosts {
		return Heard{}, invalid("more computers than a list may have")
	}
	return o.take(next, o.key, Heard{Changed: !equal(next, o.list), Behind: !equal(next, l)})
}

// take keeps what was heard, if it changes anything and this computer is still in it.
func (o *Owner) take(next List, key ed25519.PrivateKey, h Heard) (Heard, error) {
	if e, ok := next.find(o.config.Self); !ok || e.Revoked {
		return Heard{}, &fusion.Error{Op: "owner", Cause: fusion.ErrUnpaired, Detail: "this computer was revoked by another of its owner's",
			Hint: "pair it anew if that was a mistake"}
	}
	if !h.Changed {
		return h, nil
	}
	return h, o.keep(next, key)
}

// said gives whom this computer added itself that a list has never heard of.
func (o *Owner) said(l List) (own []Entry) {
	for _, e := range o.list.Hosts {
		if _, heard := l.find(e.ID); !heard && e.By == o.config.Self && !e.Revoked && len(l.Hosts)+len(own) < MaxHosts {
			own = append(own, e)
		}
	}
	return own
}

func equal(a, b List) bool { return slices.EqualFunc(a.Hosts, b.Hosts, sameEntry) }

func sameEntry(a, b Entry) bool { return a.ID == b.ID && !later(a, b) && !later(b, a) }

// keep signs a list and writes it; when the disk refuses, nothing has changed.
func (o *Owner) keep(l List, key ed25519.PrivateKey) error {
	signed, err := l.sign(key)
	if err != nil {
		return err
	}
	if len(signed.Body) > MaxBytes {
		return &fusion.Error{Op: "owner", Cause: fusion.ErrInvalid, Detail: "the list of computers is too large"}
	}
	data, err := json.Marshal(Secret{List: signed, Seed: key.Seed()})
	if err != nil {
		return err
	}
	if err := o.config.Write(o.config.Path, append(data, '\n')); err != nil {
		return &fusion.Error{Op: "owner", Path: o.config.Path, Cause: err, Hint: "make room on the disk, or see who owns the folder; nothing was changed"}
	}
	o.list, o.signed, o.key = l, signed, key
	return nil
}
