//go:build machines && e2e && linux

package vmctl

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hither/fusion"
	"hither/vmctl/imagepool"
)

// backed makes a machine that counts on its disk, which holds 64 MiB besides, off.
func backed(t *testing.T, s *Store, name string) fusion.Machine {
	t.Helper()
	m := counterOf(t, s, name)
	disk := diskNow(t, s, name)
	run(t, "qemu-img", "resize", "-q", "-f", "qcow2", disk, "512M")
	for n := range 8 {
		run(t, "qemu-io", "-f", "qcow2", "-c", "write -P "+strconv.Itoa(n+10)+" "+strconv.Itoa(16+n*40)+"M 8M", disk)
	}
	return m
}

// keptOf keeps what is on a machine's disk now, which must stand still.
func keptOf(t *testing.T, s *Store, name string) string {
	t.Helper()
	raw := filepath.Join(t.TempDir(), "then")
	run(t, "qemu-img", "convert", "-U", "-f", "qcow2", "-O", "raw", diskNow(t, s, name), raw)
	return raw
}

// equals checks a machine's disk against what was kept of it.
func equals(t *testing.T, s *Store, name, then string) {
	t.Helper()
	run(t, "qemu-img", "compare", "-f", "raw", "-F", "qcow2", then, diskNow(t, s, name))
	run(t, "qemu-img", "check", "-q", "-f", "qcow2", diskNow(t, s, name))
}

// atRest pauses a machine, backs it up, and keeps what its disk was.
func atRest(t *testing.T, s *Store, name string) (fusion.Backup, string) {
	t.Helper()
	virsh(t, s, "suspend", name)
	start := time.Now()
	b := must(s.Backups().Take(t.Context(), name))(t)
	t.Logf("%s: %s, read %d KiB of %d KiB, added %d KiB, %v", b.ID, b.Kind, b.ReadBytes>>10, b.DataBytes>>10, b.AddedBytes>>10, time.Since(start).Round(time.Millisecond))
	then := keptOf(t, s, name)
	virsh(t, s, "resume", name)
	return b, then
}

