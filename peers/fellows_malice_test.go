package peers

import (
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"testing"
	"time"

	"hither/peers/owner"
)

// say opens the exchange of lists as whoever n is, and sends a list without being asked.
func say(t *testing.T, n, to *Network, s owner.Secret) (state ownerWord, answered error) {
	t.Helper()
	c, err := n.DialAddr(testContext(t), to.Addrs()[0], ownerProtocol)
	if err != nil {
		return state, err // the limit is reached
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patient))
	if err := writeWord(c, ownerWord{}); err != nil {
		return state, err
	}
	if state, err = readWord(c); err != nil {
		return state, err
	}
	if err := writeWord(c, ownerWord{Secret: &s}); err != nil {
		return state, err
	}
	_, err = readWord(c)
	return state, err
}

// forged makes a list of another owner with these computers.
func forged(t *testing.T, by *Network, with ...*Network) owner.Secret {
	t.Helper()
	o, err := owner.Open(owner.Config{Self: by.ID(), Path: filepath.Join(t.TempDir(), "owner.json"), Now: time.Now,
		Write: func(string, []byte) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range with {
		if err := o.Add(owner.Entry{ID: by.ID(), Name: by.Name()}, owner.Entry{ID: n.ID(), Name: n.Name()}); err != nil {
			t.Fatal(err)
		}
	}
	s, _ := o.Secret()
	return s
}

func unchanged(t *testing.T, all []*Network, others int) {
	t.Helper()
	for _, n := range all {
		if len(n.Peers()) != others {
			t.Errorf("%s has %v", n.Name(), n.Peers())
		}
	}
}

func TestAStrangersListIsNothing(t *testing.T) {
	all := family(t, "nas", "laptop")
	evil := openTest(t, testConfig(t, "evil"))
	mine := forged(t, evil, all...)
	state, err := say(t, evil, all[0], mine)
	if err == nil || state.State != nil {
		t.Errorf("a stranger hears %+v, %v", state, err)
	}
	// The true list, signed anew by another key.
	theirs, _ := all[0].owner.Secret()
	theirs.Seed = mine.Seed
	if _, err := say(t, evil, all[0], theirs); err == nil {
		t.Error("a key that is not the list's is taken")
	}
	theirs.List.Sig = mine.List.Sig
	if _, err := say(t, evil, all[0], theirs); err == nil {
		t.Error("a list that is not signed is taken")
	}
	unchanged(t, all, 1)
	for range 2 * maxFailures { // the last ones are not even read
		if _, err := say(t, evil, all[0], mine); err == nil {
			t.Error("a stranger's list is taken")
		}
	}
	if all[0].strange.take() {
		t.Error("it may go on for ever")
	}
	unchanged(t, all, 1)
	pair(t, all[0], openTest(t, testConfig(t, "fresh"))) // pairing has a limit of its own
}

// TestAGuestsListIsNothing: a guest who holds a list of its own, with this computer in it,
// makes nobody its own.
func TestAGuestsListIsNothing(t *testing.T) {
	all := family(t, "nas", "laptop")
	guest := openTest(t, testConfig(t, "guest"))
	pairAsGuest(t, all[0], guest)
	if _, err := say(t, guest, all[0], forged(t, guest, all...)); err == nil {
		t.Error("a guest's list is taken")
	}
	r, _ := all[0].store.get(guest.host.ID())
	if r.Own || isAdmin(r.Grants) || all[0].owner.Has(guest.ID()) {
		t.Errorf("%+v", r)
	}
}

// TestTheRevokedOnesListIsNothing: it still has the old key.
func TestTheRevokedOnesListIsNothing(t *testing.T) {
	all := family(t, "nas", "laptop", "stolen")
	nas, laptop, stolen := all[0], all[1], all[2]
	evil := openTest(t, testConfig(t, "evil"))
	old, _ := stolen.owner.Secret()
	if err := nas.Forget(testContext(t), stolen.ID()); err != nil {
		t.Fatal(err)
	}
	until(t, "the laptop has heard", func() bool { return len(laptop.Peers()) == 1 })
	if err := stolen.owner.Add(owner.Entry{}, owner.Entry{ID: evil.ID(), Name: evil.Name()}); err != nil {
		t.Fatal(err)
	}
	newer, _ := stolen.owner.Secret()
	for _, n := range []*Network{nas, laptop} {
		for _, s := range []owner.Secret{old, newer} {
			for _, from := range []*Network{stolen, evil} {
				if word, err := say(t, from, n, s); err == nil && word.Secret != nil {
					t.Errorf("%s tells %s its key", n.Name(), from.Name())
				}
			}
		}
	}
	unchanged(t, []*Network{nas, laptop}, 1)
}

func TestMalformedWords(t *testing.T) {
	all := family(t, "nas", "laptop")
	for name, bytes := range map[string][]byte{
		"nothing":         {},
		"half a length":   {0, 0},
		"a huge promise":  {255, 255, 255, 255},
		"less than said":  {0, 0, 1, 0, '{', '}'},
		"not JSON":        {0, 0, 0, 2, 255, 0},
		"another message": {0, 0, 0, 2, '[', ']'},
	} {
		c, err := all[1].DialAddr(testContext(t), all[0].Addrs()[0], ownerProtocol)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(patient))
		if _, err := c.Write(bytes); err != nil {
			t.Fatal(name, err)
		}
		_ = c.(interface{ CloseWrite() error }).CloseWrite() // it may be reset already
		if b, err := io.ReadAll(c); len(b) > 0 {
			t.Errorf("%s: %q, %v", name, b, err)
		}
		c.Close()
	}
	until(t, "they go on", own(all[0], all[1]))
}

func FuzzReadWord(f *testing.F) {
	var seed bytes.Buffer
	if err := writeWord(&seed, ownerWord{State: &owner.State{Owner: []byte("key"), Others: 3}}); err != nil {
		f.Fatal(err)
	}
	f.Add(seed.Bytes())
	f.Add([]byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		word, err := readWord(bytes.NewReader(b))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := writeWord(&again, word); err != nil {
			t.Fatal(err)
		}
		back, err := readWord(&again)
		if err != nil {
			t.Fatal(err)
		}
		one, _ := json.Marshal(word)
		other, _ := json.Marshal(back)
		if !bytes.Equal(one, other) {
			t.Errorf("%s became %s", one, other)
		}
	})
}
