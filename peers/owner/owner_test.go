package owner

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	"hither/internal/expect"
)

var (
	ok      = expect.OK
	refused = expect.Refused
)

// hosts are computers with clocks that are not alike.
func host(t *testing.T, name string) *Owner {
	t.Helper()
	o, err := Open(Config{Self: id(name), Path: filepath.Join(t.TempDir(), "owner.json"),
		Write: func(path string, data []byte) error { return os.WriteFile(path, data, 0o600) },
		Now:   func() time.Time { return time.Unix(1_800_000_000+rand.Int64N(1000), 0) }})
	ok(t, err)
	return o
}

func id(name string) fusion.HostID { return fusion.HostID("id-of-" + name) }

func entry(name string) Entry {
	return Entry{ID: id(name), Name: name, Addrs: []string{"/ip4/127.0.0.1/tcp/1"}}
}

func secretOf(t *testing.T, o *Owner) Secret {
	t.Helper()
	s, ok := o.Secret()
	if !ok {
		t.Fatal("it has no list")
	}
	return s
}

// pair is what two computers do that a person paired: a adds b, which joins.
func pair(t *testing.T, a, b *Owner, nameA, nameB string) {
	t.Helper()
	ok(t, a.Add(entry(nameA), entry(nameB)))
	_, err := b.Join(secretOf(t, a))
	ok(t, err)
}

// meet lets two computers tell each other what they have until they agree.
func meet(a, b *Owner) error {
	for range 4 {
		moved := false
		for _, way := range [][2]*Owner{{a, b}, {b, a}} {
			s, has := way[0].Secret()
			if !has || !way[0].Has(way[1].config.Self) {
				continue
			}
			h, err := way[1].Hear(way[0].config.Self, s)
			if err != nil {
				return err
			}
			moved = moved || h.Changed
		}
		if !moved {
			return nil
		}
	}
	return errors.New("they do not come to an end")
}

func names(o *Owner) string {
	var list []string
	for _, e := range o.Hosts() {
		if !e.Revoked {
			list = append(list, e.Name)
		}
	}
	return strings.Join(list, " ")
}

func want(t *testing.T, o *Owner, list string) {
	t.Helper()
	if got := names(o); got != list {
		t.Errorf("%s knows %q, not %q", o.config.Self, got, list)
	}
}

func TestAComputerAddedByOneIsKnownToAll(t *testing.T) {
	a, b, c := host(t, "a"), host(t, "b"), host(t, "c")
	pair(t, a, b, "a", "b")
	pair(t, b, c, "b", "c")
	ok(t, meet(a, b))
	for _, o := range []*Owner{a, b, c} {
		want(t, o, "a b c")
	}
	again, err := Open(a.config)
	ok(t, err)
	want(t, again, "a b c")
	if again.Has(id("d")) || !again.Has(id("c")) {
		t.Error("who is in it is read wrongly")
	}
}

func TestARevokedComputerIsOutForAll(t *testing.T) {
	a, b, c := host(t, "a"), host(t, "b"), host(t, "c")
	pair(t, a, b, "a", "b")
	pair(t, a, c, "a", "c")
	ok(t, meet(a, b))
	stolen := secretOf(t, c)
	ok(t, a.Revoke(id("c")))
	want(t, a, "a b")
	refused(t, a.Revoke(id("c")), fusion.ErrNotFound)

	// The revoked one signs a newer list with the key that it has, and a stranger in it.
	ok(t, c.Add(entry("c"), entry("evil")))
	_, err := a.Hear(id("c"), secretOf(t, c))
	refused(t, err, fusion.ErrUnpaired)
	h, err := a.Hear(id("b"), secretOf(t, c)) // by way of another
	ok(t, err)
	if h.Changed || !h.Behind {
		t.Errorf("the old key is followed: %+v", h)
	}
	want(t, a, "a b")
	// It reaches b before b has heard: what b takes from it goes with the old key.
	_, err = b.Hear(c.config.Self, secretOf(t, c))
	ok(t, err)
	want(t, b, "a b c evil")
	ok(t, meet(a, b))
	want(t, a, "a b")
	want(t, b, "a b")
	// It is told of the new list by somebody, and does not stay.
	_, err = c.Hear(a.config.Self, secretOf(t, a))
	refused(t, err, fusion.ErrUnpaired)
	// Its list does not come back as a new one either.
	_, err = b.Join(stolen)
	ok(t, err)
	want(t, b, "a b")

	// Paired anew by hand it is back.
	ok(t, c.Leave())
	pair(t, b, c, "b", "c")
	ok(t, meet(a, b))
	want(t, a, "a b c")
	want(t, c, "a b c")
}

// TestTheOnesOwnWordIsNotLost: what a computer added while it was away stands when the
// others have another key meanwhile.
func TestTheOnesOwnWordIsNotLost(t *testing.T) {
	a, b, c, d := host(t, "a"), host(t, "b"), host(t, "c"), host(t, "d")
	pair(t, a, b, "a", "b")
	pair(t, a, c, "a", "c")
	ok(t, meet(a, b))
	pair(t, b, d, "b", "d")
	ok(t, a.Revoke(id("c")))
	ok(t, meet(a, b))
	ok(t, meet(b, d))
	for _, o := range []*Owner{a, b, d} {
		want(t, o, "a b d")
	}
}

func TestTwoWhoRevokeEachOtherAreAFork(t *testing.T) {
	a, b, c := host(t, "a"), host(t, "b"), host(t, "c")
	pair(t, a, b, "a", "b")
	pair(t, a, c, "a", "c")
	ok(t, meet(a, b))
	ok(t, a.Revoke(id("b")))
	ok(t, b.Revoke(id("a")))
	_, err := c.Hear(a.config.Self, secretOf(t, a))
	ok(t, err)
	want(t, c, "a c")
	_, err = c.Hear(id("b"), secretOf(t, b))
	refused(t, err, fusion.ErrUnpaired)
	if _, err = c.Hear(id("a"), secretOf(t, b)); !errors.Is(err, ErrFork) {
		t.Errorf("%v", err)
	}
	want(t, c, "a c")
}