func TestBackupAndRestore(t *testing.T) {
	s, config := stage(t, "private")
	ctx := t.Context()
	m := backed(t, s, "m")
	off := must(s.Backups().Take(ctx, "m"))(t)
	t.Logf("%s: %s, read %d KiB, added %d KiB", off.ID, off.Kind, off.ReadBytes>>10, off.AddedBytes>>10)
	offThen := keptOf(t, s, "m")
	ok(t, s.Do(ctx, "m", fusion.Start))
	counts := func(more int) {
		t.Helper()
		begin := inMemory(t, s, "m")
		eventually(t, "the guest counts", func() bool { return inMemory(t, s, "m") > begin+more })
	}
	counts(3)
	full, fullThen := atRest(t, s, "m")
	counts(3)
	small, smallThen := atRest(t, s, "m")
	if full.Kind != fusion.BackupFull || small.Kind != fusion.BackupIncremental || small.ReadBytes > 1<<20 || small.DataBytes != full.DataBytes {
		t.Errorf("%+v, then %+v", full, small)
	}
	if marks := strings.Fields(virsh(t, s, "checkpoint-list", "--name", "m")); !slices.Equal(marks, []string{checkpointPrefix + small.ID}) {
		t.Errorf("checkpoints: %v", marks)
	}
	// While it counts: what was kept is of one moment between.
	before := inMemory(t, s, "m")
	hot := must(s.Backups().Take(ctx, "m"))(t)
	after := inMemory(t, s, "m")
	counts(3)

	// QEMU's account goes on over a stop, and knows what others write meanwhile.
	ok(t, s.Do(ctx, "m", fusion.ForceOff))
	run(t, "qemu-io", "-f", "qcow2", "-c", "write -P 99 300M 2M", "-c", "write -z 16M 4M", diskNow(t, s, "m"))
	ok(t, s.Do(ctx, "m", fusion.Start))
	counts(3)
	again, againThen := atRest(t, s, "m")
	if again.Kind != fusion.BackupIncremental || again.ReadBytes < 2<<20 || again.ReadBytes > 16<<20 {
		t.Errorf("%+v", again)
	}
	virsh(t, s, "domuuid", "m")
	ok(t, s.Do(ctx, "m", fusion.ForceOff))

	for b, then := range map[string]string{off.ID: offThen, full.ID: fullThen, small.ID: smallThen, again.ID: againThen} {
		start := time.Now()
		r := must(s.Backups().Restore(ctx, "m", b, fusion.RestoreSpec{As: "r-" + b}))(t)
		t.Logf("restored %s in %v", b, time.Since(start).Round(time.Millisecond))
		equals(t, s, "r-"+b, then)
		if out := strings.TrimSpace(virsh(t, s, "domuuid", "r-"+b)); out != r.UUID || out == m.UUID || macIn(t, virsh(t, s, "dumpxml", "r-"+b)) == macIn(t, virsh(t, s, "dumpxml", "m")) {
			t.Errorf("virsh says %s", out)
		}
		if read := must(s.Backups().Verify(ctx, "m", b))(t); read.Broken != "" {
			t.Errorf("%+v", read)
		}
	}
	must(s.Backups().Restore(ctx, "m", hot.ID, fusion.RestoreSpec{As: "hot"}))(t)
	if n := counted(t, s, "hot"); n < before || n > after {
		t.Errorf("the disk has %d, the guest counted from %d to %d", n, before, after)
	}
	// In place: the old disk goes, and the machine goes on where it was.
	old := diskNow(t, s, "m")
	must(s.Backups().Restore(ctx, "m", full.ID, fusion.RestoreSpec{}))(t)
	equals(t, s, "m", fullThen)
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old disk: %v", err)
	}
	if out := strings.TrimSpace(virsh(t, s, "domuuid", "m")); out != m.UUID {
		t.Errorf("virsh says %s", out)
	}
	ok(t, s.Do(ctx, "m", fusion.Start))
	counts(3)
	if next := must(s.Backups().Take(ctx, "m"))(t); next.Kind != fusion.BackupFull || next.AddedBytes > 4<<20 { // another disk
		t.Errorf("%+v", next)
	}
	ok(t, s.Do(ctx, "m", fusion.ForceOff))
	for _, b := range []string{full.ID, off.ID} {
		ok(t, s.Backups().Remove(ctx, "m", b))
	}
	must(s.Backups().Restore(ctx, "m", again.ID, fusion.RestoreSpec{As: "last"}))(t)
	equals(t, s, "last", againThen)
	ok(t, s.Remove(ctx, "m"))
	must(s.Backups().Restore(ctx, "m", small.ID, fusion.RestoreSpec{As: "m"}))(t) // of a machine that is gone
	equals(t, s, "m", smallThen)
	if pending(t, s) != 0 || len(halfMade(t, config)) != 0 {
		t.Errorf("%d intents, %v", pending(t, s), halfMade(t, config))
	}
}

// halfMade lists what is half made.
func halfMade(t *testing.T, config Config) (parts []string) {
	t.Helper()
	ok(t, filepath.WalkDir(config.Dir, func(path string, e os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil // libvirt's files come and go
		}
		if err == nil && strings.HasPrefix(filepath.Base(path), imagepool.Partial) {
			parts = append(parts, path)
		}
		return err
	}))
	return parts
}

// TestSnapshotsBesideBackups: what QEMU keeps account of for backups is in the way of
// nothing else.
func TestSnapshotsBesideBackups(t *testing.T) {
	s, _ := stage(t, "private")
	ctx := t.Context()
	backed(t, s, "m")
	ok(t, s.Do(ctx, "m", fusion.Start))
	eventually(t, "it counts", func() bool { return inMemory(t, s, "m") > 3 })
	backedUpNow(t, s, "m")
	must(s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "hot"}))(t)
	backedUpNow(t, s, "m")
	ok(t, s.RevertSnapshot(ctx, "m", "hot"))
	if b := backedUpNow(t, s, "m"); b.Kind != fusion.BackupFull {
		t.Errorf("%+v", b)
	}
	ok(t, s.RemoveSnapshot(ctx, "m", "hot"))
	backedUpNow(t, s, "m")
	ok(t, s.Do(ctx, "m", fusion.ForceOff))
	must(s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "cold"}))(t)
	ok(t, s.RevertSnapshot(ctx, "m", "cold"))
	ok(t, s.RemoveSnapshot(ctx, "m", "cold"))
	ok(t, s.Do(ctx, "m", fusion.Start))
	backedUpNow(t, s, "m")
	ok(t, s.Do(ctx, "m", fusion.ForceOff))
	ok(t, s.Rename(ctx, "m", "n"))
	if list := must(s.Backups().List(ctx, "n"))(t); len(list.Backups) != 5 {
		t.Errorf("%+v", list)
	}
	ok(t, s.Do(ctx, "n", fusion.Start))
	ok(t, s.Save(ctx, "n"))
	ok(t, s.Do(ctx, "n", fusion.Start))
	backedUpNow(t, s, "n")
	ok(t, s.Do(ctx, "n", fusion.ForceOff))
	run(t, "qemu-img", "check", "-q", "-f", "qcow2", diskNow(t, s, "n"))
	ok(t, s.Remove(ctx, "n"))
}

