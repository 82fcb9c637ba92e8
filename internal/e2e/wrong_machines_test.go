//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestWrongWithMachines asks for what cannot be: each time there is an error that says what
// to do, and virsh, the witness, sees the machines and files as they were.
func TestWrongWithMachines(t *testing.T) {
	n := newNode(t, "cloud", nil)
	pool := filepath.Join(n.home, "machines", "images")
	tmpfs(t, pool, "size=64m")
	n.start()
	witness := func() string { // each machine's definition, and the files
		var all []string
		for _, uuid := range strings.Fields(n.virsh("list", "--all", "--uuid")) {
			all = append(all, n.virsh("dumpxml", "--inactive", uuid))
		}
		files, err := filepath.Glob(filepath.Join(n.home, "machines", "images", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(append(all, files...), "\n")
	}
	wrong := func(code int, want string, args ...string) {
		t.Helper()
		before := witness()
		n.refused(code, want, args...)
		if after := witness(); after != before {
			t.Errorf("hither %s changed something:\n%s\nbefore:\n%s", strings.Join(args, " "), after, before)
		}
	}

	// Two of one name at once: the first word counts, whoever says it.
	var asked sync.WaitGroup
	made := make(chan bool, 6)
	for range cap(made) {
		asked.Go(func() {
			_, errs, code := n.try("machine", "create", "cloud/twin", "--disk", "4MiB", "--memory", "64MiB")
			if code != 0 && !strings.Contains(errs, "\nhint: ") {
				t.Errorf("exit %d without a hint: %s", code, errs)
			}
			made <- code == 0
		})
	}
	asked.Wait()
	close(made)
	count := 0
	for one := range made {
		if one {
			count++
		}
	}
	if names := strings.Fields(n.virsh("list", "--all", "--name")); count != 1 || len(names) != 1 || names[0] != "twin" {
		t.Errorf("%d of %d creates said that they made it; virsh lists %q", count, cap(made), names)
	}
	wrong(1, "exists already", "machine", "create", "cloud/twin", "--disk", "4MiB")

	wrong(2, "cloud/..", "machine", "create", "cloud/..")
	wrong(2, "name", "machine", "create", "cloud/<name>x</name>")
	wrong(2, "", "machine", "create", "cloud/"+strings.Repeat("x", 200))
	wrong(1, "aarch64", "machine", "create", "cloud/arm", "--image", "debian-13-arm64")
	wrong(3, "no such image", "machine", "create", "cloud/none", "--image", "there-is-no-such-image")
	wrong(1, "4.0 MiB already", "machine", "disk", "grow", "cloud/twin", "vda", "--size", "1MiB")
	wrong(3, "no disk", "machine", "disk", "grow", "cloud/twin", "vdz", "--size", "8MiB")

	// A clone needs its origin, and one that runs its disks.
	n.hither("machine", "clone", "cloud/twin", "child", "--linked")
	wrong(1, "child", "machine", "rm", "cloud/twin")
	wrong(3, "snapshot", "machine", "snapshot", "revert", "cloud/child", "nothing")
	n.hither("machine", "start", "cloud/child")
	n.waitState("cloud/child", "running")
	wrong(1, "running", "machine", "rm", "cloud/child")
	n.hither("machine", "stop", "--force", "cloud/child")
	n.waitState("cloud/child", "off")

	// The disk is full.
	filler := filepath.Join(pool, "filler")
	fill, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for err = nil; err == nil; {
		_, err = fill.Write(make([]byte, 1<<20))
	}
	if err := fill.Close(); err != nil {
		t.Fatal(err)
	}
	wrong(1, "is full", "machine", "clone", "cloud/twin", "copy", "--full")
	wrong(1, "is full", "machine", "create", "cloud/big", "--disk", "1GiB")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	n.hither("machine", "clone", "cloud/twin", "copy", "--full")

	// The pool is gone, and comes back.
	show := tmpfs(t, pool, "size=1m")
	wrong(1, "copy-", "machine", "start", "cloud/copy")
	wrong(3, "is not there", "machine", "clone", "cloud/copy", "lost", "--full")
	if list := n.hither("machine", "ls", "cloud"); !strings.Contains(list, "cloud/copy") || !strings.Contains(list, "cloud/twin") {
		t.Errorf("machines went with their pool:\n%s", list)
	}
	show()
	n.hither("machine", "start", "cloud/copy")
	n.waitState("cloud/copy", "running")
}
