//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// placeKills is how many random moments the node is killed at that places.
const placeKills = 4

// TestPlacedOnceWhateverHappens makes machines that may be anywhere and kills the
// node that places them in the middle: the same command once more finds the machine
// where it is, and there is one of it.
func TestPlacedOnceWhateverHappens(t *testing.T) {
	a, b := newNode(t, "here", nil), newNode(t, "cloud", nil)
	a.start()
	b.start()
	pair(t, a, b)
	until(t, "here sees cloud", func() bool { return a.sees(b) })
	a.hither("host", "role", "cloud", "--add", "compute")
	if roles := b.hither("host", "role", "cloud"); !strings.Contains(roles, "compute") {
		t.Errorf("cloud is for %s", roles)
	}
	for i := range placeKills {
		name := fmt.Sprintf("m%d", i)
		create := []string{"machine", "create", "any/" + name, "--memory", "64MiB", "--disk", "64MiB", "--key", "key-" + name, "--json"}
		first := a.command(create...)
		if err := first.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(800)) * time.Millisecond) // the moment is what is tried
		a.kill()
		_ = first.Wait()        // it may have failed
		_, _, _ = a.try("down") // it started a node of its own if there was none yet
		if i%2 == 1 {           // a later choice would be another one
			b.hither("host", "role", "cloud", "--add", "storage", "--remove", "compute")
		}
		a.start()
		until(t, "here sees cloud again", func() bool { return a.sees(b) })
		var said string
		until(t, name+" is made", func() bool {
			out, errs, code := a.try(create...)
			said = errs
			return code == 0 && strings.Contains(out, `"`+name+`"`)
		})
		if found := placed(t, a, name); len(found) != 1 {
			t.Errorf("%s is at %v (%s)", name, found, said)
		}
		b.hither("host", "role", "cloud", "--add", "compute", "--remove", "storage")
	}
	a.refused(1, "exists", "machine", "create", "any/m0", "--memory", "64MiB")
	a.refused(1, "no host can take it", "machine", "create", "any/huge", "--memory", "8TiB")
}

// placed lists the addresses of the machines of a name.
func placed(t *testing.T, n *node, name string) (addresses []string) {
	t.Helper()
	var list []struct{ Address, Name string }
	if err := json.Unmarshal([]byte(n.hither("machine", "ls", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if m.Name == name {
			addresses = append(addresses, m.Address)
		}
	}
	return addresses
}