// TestBackupOnAFullDisk: what does not fit says so, leaves nothing, and holds no guest up.
func TestBackupOnAFullDisk(t *testing.T) {
	s, config := stage(t, "private")
	ctx := t.Context()
	backed(t, s, "m")
	ok(t, s.Do(ctx, "m", fusion.Start))
	eventually(t, "it counts", func() bool { return inMemory(t, s, "m") > 3 })
	ok(t, os.MkdirAll(config.backups(), 0o700))
	ok(t, syscall.Mount("tmpfs", config.backups(), "tmpfs", 0, "size=36m"))
	t.Cleanup(func() {
		if err := syscall.Unmount(config.backups(), 0); err != nil {
			t.Error(err)
		}
	})
	// Nothing of it can be compressed.
	random := filepath.Join(t.TempDir(), "random")
	run(t, "sh", "-c", "head -c 16777216 /dev/urandom > "+random)
	ok(t, s.Do(ctx, "m", fusion.ForceOff))
	run(t, "qemu-io", "-f", "qcow2", "-c", "write -s "+random+" 400M 16M", diskNow(t, s, "m"))
	for _, on := range []bool{false, true} {
		if on {
			ok(t, s.Do(ctx, "m", fusion.Start))
		}
		_, err := s.Backups().Take(ctx, "m")
		refused(t, err, fusion.ErrInvalid)
		if !strings.Contains(err.Error(), "full") || len(chunksOf(t, s, "m")) != 0 || pending(t, s) != 0 || len(halfMade(t, config)) != 0 {
			t.Errorf("%v; left %v, %v", err, chunksOf(t, s, "m"), halfMade(t, config))
		}
	}
	if marks := strings.TrimSpace(virsh(t, s, "checkpoint-list", "--name", "m")); marks != "" {
		t.Errorf("checkpoints: %s", marks)
	}
	begin := inMemory(t, s, "m")
	eventually(t, "it counts on", func() bool { return inMemory(t, s, "m") > begin+3 })
}

