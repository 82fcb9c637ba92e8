//go:build linux && e2e

package e2e

import (
	"strings"
	"testing"
)

// TestOwnersComputers: what one of the owner's computers adds or forgets, all do, also one
// that was killed meanwhile.
func TestOwnersComputers(t *testing.T) {
	laptop, nas, cloud := newNode(t, "laptop", nil), newNode(t, "nas", nil), newNode(t, "cloud", nil)
	for _, n := range []*node{laptop, nas, cloud} {
		n.start()
	}
	know := func(a, b *node) func() bool {
		return func() bool {
			out, _, code := a.try("host", "show", b.name, "--json")
			return code == 0 && strings.Contains(out, `"online": true`) && strings.Contains(out, `"own": true`)
		}
	}
	all := func(what string) {
		t.Helper()
		took := until(t, what, func() bool {
			for _, a := range []*node{laptop, nas, cloud} {
				for _, b := range []*node{laptop, nas, cloud} {
					if a != b && !know(a, b)() {
						return false
					}
				}
			}
			return true
		})
		t.Logf("%s after %v", what, took)
	}
	pair(t, laptop, nas)
	pair(t, nas, cloud)
	all("all know each other")
	if out := laptop.hither("machine", "ls", "cloud"); !strings.Contains(out, "self") {
		t.Errorf("the laptop sees of the cloud: %s", out)
	}

	nas.kill()
	laptop.hither("host", "forget", "cloud")
	until(t, "the cloud is refused by the laptop", func() bool { return !cloud.sees(laptop) })
	nas.start()
	took := until(t, "the nas has heard", func() bool {
		_, _, code := nas.try("host", "show", "cloud", "--json")
		return code != 0
	})
	t.Logf("the nas had heard %v after it was back", took)
	until(t, "the cloud is refused by the nas", func() bool { return !cloud.sees(nas) })
	if out, errs, code := cloud.try("machine", "ls", "nas"); code == 0 {
		t.Errorf("the cloud may still ask the nas: %s%s", out, errs)
	}

	pair(t, laptop, cloud)
	all("all know each other again")
}
