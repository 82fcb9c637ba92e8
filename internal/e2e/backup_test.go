//go:build e2e

package e2e

import (
	crand "crypto/rand"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hither/internal/guest"
)

// keepers are a counting guest on one computer, a second one that keeps its backups, and a
// third.
type keepers struct {
	t              *testing.T
	alpha, nas, pc *node
}

// noisy is how much of the guest's disk cannot be compressed.
const noisy = 32 << 20

func newKeepers(t *testing.T) *keepers {
	k := &keepers{t: t, alpha: newNode(t, "alpha", nil), nas: newNode(t, "nas", nil), pc: newNode(t, "pc", nil)}
	together(t, k.alpha, k.nas, k.pc)
	image := filepath.Join(tempDir(t, nil), "counter.img")
	guest.Counter(t, image, 64<<20)
	f, err := os.OpenFile(image, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, noisy)
	crand.Read(noise) // never fails
	_, err = f.WriteAt(noise, 64<<20-noisy)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	k.alpha.hither("machine", "create", "mover", "--memory", "32MiB", "--image", image, "--start")
	return k
}

// disk gives the path of a machine's disk.
func (n *node) disk(machine string) string {
	n.t.Helper()
	list, err := filepath.Glob(filepath.Join(n.home, "machines/images", machine+"-*"))
	if err != nil || len(list) != 1 {
		n.t.Fatalf("%s has the disks %v, %v", n.name, list, err)
	}
	return list[0]
}

// carriedTo gives the bytes of the connections that a node's port serves, both ways, as ss
// (iproute2) tells them.
func (n *node) carried() (total int64) {
	n.t.Helper()
	port, err := os.ReadFile(filepath.Join(n.home, "peers/port"))
	if err != nil {
		n.t.Fatal(err)
	}
	out, err := exec.Command("ss", "-tinH", "sport = :"+strings.TrimSpace(string(port))).CombinedOutput()
	if err != nil {
		n.t.Fatalf("ss: %v: %s", err, out)
	}
	for field := range strings.FieldsSeq(string(out)) {
		if text, ok := strings.CutPrefix(field, "bytes_received:"); ok {
			bytes, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				n.t.Fatal(err)
			}
			total += bytes
		}
	}
	return total
}

type backup struct {
	ID, Kind, Where                  string
	DataBytes, ReadBytes, AddedBytes int64
}

// take backs the guest up to nas while it stands still, and gives what its disk was.
func (k *keepers) take() (b backup, then string) {
	k.t.Helper()
	k.alpha.hither("machine", "pause", "mover")
	k.alpha.waitState("mover", "paused")
	before, began := k.nas.carried(), time.Now()
	out := k.pc.hither("machine", "backup", "take", "alpha/mover", "--to", "nas", "--json")
	if err := json.Unmarshal([]byte(out), &b); err != nil {
		k.t.Fatalf("%v: %s", err, out)
	}
	k.t.Logf("%s: %s, read %d KiB of %d KiB, added %d KiB there, %d KiB on the link, %v", b.ID, b.Kind, b.ReadBytes>>10, b.DataBytes>>10, b.AddedBytes>>10,
		(k.nas.carried()-before)>>10, time.Since(began).Round(time.Millisecond))
	then = filepath.Join(tempDir(k.t, nil), "then")
	run(k.t, "qemu-img", "convert", "-U", "-f", "qcow2", "-O", "raw", k.alpha.disk("mover"), then)
	k.alpha.hither("machine", "resume", "mover")
	k.alpha.waitState("mover", "running")
	return b, then
}