// TestKilledWhileBackingUp kills the node, or libvirtd, at random moments of a backup:
// nothing is left but whole backups, the machine runs on, and the next backup works.
func TestKilledWhileBackingUp(t *testing.T) {
	s, config := stage(t, "private")
	ctx := t.Context()
	m := backed(t, s, "m")
	ok(t, s.Do(ctx, "m", fusion.Start))
	eventually(t, "it counts", func() bool { return inMemory(t, s, "m") > 3 })
	var longest time.Duration
	for round := range rounds(t, 6) + 2 {
		daemon := round%2 == 1
		whole := len(must(s.Backups().List(ctx, "m"))(t).Backups)
		closeStore(t, s)
		cmd := exec.CommandContext(ctx, must(os.Executable())(t), "-test.run", "^TestInsideBackup$")
		cmd.Env = append(os.Environ(), asUserEnv+"="+strings.Join([]string{"backup", config.Dir, config.RunDir}, "|"))
		out := must(cmd.StdoutPipe())(t)
		ok(t, cmd.Start())
		must(out.Read(make([]byte, 16)))(t) // it begins
		start := time.Now()
		var wait time.Duration
		if longest == 0 { // the first ends by itself
			must(out.Read(make([]byte, 16)))(t)
			longest = time.Since(start)
		} else {
			wait = rand.N(longest)
			if daemon {
				wait /= 3 // QEMU copies at the beginning
			}
			time.Sleep(wait)
		}
		if daemon {
			killDaemon(t, config)
		}
		if !daemon || round%4 == 3 { // both
			_ = cmd.Process.Kill() // it may have ended
		}
		_ = cmd.Wait()
		s = open(t, config)
		lost := false
		eventually(t, "all is settled, or libvirt has lost its job", func() bool {
			if pending(t, s) == 0 {
				return true
			}
			_, err := s.Backups().Take(ctx, "m")
			lost = err != nil && strings.Contains(err.Error(), lostJob)
			return lost
		})
		if lost { // there is no end to it but the machine's
			_, err := s.Backups().Take(ctx, "m")
			if fusion.Hint(err) != lostHint {
				t.Errorf("%v (hint: %s)", err, fusion.Hint(err))
			}
			ok(t, s.Do(ctx, "m", fusion.ForceOff))
			eventually(t, "all is settled once it is off", func() bool { return pending(t, s) == 0 })
			eventually(t, "it starts", func() bool { return s.Do(ctx, "m", fusion.Start) == nil })
			eventually(t, "it counts", func() bool { return inMemory(t, s, "m") > 3 })
			t.Logf("round %d: libvirt had lost its job; settled when the machine was off", round)
		}
		unharmed(t, s, config, m)
		list := must(s.Backups().List(ctx, "m"))(t)
		t.Logf("round %d: libvirtd %v, after %v of %v: %d more", round, daemon, wait.Round(time.Millisecond), longest.Round(time.Millisecond), len(list.Backups)-whole)
		begin := time.Now()
		next := must(s.Backups().Take(ctx, "m"))(t)
		t.Logf("the next one: %s, read %d KiB, %v", next.Kind, next.ReadBytes>>10, time.Since(begin).Round(time.Millisecond))
		for _, b := range must(s.Backups().List(ctx, "m"))(t).Backups {
			if read := must(s.Backups().Verify(ctx, "m", b.ID))(t); read.Broken != "" {
				t.Errorf("%+v", read)
			}
			if b.ID != next.ID {
				ok(t, s.Backups().Remove(ctx, "m", b.ID))
			}
		}
		if round%2 == 0 { // all is read again
			ok(t, s.Backups().Remove(ctx, "m", next.ID))
		}
	}
	virsh(t, s, "suspend", "m")
	last := backedUpNow(t, s, "m")
	then := keptOf(t, s, "m")
	virsh(t, s, "resume", "m")
	must(s.Backups().Restore(ctx, "m", last.ID, fusion.RestoreSpec{As: "r"}))(t)
	equals(t, s, "r", then)
}

// unharmed checks that a machine counts on and that nothing of a backup is left at it.
func unharmed(t *testing.T, s *Store, config Config, m fusion.Machine) {
	t.Helper()
	begin := inMemory(t, s, m.Name)
	eventually(t, "it counts on", func() bool { return inMemory(t, s, m.Name) > begin+2 })
	if out := virsh(t, s, "domjobinfo", m.Name); !strings.Contains(out, "None") {
		t.Errorf("a job is left: %s", out)
	}
	named := map[string]bool{}
	for _, b := range must(s.Backups().List(t.Context(), m.Name))(t).Backups {
		named[checkpointPrefix+b.ID] = true
	}
	for _, mark := range strings.Fields(virsh(t, s, "checkpoint-list", "--name", m.Name)) {
		if !named[mark] {
			t.Errorf("the checkpoint %s is left", mark)
		}
	}
	if left := halfMade(t, config); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	chunksOf(t, s, m.Name)
}

func TestInsideBackup(t *testing.T) {
	args := strings.Split(os.Getenv(asUserEnv), "|")
	if len(args) != 3 || args[0] != "backup" {
		return // TestKilledWhileBackingUp runs it
	}
	s := must(Open(t.Context(), Config{Dir: args[1], RunDir: args[2], URI: "private"}))(t)
	defer closeStore(t, s)
	must(os.Stdout.WriteString("begins\n"))(t)
	_, err := s.Backups().Take(context.Background(), "m")
	if err != nil {
		t.Log(err) // libvirtd may have been killed
	}
	must(os.Stdout.WriteString("ended\n"))(t)
}
