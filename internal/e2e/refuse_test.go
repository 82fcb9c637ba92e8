//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRefusals: each wrong thing gets a clear error with a hint, and nothing
// is lost or half-made.
func TestRefusals(t *testing.T) {
	a, b := newNode(t, "here", nil), newNode(t, "cloud", nil)
	b.display = newDisplay(t).name
	a.libvirt = "off"
	a.start()
	b.start()
	t.Run("codes", func(t *testing.T) { badCodes(t, a, b) })
	pair(t, a, b)
	until(t, "a sees b", func() bool { return a.sees(b) })
	t.Run("names", func(t *testing.T) { badNames(t, a) })
	t.Run("revoked", func(t *testing.T) { revokedWhileOpen(t, a, b) })
	t.Run("full_disk", fullDisk)
	t.Run("second_node", func(t *testing.T) {
		a.refused(1, "a node runs on this home already", "up")
	})
}

// badCodes guesses until the code is burnt; the right words are refused then.
func badCodes(t *testing.T, a, b *node) {
	offer, code, addr := b.offer()
	number, _, _ := strings.Cut(code, "-")
	a.refused(1, "invalid", "pair", "nonsense", "--addr", addr)
	for range 20 {
		_, errs, exit := a.try("pair", number+"-apple-apple-apple", "--addr", addr)
		if exit == 0 || !strings.Contains(errs, "\nhint: ") {
			t.Fatalf("a wrong code: exit %d: %s", exit, errs)
		}
	}
	if _, errs, exit := a.try("pair", code, "--addr", addr); exit == 0 || !strings.Contains(errs, "\nhint: ") {
		t.Errorf("the right code after 20 guesses: exit %d: %s", exit, errs)
	}
	if err := offer.Wait(); err == nil {
		t.Error("the side that showed a burnt code does not fail")
	}
	if hosts := a.hither("host", "ls", "--json"); strings.Contains(hosts, b.id) {
		t.Errorf("a host was kept without a right code: %s", hosts)
	}
}

func badNames(t *testing.T, a *node) {
	a.refused(3, "not found", "machine", "show", "nowhere/vm")
	a.refused(3, "not found", "machine", "start", "cloud/nothing")
	for _, name := range []string{"cloud/..", "cloud/<xml>", "../x", "cloud/a b"} {
		_, errs, exit := a.try("machine", "create", name)
		if exit == 0 || !strings.Contains(errs, "\nhint: ") {
			t.Errorf("machine create %s: exit %d: %s", name, exit, errs)
		}
	}
	if list := a.hither("machine", "ls", "cloud", "--json"); strings.Count(list, `"address"`) != 1 {
		t.Errorf("a refused machine was made: %s", list)
	}
	a.refused(2, "", "machine", "explode", "cloud/self")
}

// revokedWhileOpen takes a grant away while a screen is open: the view ends at
// once with the reason, and the next is refused.
func revokedWhileOpen(t *testing.T, a, b *node) {
	d := newDisplay(t)
	view := viewOf(t, a, d, "view", "cloud/self")
	d.window("cloud")
	b.hither("host", "grant", "here", "files")
	if err := view.Wait(); err == nil {
		t.Error("the view of a computer whose grant was taken away ended as if all were well")
	} else if code := view.ProcessState.ExitCode(); code != 4 {
		t.Errorf("it ended with exit %d, want 4", code)
	}
	a.refused(4, "not permitted", "screen", "shot", "cloud/self", "-o", filepath.Join(filepath.Dir(a.home), "x.png"))
	a.refused(4, "not permitted", "machine", "create", "cloud/vm")
	b.hither("host", "grant", "here", "admin")
	until(t, "the grant is back", func() bool { _, _, code := a.try("machine", "ls", "cloud"); return code == 0 })
}

// fullDisk creates a machine whose image does not fit.
func fullDisk(t *testing.T) {
	n := newNode(t, "small", nil)
	pool := filepath.Join(n.home, "machines", "images")
	tmpfs(t, pool, "size=8m")
	image := filepath.Join(filepath.Dir(n.home), "big.img")
	if err := os.WriteFile(image, make([]byte, 32<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	n.start()
	n.refused(1, "", "machine", "create", "vm", "--image", image)
	if list := n.hither("machine", "ls", "--json"); strings.Contains(list, `"vm"`) && strings.Contains(list, `small/vm`) {
		t.Errorf("a half-made machine is left: %s", list)
	}
	left, err := os.ReadDir(pool)
	if err != nil || len(left) != 0 {
		t.Errorf("the pool has %v left (%v)", left, err)
	}
}