func TestTwoOwnersStayTwo(t *testing.T) {
	a, b, x, y := host(t, "a"), host(t, "b"), host(t, "x"), host(t, "y")
	pair(t, a, b, "a", "b")
	pair(t, x, y, "x", "y")
	_, err := b.Hear(x.config.Self, secretOf(t, x))
	refused(t, err, fusion.ErrInvalid)
	ok(t, x.Add(entry("x"), entry("b")))
	_, err = b.Join(secretOf(t, x))
	refused(t, err, fusion.ErrExists)
	want(t, b, "a b")
	// One that is alone may change.
	ok(t, a.Revoke(id("b")))
	ok(t, x.Add(entry("x"), entry("a")))
	_, err = a.Join(secretOf(t, x))
	ok(t, err)
	want(t, a, "a b x y")
}

// TestAnyOrderComesToTheSame: computers add and revoke, and meet in any order; then all
// that are in it have one list. Whom only the revoked computer knew is not in it.
func TestAnyOrderComesToTheSame(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		const n = 5
		all := make([]*Owner, n)
		for i := range all {
			all[i] = host(t, fmt.Sprint("h", i))
		}
		for i := 1; i < n; i++ {
			pair(t, all[i-1], all[i], fmt.Sprint("h", i-1), fmt.Sprint("h", i))
		}
		gone := random.IntN(n)
		by := (gone + 1 + random.IntN(n-1)) % n
		for step := range 60 {
			i, j := random.IntN(n), random.IntN(n)
			switch {
			case step == 30:
				if all[by].Has(id(fmt.Sprint("h", gone))) {
					ok(t, all[by].Revoke(id(fmt.Sprint("h", gone))))
				}
			case step%10 == 0 && i != gone:
				ok(t, all[i].Add(entry(fmt.Sprint("h", i)), entry(fmt.Sprint("new", step))))
			default:
				if err := meet(all[i], all[j]); err != nil && !errors.Is(err, fusion.ErrUnpaired) { // one was revoked
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		}
		for range n {
			for i := range all {
				if all[by].Has(all[i].config.Self) {
					if err := meet(all[i], all[by]); err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
				}
			}
		}
		for i := range all {
			if all[by].Has(all[i].config.Self) && names(all[i]) != names(all[by]) {
				t.Errorf("seed %d: h%d has %q, h%d %q", seed, i, names(all[i]), by, names(all[by]))
			}
		}
	}
}

func TestAFullDiskChangesNothing(t *testing.T) {
	a := host(t, "a")
	ok(t, a.Add(entry("a"), entry("b")))
	full := errors.New("no space left on device")
	write := a.config.Write
	a.config.Write = func(string, []byte) error { return full }
	refused(t, a.Add(entry("a"), entry("c")), full)
	refused(t, a.Revoke(id("b")), full)
	want(t, a, "a b")
	a.config.Write = write
	ok(t, a.Revoke(id("b")))
	want(t, a, "a")
}

func TestAForgedList(t *testing.T) {
	a, b := host(t, "a"), host(t, "b")
	pair(t, a, b, "a", "b")
	for name, forge := range map[string]func(*Secret){
		"another body":      func(s *Secret) { s.List.Body = append(s.List.Body, ' ') },
		"another signature": func(s *Secret) { s.List.Sig[3] ^= 1 },
		"another key":       func(s *Secret) { s.Seed[0] ^= 1 },
		"no key":            func(s *Secret) { s.Seed = nil },
		"a key that nobody signed": func(s *Secret) {
			x := host(t, "x")
			ok(t, x.Add(entry("x"), entry("b")))
			theirs := secretOf(t, x)
			var mine, other List
			ok(t, json.Unmarshal(s.List.Body, &mine))
			ok(t, json.Unmarshal(theirs.List.Body, &other))
			other.Keys = [][]byte{mine.Keys[0], other.Keys[0]}
			other.Steps = [][]byte{s.List.Sig}
			signed, err := other.sign(x.key)
			ok(t, err)
			*s = Secret{List: signed, Seed: theirs.Seed}
		},
	} {
		s := secretOf(t, a)
		s.List.Body, s.List.Sig = append([]byte(nil), s.List.Body...), append([]byte(nil), s.List.Sig...)
		forge(&s)
		if _, err := b.Hear("id-of-a", s); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	want(t, b, "a b")
	ok(t, os.WriteFile(a.config.Path, []byte("{"), 0o600))
	_, err := Open(a.config)
	refused(t, err, fusion.ErrInvalid)
}

func FuzzCheck(f *testing.F) {
	o, err := Open(Config{Self: "a", Path: filepath.Join(f.TempDir(), "o"), Write: func(string, []byte) error { return nil }, Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	if err := errors.Join(o.Add(entry("a"), entry("b")), o.Revoke(id("b"))); err != nil {
		f.Fatal(err)
	}
	f.Add(o.signed.Body, o.key.Seed())
	f.Add([]byte(`{"keys":[],"hosts":[]}`), []byte{})
	f.Fuzz(func(t *testing.T, body, seed []byte) {
		s := Secret{List: Signed{Body: body, Sig: o.signed.Sig}, Seed: seed}
		if _, err := o.Hear("a", s); err == nil && string(body) != string(o.signed.Body) {
			t.Errorf("%q is taken", body)
		}
		var l List
		if json.Unmarshal(body, &l) == nil {
			_ = l.check() // does not panic
		}
	})
}
