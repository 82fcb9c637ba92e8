package peers

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"hither/fusion"
)

func TestMain(m *testing.M) {
	if runChild != nil {
		runChild()
	}
	goleak.VerifyTestMain(m,
		// Started by packages' init functions that libp2p links.
		goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"),
	)
}

// runChild, where it is set, turns this process into a node for another test.
var runChild func()

// patient is how long anything may take on a loaded machine.
const patient = 60 * time.Second

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	t.Cleanup(cancel)
	return ctx
}

func testConfig(t testing.TB, name string) Config {
	cfg := Config{Dir: t.TempDir(), Name: name, Listen: "127.0.0.1:0", NoMDNS: true}
	if testing.Verbose() {
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("me", name)
	}
	return cfg
}

func openTest(t testing.TB, cfg Config) *Network {
	t.Helper()
	n, err := Open(testContext(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// dialOnly keeps direct addresses from being dialed for which allowed is false; nil
// allows all again.
func (n *Network) dialOnly(allowed func(peer.ID, ma.Multiaddr) bool) {
	if allowed == nil {
		n.gate.dials.Store(nil)
		return
	}
	n.gate.dials.Store(&allowed)
}

// pair pairs b with a by code; each gives the other admin.
func pair(t testing.TB, a, b *Network) {
	t.Helper()
	o, err := a.Offer(testContext(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Join(testContext(t), o.Code, o.Addr, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Wait(testContext(t)); err != nil {
		t.Fatal(err)
	}
}

// pairAsGuest is pair, but a gives b only view: they are not one owner's.
func pairAsGuest(t testing.TB, a, b *Network) {
	t.Helper()
	o, err := a.Offer(testContext(t), fusion.Whole(fusion.ViewCap))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Join(testContext(t), o.Code, o.Addr, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Wait(testContext(t)); err != nil {
		t.Fatal(err)
	}
}

// until polls for a state that some event brings.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patient)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("not within a minute: " + what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func online(n *Network, id fusion.HostID) func() bool {
	return func() bool {
		p, err := n.Lookup(string(id))
		return err == nil && p.Online
	}
}

func offline(n *Network, id fusion.HostID) func() bool {
	return func() bool {
		p, err := n.Lookup(string(id))
		return err == nil && !p.Online
	}
}

func TestIdentityAndPortStay(t *testing.T) {
	cfg := testConfig(t, "nas")
	n := openTest(t, cfg)
	id, addrs := n.ID(), n.Addrs()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"identity.key", "port"} {
		info, err := os.Stat(filepath.Join(cfg.Dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	again := openTest(t, cfg)
	if again.ID() != id || again.Addrs()[0] != addrs[0] {
		t.Errorf("was %s %v, is %s %v", id, addrs, again.ID(), again.Addrs())
	}
	if !strings.HasSuffix(addrs[0], "/p2p/"+string(id)) || !strings.Contains(addrs[0], "/tcp/") || !strings.Contains(addrs[1], "/quic-v1") {
		t.Errorf("addresses %v", addrs)
	}
	if len(n.Fingerprint()) != 29 {
		t.Errorf("fingerprint %q", n.Fingerprint())
	}
}

func TestPortTakenMeanwhile(t *testing.T) {
	one := testConfig(t, "one")
	n := openTest(t, one)
	two := testConfig(t, "two")
	port, err := os.ReadFile(filepath.Join(one.Dir, "port"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(two.Dir, "port"), port, 0o600); err != nil {
		t.Fatal(err)
	}
	if m := openTest(t, two); m.Addrs()[0] == n.Addrs()[0] {
		t.Error("two nodes on one port")
	}
}

func TestBadFilesAreLeftAlone(t *testing.T) {
	for _, c := range []struct{ file, text string }{
		{"peers.json", "{half"},
		{"peers.json", `{"version":1,"peers":[{"id":"nobody","name":"x"}]}`},
		{"peers.json", `{"version":9}`},
		{"identity.key", "not a key"},
	} {
		cfg := testConfig(t, "nas")
		path := filepath.Join(cfg.Dir, c.file)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(testContext(t), cfg)
		if fusion.CauseName(err) == "" || fusion.Hint(err) == "" || !strings.Contains(err.Error(), path) {
			t.Errorf("%s %q: %v", c.file, c.text, err)
		}
		if kept, _ := os.ReadFile(path); string(kept) != c.text {
			t.Errorf("%s was overwritten: %q", c.file, kept)
		}
	}
}

func TestListenRefusesNonsense(t *testing.T) {
	for _, listen := range []string{"nonsense", "127.0.0.1:99999", "127.0.0.1"} {
		cfg := testConfig(t, "nas")
		cfg.Listen = listen
		if _, err := Open(testContext(t), cfg); fusion.Hint(err) == "" {
			t.Errorf("%q: %v", listen, err)
		}
	}
}
