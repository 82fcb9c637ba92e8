package peers

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"hither/fusion"
)

// wrongly gives the code with another last word.
func wrongly(t *testing.T, text string) string {
	c, err := parseCode(text)
	if err != nil {
		t.Fatal(err)
	}
	i, _ := slices.BinarySearch(words, c.words[2])
	c.words[2] = words[(i+1)%len(words)]
	return c.String()
}

func wantCause(t *testing.T, err, cause error, detail string) {
	t.Helper()
	if !errors.Is(err, cause) || fusion.Hint(err) == "" || !strings.Contains(err.Error(), detail) {
		t.Errorf("got %v (hint %q), want %v: %s", err, fusion.Hint(err), cause, detail)
	}
}

func strangers(t *testing.T, networks ...*Network) {
	t.Helper()
	for _, n := range networks {
		if p := n.Peers(); len(p) != 0 {
			t.Errorf("%s stored %+v", n.Name(), p)
		}
	}
}

func TestWrongCodeBurns(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	o, err := a.Offer(testContext(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		_, err := b.Join(testContext(t), wrongly(t, o.Code), o.Addr, nil)
		wantCause(t, err, fusion.ErrPermission, []string{"wrong", "wrong", "three wrong"}[i])
	}
	_, err = b.Join(testContext(t), o.Code, o.Addr, nil)
	wantCause(t, err, fusion.ErrPermission, "three wrong")
	_, err = o.Wait(testContext(t))
	wantCause(t, err, fusion.ErrPermission, "three wrong")
	strangers(t, a, b)
	pair(t, a, b) // a new code works at once
}

func TestTwoWrongThenRight(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	o, err := a.Offer(testContext(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := b.Join(testContext(t), wrongly(t, o.Code), o.Addr, nil)
		wantCause(t, err, fusion.ErrPermission, "wrong")
	}
	if _, err := b.Join(testContext(t), o.Code, o.Addr, nil); err != nil {
		t.Fatal(err)
	}
	c := openTest(t, testConfig(t, "phone"))
	_, err = c.Join(testContext(t), o.Code, o.Addr, nil)
	wantCause(t, err, fusion.ErrPermission, "used")
	strangers(t, c)
}

func TestExpiredWithdrawnUnknown(t *testing.T) {
	cfg := testConfig(t, "nas")
	cfg.OfferFor = time.Millisecond
	a, b := openTest(t, cfg), openTest(t, testConfig(t, "laptop"))
	o, err := a.Offer(testContext(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.Wait(testContext(t))
	wantCause(t, err, fusion.ErrPermission, "expired")
	_, err = b.Join(testContext(t), o.Code, o.Addr, nil)
	wantCause(t, err, fusion.ErrPermission, "expired")

	c := openTest(t, testConfig(t, "tv"))
	o, err = c.Offer(testContext(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	newer, err := c.Offer(testContext(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.Wait(testContext(t))
	wantCause(t, err, fusion.ErrBusy, "newer")
	_, err = b.Join(testContext(t), o.Code, o.Addr, nil)
	wantCause(t, err, fusion.ErrNotFound, "no code")
	newer.Close()
	if _, err := newer.Wait(testContext(t)); !errors.Is(err, fusion.ErrNotFound) {
		t.Error(err)
	}
	_, err = b.Join(testContext(t), newer.Code, "", nil)
	wantCause(t, err, fusion.ErrNotFound, "discovery is off")
	_, err = c.Join(testContext(t), newer.Code, newer.Addr, nil)
	wantCause(t, err, fusion.ErrInvalid, "shows the code")
	strangers(t, a, b, c)
}

func TestTwentyGuessesFromManyKeys(t *testing.T) {
	a := openTest(t, testConfig(t, "nas"))
	o, err := a.Offer(testContext(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for range 20 {
		b := openTest(t, testConfig(t, "guesser"))
		_, err := b.Join(testContext(t), wrongly(t, o.Code), o.Addr, nil)
		if fusion.Hint(err) == "" {
			t.Errorf("no hint: %v", err)
		}
		count[fusion.CauseName(err)]++
		strangers(t, b)
		b.Close()
	}
	// Time goes on meanwhile, so that one or two more than ten may be heard.
	if count["permission"]+count["busy"] != 20 || count["busy"] < 5 {
		t.Errorf("%v", count)
	}
	strangers(t, a)
}

func TestStrangersAreFew(t *testing.T) {
	a := openTest(t, testConfig(t, "nas"))
	held := 0
	for range maxStrangers + 4 {
		b := openTest(t, testConfig(t, "crowd"))
		c, err := b.DialAddr(testContext(t), a.Addrs()[0], pairProtocol)
		if err == nil {
			held++
			defer c.Close()
		}
	}
	if held > maxStrangers {
		t.Errorf("%d unpaired connections", held)
	}
}

func TestStrangerIsCutOff(t *testing.T) {
	cfg := testConfig(t, "nas")
	cfg.tune.stranger = 50 * time.Millisecond
	a, b := openTest(t, cfg), openTest(t, testConfig(t, "guest"))
	c, err := b.DialAddr(testContext(t), a.Addrs()[0], pairProtocol)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(c); err == nil {
		t.Error("the stream ended well")
	}
}

// onCurve gives a good point.
func onCurve(t testing.TB) []byte {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key.PublicKey().Bytes()
}

func malformed(t testing.TB, number string) map[string][]byte {
	good := intro{Number: number, Point: onCurve(t), Name: "x", Grants: fusion.Whole("view")}
	with := func(change func(*intro)) []byte {
		m := good
		m.Point = slices.Clone(good.Point)
		change(&m)
		body, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	return map[string][]byte{
		"empty":         {},
		"braces":        []byte("{}"),
		"null":          []byte("null"),
		"array":         []byte("[]"),
		"not JSON":      []byte("\xff\x00"),
		"no point":      with(func(m *intro) { m.Point = nil }),
		"short point":   with(func(m *intro) { m.Point = m.Point[:64] }),
		"long point":    with(func(m *intro) { m.Point = append(m.Point, 0) }),
		"infinity":      with(func(m *intro) { m.Point = make([]byte, pointSize) }),
		"origin":        with(func(m *intro) { m.Point = append([]byte{4}, make([]byte, 64)...) }),
		"off the curve": with(func(m *intro) { m.Point[64] ^= 1 }),
		"compressed":    with(func(m *intro) { m.Point[0] = 2 }),
		"beyond P":      with(func(m *intro) { copy(m.Point[1:], bytes.Repeat([]byte{255}, 64)) }),
		"no number":     with(func(m *intro) { m.Number = "" }),
		"odd number":    with(func(m *intro) { m.Number = "../x" }),
		"no name":       with(func(m *intro) { m.Name = "" }),
		"bad name":      with(func(m *intro) { m.Name = "../<xml>" }),
		"no grants":     with(func(m *intro) { m.Grants = nil }),
		"odd grant":     with(func(m *intro) { m.Grants = fusion.Whole("everything") }),
		"many addrs":    with(func(m *intro) { m.Addrs = make([]string, maxAddrs+1) }),
	}
}

func TestMalformedPairing(t *testing.T) {
	a, b := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop"))
	o, err := a.Offer(testContext(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range malformed(t, o.code.number) {
		a.offers.limiter.reset()
		c, err := b.DialAddr(testContext(t), o.Addr, pairProtocol)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(patient))
		var answer reply
		if err := writeBytes(c, body); err != nil {
			t.Fatal(name, err)
		}
		if err := readFrame(c, &answer); err != nil || answer.Status != string(refusedInvalid) {
			t.Errorf("%s: %+v %v", name, answer, err)
		}
		c.Close()
	}
	a.offers.limiter.reset()
	if o.wrong != 0 {
		t.Errorf("%d guesses counted", o.wrong)
	}
	if _, err := b.Join(testContext(t), o.Code, o.Addr, nil); err != nil {
		t.Error("after all that:", err)
	}
}

// TestChangedGrants is a man in the middle who rewrites the grants: whatever is
// changed in the first messages, or who speaks, no proof holds.
func TestChangedGrants(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	j, o := peer.ID("joiner"), peer.ID("offerer")
	first, second := []byte(`{"grants":["view"]}`), []byte(`{"grants":["apps"]}`)
	good := newProofs(key, j, o, first, second)
	for name, other := range map[string]*proofs{
		"joiner's grants":  newProofs(key, j, o, []byte(`{"grants":["admin"]}`), second),
		"offerer's grants": newProofs(key, j, o, first, []byte(`{"grants":["admin"]}`)),
		"joiner":           newProofs(key, peer.ID("thief"), o, first, second),
		"offerer":          newProofs(key, j, peer.ID("thief"), first, second),
		"shifted":          newProofs(key, j, o, append(slices.Clone(first), second...), nil),
		"key":              newProofs(bytes.Repeat([]byte{8}, 32), j, o, first, second),
	} {
		for _, what := range []string{joinerKnows, offererKnows, joinerCommits, offererStored, joinerStored} {
			mac, err := good.make(what)
			if err != nil || !good.check(what, mac) || other.check(what, mac) || good.check(what+".", mac) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
}

// TestManInTheMiddle relays a pairing between two real nodes through a third
// that raises the grants on the way.
func TestManInTheMiddle(t *testing.T) {
	a, b, m := openTest(t, testConfig(t, "nas")), openTest(t, testConfig(t, "laptop")), openTest(t, testConfig(t, "mitm"))
	o, err := a.Offer(testContext(t), fusion.Whole(fusion.ViewCap))
	if err != nil {
		t.Fatal(err)
	}
	relay := m.Listen(pairProtocol, AllowUnpaired) // takes over from the node's own handler
	done := make(chan struct{})
	go func() {
		defer close(done)
		from, err := relay.Accept()
		if err != nil {
			return
		}
		defer from.Close()
		to, err := m.DialAddr(testContext(t), o.Addr, pairProtocol)
		if err != nil {
			return
		}
		defer to.Close()
		for _, pipe := range [][2]io.ReadWriter{{from, to}, {to, from}, {from, to}, {to, from}} {
			body, err := readBytes(pipe[0])
			if err != nil {
				return
			}
			body = bytes.Replace(body, []byte(`"view"`), []byte(`"admin"`), 1)
			if writeBytes(pipe[1], body) != nil {
				return
			}
		}
	}()
	_, err = b.Join(testContext(t), o.Code, m.Addrs()[0], nil)
	wantCause(t, err, fusion.ErrPermission, "wrong")
	relay.Close()
	<-done
	strangers(t, a, b, m)
}

func TestPake(t *testing.T) {
	c := code{"4711", [3]string{"apple", "river", "stone"}}
	run := func(theirs code) (j, o []byte) {
		joiner, err1 := newExchange(roleJoiner, c)
		offerer, err2 := newExchange(roleOfferer, theirs)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		o, err1 = offerer.meet(joiner.point())
		j, err2 = joiner.meet(offerer.point())
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		return j, o
	}
	if j, o := run(c); !bytes.Equal(j, o) || len(j) != 32 {
		t.Errorf("%x %x", j, o)
	}
	if j, o := run(code{"4712", c.words}); bytes.Equal(j, o) {
		t.Error("another number, the same key")
	}
	if j, o := run(code{"4711", [3]string{"apple", "river", "stove"}}); bytes.Equal(j, o) {
		t.Error("other words, the same key")
	}
}

func FuzzPairMessage(f *testing.F) {
	for _, body := range malformed(f, "4711") {
		f.Add(body)
	}
	f.Add([]byte(`{"status":"ok"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, role := range []int{roleJoiner, roleOfferer} {
			m, err := parseIntro(role, body)
			if err != nil || m.Point == nil {
				continue
			}
			e, err := newExchange(1-role, code{"4711", [3]string{"a", "b", "c"}})
			if err != nil {
				t.Fatal(err)
			}
			if key, err := e.meet(m.Point); err == nil && len(key) != 32 {
				t.Errorf("a key of %d bytes", len(key))
			}
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte{0, 2, '{', '}'})
	f.Add([]byte{255, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		var g greeting
		if err := readFrame(bytes.NewReader(data), &g); err == nil {
			usable(g.Addrs, true)
			cleanName(g.Name)
		}
		if _, err := readProof(bytes.NewReader(data)); err == nil && len(data) < 34 {
			t.Error("a short proof")
		}
	})
}

func FuzzAnnouncement(f *testing.F) {
	f.Add("id=12D3KooW\nname=x\nnumber=4711\naddr=/ip4/10.0.0.1/tcp/1")
	f.Fuzz(func(t *testing.T, text string) {
		if s, ok := parseAnnouncement(strings.Split(text, "\n")); ok && fusion.CheckName(s.Name) != nil {
			t.Errorf("%+v", s)
		}
	})
}

func FuzzCode(f *testing.F) {
	f.Add("4711-apple-river-stone")
	f.Add("4711 APPLE river\tstone")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCode(text)
		if err != nil {
			if fusion.Hint(err) == "" {
				t.Error("no hint")
			}
			return
		}
		if again, err := parseCode(c.String()); err != nil || again != c {
			t.Errorf("%q: %v %v", text, again, err)
		}
	})
}
