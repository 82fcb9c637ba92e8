package peers

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hither/fusion"
)

// TestAGrantEnds: by the clock, at once also when the clock is set, after a restart too,
// and for good when the clock is set back.
func TestAGrantEnds(t *testing.T) {
	var ahead atomic.Int64
	cfg := testConfig(t, "nas")
	cfg.tune.now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	a, b := openTest(t, cfg), openTest(t, testConfig(t, "laptop"))
	pair(t, a, b)
	changes := watchOne(t, a)
	end := time.Now().UTC().Truncate(time.Second).Add(time.Hour)
	later := fusion.Grant{Cap: fusion.FilesCap, Until: end.Add(time.Hour)}
	want := []fusion.Grant{{Cap: fusion.ViewCap, Object: "web"}, {Cap: fusion.MachinesCap, Object: "web", Until: end}, later}
	if err := a.SetGrants(testContext(t), b.ID(), want); err != nil {
		t.Fatal(err)
	}
	if got, _ := a.Grants(b.ID()); !slices.Equal(got, want) {
		t.Errorf("it has %v", got)
	}
	gone := []fusion.Grant{{Cap: fusion.ViewCap, Until: time.Now().Add(-time.Second)}}
	wantCause(t, a.SetGrants(testContext(t), b.ID(), gone), fusion.ErrInvalid, "over")

	set := time.Now()
	ahead.Store(int64(time.Hour + time.Second)) // somebody sets the clock
	left := []fusion.Grant{want[0], later}
	next(t, changes, func(c change) bool { return slices.Equal(c.peer.Grants, left) })
	if took := time.Since(set); took > 3*clockLook {
		t.Errorf("it ended after %s", took)
	}
	// It may be told before the file has it: any news of the key say what holds now.
	file := filepath.Join(cfg.Dir, "peers.json")
	ended := func() bool {
		text, err := os.ReadFile(file)
		return err == nil && !strings.Contains(string(text), "machines@web")
	}
	until(t, "the ended grant left the file", ended)
	ahead.Store(0)
	if got, _ := a.Grants(b.ID()); !slices.Equal(got, left) {
		t.Errorf("after the clock went back it has %v", got)
	}

	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), later.String()) {
		t.Errorf("the file has %s, %v", text, err)
	}
	ahead.Store(int64(3 * time.Hour)) // it ends while the node is off
	a = openTest(t, cfg)
	if got, ok := a.Grants(b.ID()); !ok || !slices.Equal(got, want[:1]) {
		t.Errorf("after a restart it has %v", got)
	}
}
