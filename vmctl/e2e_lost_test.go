//go:build machines && e2e && linux

package vmctl

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hither/fusion"
)

// losesJob has libvirtd lose its account of a running machine's backup, as it does when it is
// killed between noting the job and its definition: it is killed, and starts with the status that
// it would have found.
func losesJob(t *testing.T, s *Store, config Config, name string) *Store {
	t.Helper()
	closeStore(t, s) // it would start another at once
	killDaemon(t, config)
	status := filepath.Join(config.private().Dir, "r", "libvirt", "qemu", "run", name+".xml")
	text := string(must(os.ReadFile(status))(t))
	if !strings.Contains(text, "<monitor ") {
		t.Fatalf("another status than expected: %s", text)
	}
	ok(t, os.WriteFile(status, []byte(strings.Replace(text, "<monitor ", "<job type='none' async='backup' phase='none' flags='0x0'/>\n  <monitor ", 1)), 0o600))
	return open(t, config)
}

// killDaemon kills libvirtd, which is gone when it returns.
func killDaemon(t *testing.T, config Config) {
	t.Helper()
	pid := daemonPID(t, config)
	ok(t, syscall.Kill(pid, syscall.SIGKILL))
	eventually(t, "libvirtd is gone", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
}

// daemonNow gives the process that libvirtd says it is.
func daemonNow(t *testing.T, config Config) string {
	t.Helper()
	return string(must(os.ReadFile(config.private().PIDFile()))(t))
}

// TestLibvirtdStartsAnewForALostJob: a machine whose backup libvirt lost needs to be switched
// off, no more; another one runs on, and nothing that is under way is cut.
func TestLibvirtdStartsAnewForALostJob(t *testing.T) {
	s, config := stage(t, "private")
	ctx := t.Context()
	m, other := backed(t, s, "m"), counterOf(t, s, "other")
	for _, name := range []string{"m", "other"} {
		ok(t, s.Do(ctx, name, fusion.Start))
	}
	eventually(t, "both count", func() bool { return inMemory(t, s, "m") > 3 && inMemory(t, s, "other") > 3 })
	qemu := qemuPID(other.UUID)

	for _, known := range []bool{true, false} { // whether a killed backup left its intent
		if known {
			_, _, err := s.intend(intent{Op: opBackup, Name: "m", UUID: m.UUID, Frozen: true})
			ok(t, err)
		}
		s = losesJob(t, s, config, "m")
		first := daemonNow(t, config)
		for range 2 {
			var err error
			eventually(t, "nobody else works at its backups", func() bool {
				_, err = s.Backups().Take(ctx, "m")
				return !errors.Is(err, fusion.ErrBusy)
			})
			if err == nil || !strings.Contains(err.Error(), lostJob) || fusion.Hint(err) != lostHint {
				t.Fatalf("%v (hint: %s)", err, fusion.Hint(err))
			}
		}
		if !known {
			closeStore(t, s) // the next node knows of it, too
			s = open(t, config)
		}
		events := watch(t, s)
		eventually(t, "it is noted once", func() bool { return pending(t, s) == 1 && s.lost(m.UUID) })

		asked := time.Now() // libvirt itself would wait for half a minute each time
		_, taken := s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "s"})
		for what, err := range map[string]error{"save": s.Save(ctx, "m"), "snapshot": taken} {
			refused(t, err, fusion.ErrBusy)
			if fusion.Hint(err) != lostHint {
				t.Errorf("%s: %v (hint: %s)", what, err, fusion.Hint(err))
			}
		}
		ok(t, s.Do(ctx, "m", fusion.Pause)) // what changes the machine goes on
		ok(t, s.Do(ctx, "m", fusion.Resume))
		change(t, s, fusion.Change{Kind: fusion.AddNIC}, fusion.Now)
		if took := time.Since(asked); took > 20*time.Second {
			t.Errorf("that took %v", took)
		}

		release, _ := s.claims.Share("machine", "other") // as long as something is under way
		ok(t, s.Do(ctx, "m", fusion.ForceOff))
		events.await(t, "m off")
		refused(t, s.Do(ctx, "m", fusion.Start), fusion.ErrBusy)
		if all, now := s.settle(ctx, true), daemonNow(t, config); all || now != first {
			t.Errorf("libvirtd was ended under the hands of something: settled %v, process %s, now %s", all, first, now)
		}
		release()

		began := time.Now()
		eventually(t, "it starts", func() bool { return s.Do(ctx, "m", fusion.Start) == nil })
		t.Logf("it started after %v", time.Since(began).Round(time.Millisecond))
		events.await(t, "m running") // of the new libvirtd
		if daemonNow(t, config) == first || pending(t, s) != 0 {
			t.Errorf("the same libvirtd, or %d intents", pending(t, s))
		}
		for _, name := range []string{"m", "other"} {
			b := backedUpNow(t, s, name)
			t.Logf("%s: %s, read %d KiB", name, b.Kind, b.ReadBytes>>10)
			unharmed(t, s, config, must(s.Get(ctx, name))(t))
		}
		if now := qemuPID(other.UUID); now != qemu {
			t.Errorf("the other machine is process %d, and was %d", now, qemu)
		}
	}
	virsh(t, s, "suspend", "m")
	last := backedUpNow(t, s, "m")
	then := keptOf(t, s, "m")
	must(s.Backups().Restore(ctx, "m", last.ID, fusion.RestoreSpec{As: "r"}))(t)
	equals(t, s, "r", then)
}