// counts waits until the guest has written the next number to its disk.
func (k *keepers) counts() {
	k.t.Helper()
	raw := filepath.Join(tempDir(k.t, nil), "raw")
	number := func() string {
		run(k.t, "qemu-img", "dd", "-U", "-f", "qcow2", "-O", "raw", "bs=512", "count=2048", "if="+k.alpha.disk("mover"), "of="+raw)
		text, err := os.ReadFile(raw)
		if err != nil {
			k.t.Fatal(err)
		}
		return string(text)
	}
	first := number()
	until(k.t, "the guest counts", func() bool { return number() != first })
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestBackupOnAnotherComputer(t *testing.T) {
	k := newKeepers(t)
	before := k.nas.carried()
	full, fullThen := k.take()
	if link := k.nas.carried() - before; full.Kind != "full" || full.Where != "nas" || link < noisy || link > noisy*11/10 {
		t.Errorf("%+v with %d bytes on the link", full, link)
	}
	k.counts()
	before = k.nas.carried()
	small, smallThen := k.take()
	if link := k.nas.carried() - before; small.Kind != "incremental" || link > 1<<20 {
		t.Errorf("%+v with %d bytes on the link", small, link)
	}
	if out := k.pc.hither("machine", "backup", "ls", "alpha/mover"); strings.Count(out, " nas\n") != 2 {
		t.Errorf("listed:\n%s", out)
	}
	if left, _ := filepath.Glob(filepath.Join(k.alpha.home, "machines/images/.part-*")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	k.pc.hither("machine", "backup", "verify", "alpha/mover", small.ID)

	// The machine's computer dies: its machine comes back where the backup lies, and on a third.
	k.alpha.hither("down", "--machines")
	k.alpha.waitEnded()
	until(t, "it is known to be offline", func() bool { return !k.pc.sees(k.alpha) && !k.nas.sees(k.alpha) })
	if out := k.nas.hither("machine", "backup", "kept"); strings.Count(out, "alpha/mover") != 2 {
		t.Errorf("kept:\n%s", out)
	}
	// IDs of one second begin alike, and disks are found by how their names begin.
	for _, one := range []struct{ as, id, then string }{{"first", full.ID, fullThen}, {"second", small.ID, smallThen}} {
		began := time.Now()
		k.pc.hither("machine", "backup", "restore", "alpha/mover", one.id, "--on", "nas", "--as", one.as)
		t.Logf("restored %s on nas in %v", one.id, time.Since(began).Round(time.Millisecond))
		run(t, "qemu-img", "compare", "-f", "raw", "-F", "qcow2", one.then, k.nas.disk(one.as))
	}
	k.pc.hither("machine", "backup", "restore", "alpha/mover", small.ID, "--on", "pc", "--from", "nas", "--as", "third")
	run(t, "qemu-img", "compare", "-f", "raw", "-F", "qcow2", smallThen, k.pc.disk("third"))
	k.nas.hither("machine", "start", "second") // it runs
	k.nas.waitState("second", "running")

	// It is back: in place, from there.
	k.alpha.start()
	until(t, "all see each other", func() bool { return k.alpha.sees(k.nas) && k.pc.sees(k.alpha) && k.nas.sees(k.alpha) })
	k.pc.hither("machine", "backup", "restore", "alpha/mover", full.ID)
	run(t, "qemu-img", "compare", "-f", "raw", "-F", "qcow2", fullThen, k.alpha.disk("mover"))
	k.pc.hither("machine", "backup", "rm", "alpha/mover", full.ID)
	k.pc.refused(3, "no such backup", "machine", "backup", "rm", "alpha/mover", full.ID)

	// Taken away: no more come, and what is there stays.
	k.nas.hither("host", "grant", "alpha", "view")
	k.pc.refused(4, "does not allow it", "machine", "backup", "take", "alpha/mover", "--to", "nas")
	if out := k.pc.hither("machine", "backup", "ls", "alpha/mover", "--from", "nas", "--json"); !strings.Contains(out, small.ID) {
		t.Errorf("listed %s", out)
	}
}

// TestBackupAwaySurvivesKills kills either node at random moments of a backup.
func TestBackupAwaySurvivesKills(t *testing.T) {
	k := newKeepers(t)
	began := time.Now()
	k.pc.hither("machine", "backup", "take", "alpha/mover", "--to", "nas")
	usual := time.Since(began)
	for i := range kills(t) {
		// All of it goes over the link again.
		for _, b := range k.kept() {
			k.nas.hither("machine", "backup", "rm", "alpha/mover", b.ID, "--from", "nas")
		}
		count := len(k.kept())
		victim := []*node{k.alpha, k.nas}[i%2]
		take := k.pc.command("machine", "backup", "take", "alpha/mover", "--to", "nas")
		if err := take.Start(); err != nil {
			t.Fatal(err)
		}
		after := time.Duration(rand.Int64N(int64(usual)))
		time.Sleep(after) // the random moment
		victim.kill()
		victim.start()
		failed := take.Wait()
		until(t, "all see each other", func() bool {
			return k.alpha.sees(k.nas) && k.nas.sees(k.alpha) && k.pc.sees(k.alpha) && k.pc.sees(k.nas)
		})
		until(t, "nothing is left", func() bool { return len(k.left()) == 0 })
		now := k.kept()
		t.Logf("%s killed after %v: the command says %v; %d backups, then %d", victim.name, after.Round(time.Millisecond), failed, count, len(now))
		if len(now) < count || failed == nil && len(now) != count+1 {
			t.Errorf("there were %d backups, and there are %v", count, now)
		}
		for _, b := range now {
			k.nas.hither("machine", "backup", "verify", "alpha/mover", b.ID, "--from", "nas")
		}
		// QEMU keeps one account of this place at most, and the next one works.
		if marks := strings.Fields(k.alpha.virsh("checkpoint-list", "--name", "mover")); len(marks) > 1 {
			t.Errorf("checkpoints %v", marks)
		}
		if b, _ := k.take(); len(now) == 0 && b.Kind != "full" {
			t.Errorf("%+v went back to a backup that is not there", b)
		}
	}
}

// kept lists what nas keeps.
func (k *keepers) kept() (list []backup) {
	k.t.Helper()
	var machines []struct{ Backups []backup }
	out := k.nas.hither("machine", "backup", "kept", "--json")
	if err := json.Unmarshal([]byte(out), &machines); err != nil {
		k.t.Fatal(err)
	}
	for _, m := range machines {
		list = append(list, m.Backups...)
	}
	return list
}

// left gives what an interrupted backup left on either computer.
func (k *keepers) left() (left []string) {
	for _, pattern := range []string{
		filepath.Join(k.alpha.home, "machines/images/.part-*"), filepath.Join(k.alpha.home, "machines/intents/*"), filepath.Join(k.alpha.home, "machines/libvirt/r/backup-*"),
		filepath.Join(k.nas.home, "machines/kept/*/*/.part-*"), filepath.Join(k.nas.home, "machines/kept/*/*/chunks/.part-*"),
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			k.t.Fatal(err)
		}
		left = append(left, found...)
	}
	return left
}

// TestBackupAwayFromAFullDisk: the guest's own computer has no room for a copy of its disk.
func TestBackupAwayFromAFullDisk(t *testing.T) {
	k := newKeepers(t)
	pool := filepath.Join(k.alpha.home, "machines/images")
	k.alpha.hither("machine", "stop", "--force", "mover")
	k.alpha.waitState("mover", "off")
	disk := k.alpha.disk("mover")
	// Room for the disk, the reserve, and 12 MiB.
	small := tempDir(t, nil)
	run(t, "mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm,mode=700", noisy>>20+32+12), "tmpfs", small)
	t.Cleanup(func() { run(t, "umount", "-l", small) })
	run(t, "cp", "--sparse=always", disk, filepath.Join(small, filepath.Base(disk)))
	run(t, "mount", "--bind", small, pool)
	t.Cleanup(func() { run(t, "umount", "-l", pool) })
	k.alpha.hither("machine", "start", "mover")
	k.alpha.waitState("mover", "running")
	k.pc.refused(1, "full", "machine", "backup", "take", "alpha/mover")
	b, then := k.take()
	if b.Kind != "full" {
		t.Errorf("%+v", b)
	}
	k.counts()
	small2, smallThen := k.take()
	if small2.Kind != "incremental" {
		t.Errorf("%+v", small2)
	}
	for _, one := range []struct{ as, id, then string }{{"first", b.ID, then}, {"second", small2.ID, smallThen}} {
		k.nas.hither("machine", "backup", "restore", "alpha/mover", one.id, "--on", "nas", "--as", one.as)
		run(t, "qemu-img", "compare", "-f", "raw", "-F", "qcow2", one.then, k.nas.disk(one.as))
	}
	k.alpha.hither("machine", "stop", "--force", "mover")
	k.alpha.waitState("mover", "off")
}

// TestKeeperFull: the keeper's disk fills up on the way.
func TestKeeperFull(t *testing.T) {
	k := newKeepers(t)
	dir := filepath.Join(k.nas.home, "machines/kept")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	size := int64(1<<30 + noisy/2) // the spare and half of what comes
	run(t, "mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d,mode=700", size), "tmpfs", dir)
	t.Cleanup(func() { run(t, "umount", "-l", dir) })
	k.pc.refused(1, "full", "machine", "backup", "take", "alpha/mover", "--to", "nas")
	until(t, "nothing is left", func() bool { return len(k.left()) == 0 })
	if used := strings.Fields(run(t, "du", "-sk", dir))[0]; used != "0" {
		t.Errorf("%s KiB are left", used)
	}
	if marks := strings.Fields(k.alpha.virsh("checkpoint-list", "--name", "mover")); len(marks) != 0 {
		t.Errorf("checkpoints %v", marks)
	}
	run(t, "mount", "-o", "remount,size=4g", dir)
	b, _ := k.take()
	if b.Kind != "full" {
		t.Errorf("%+v", b)
	}
}
