package vmctl

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"hither/fusion"
	"hither/vmctl/imagepool"
)

// pretend makes a machine run in the fake, whose disk tests go on writing.
func pretend(t *testing.T, s *Store, name string) {
	t.Helper()
	ok(t, s.Do(t.Context(), name, fusion.Start))
}

// backedUpNow takes a backup.
func backedUpNow(t *testing.T, s *Store, name string) fusion.Backup {
	t.Helper()
	return must(s.Backups().Take(t.Context(), name))(t)
}

// chunksOf lists the chunks of a machine's vault.
func chunksOf(t *testing.T, s *Store, name string) (chunks []string) {
	t.Helper()
	uuid, _, err := s.backedUp(t.Context(), "", name)
	ok(t, err)
	ok(t, filepath.WalkDir(s.vaultDir(uuid), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && filepath.Base(filepath.Dir(filepath.Dir(path))) == chunkDir {
			chunks = append(chunks, path)
		}
		if strings.HasPrefix(filepath.Base(path), imagepool.Partial) {
			t.Errorf("%s was left", path)
		}
		return err
	}))
	return chunks
}

// restored brings a backup back as a new machine and gives its disk.
func restored(t *testing.T, s *Store, name, id, as string) string {
	t.Helper()
	must(s.Backups().Restore(t.Context(), name, id, fusion.RestoreSpec{As: as}))(t)
	disk := diskPaths(t, s, as)[0]
	img(t, "check", "-q", "-f", "qcow2", disk)
	return disk
}

func TestBackupOfWhatIsOff(t *testing.T) {
	s, _ := origin(t)
	ctx := t.Context()
	disk := diskPaths(t, s, "m")[0]
	pattern(t, disk, 1, 'a')
	pattern(t, disk, 5, 'b')
	first := backedUpNow(t, s, "m")
	if first.Kind != fusion.BackupFull || first.State != fusion.BackupOff || first.DataBytes != 2<<20 || first.ReadBytes != 2<<20 || first.AddedBytes == 0 {
		t.Errorf("%+v", first)
	}
	pattern(t, disk, 5, 'c')
	var steps []fusion.Progress
	second, err := s.Backups().Take(fusion.WithReporter(ctx, func(p fusion.Progress) { steps = append(steps, p) }), "m")
	ok(t, err)
	if second.AddedBytes >= first.AddedBytes || len(chunksOf(t, s, "m")) != 3 {
		t.Errorf("it took %d bytes, the first %d; there are %v", second.AddedBytes, first.AddedBytes, chunksOf(t, s, "m"))
	}
	if len(steps) == 0 || steps[len(steps)-1].Done != steps[len(steps)-1].Total {
		t.Errorf("progress: %+v", steps)
	}
	old := restored(t, s, "m", first.ID, "old")
	hasPattern(t, old, 1, 'a')
	hasPattern(t, old, 5, 'b')
	img(t, "compare", "-f", "qcow2", "-F", "qcow2", disk, restored(t, s, "m", second.ID, "new"))
	ok(t, s.Backups().Remove(ctx, "m", first.ID))
	if got := chunksOf(t, s, "m"); len(got) != 2 {
		t.Errorf("there are %v", got)
	}
	list := must(s.Backups().List(ctx, "m"))(t)
	if len(list.Backups) != 1 || list.Backups[0].ID != second.ID || list.StoredBytes == 0 {
		t.Errorf("%+v", list)
	}
	if pending(t, s) != 0 {
		t.Errorf("%d intents", pending(t, s))
	}
}

func TestRestoreInPlace(t *testing.T) {
	s, f := origin(t)
	ctx := t.Context()
	m := must(s.Get(ctx, "m"))(t)
	before := diskPaths(t, s, "m")[0]
	pattern(t, before, 1, 'a')
	b := backedUpNow(t, s, "m")
	pattern(t, before, 1, 'x')
	pretend(t, s, "m")
	_, err := s.Backups().Restore(ctx, "m", b.ID, fusion.RestoreSpec{})
	refused(t, err, fusion.ErrInvalid)
	ok(t, s.Do(ctx, "m", fusion.ForceOff))

	// libvirt refuses the definition: all is as before.
	f.refuses("define", &driverError{errHypervisor, "no"})
	if _, err := s.Backups().Restore(ctx, "m", b.ID, fusion.RestoreSpec{}); err == nil {
		t.Fatal("it was restored")
	}
	f.refuses("define", nil)
	eventually(t, "all is settled", func() bool { return pending(t, s) == 0 })
	hasPattern(t, before, 1, 'x')
	if left := pooled(t, s); len(left) != 1 {
		t.Errorf("left %v", left)
	}

	back := must(s.Backups().Restore(ctx, "m", b.ID, fusion.RestoreSpec{Start: true}))(t)
	after := diskPaths(t, s, "m")[0]
	if back.UUID != m.UUID || back.State != fusion.Running || after == before {
		t.Errorf("%+v on %s", back, after)
	}
	hasPattern(t, after, 1, 'a')
	if left := pooled(t, s); !slices.Equal(left, []string{filepath.Base(after)}) || pending(t, s) != 0 {
		t.Errorf("left %v, %d intents", left, pending(t, s))
	}
	ok(t, s.Do(ctx, "m", fusion.ForceOff))
	ok(t, s.Remove(ctx, "m"))
	if left := pooled(t, s); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	hasPattern(t, restored(t, s, "m", b.ID, "again"), 1, 'a') // of a machine that is gone
}

func TestBackupOfWhatRuns(t *testing.T) {
	s, f := origin(t)
	ctx := t.Context()
	disk := diskPaths(t, s, "m")[0]
	pattern(t, disk, 1, 'a')
	pattern(t, disk, 3, 'b')
	pretend(t, s, "m")
	first := backedUpNow(t, s, "m")
	if first.Kind != fusion.BackupFull || first.State != fusion.BackupRunning || first.ReadBytes != 2<<20 {
		t.Errorf("%+v", first)
	}
	pattern(t, disk, 3, 'c')
	second := backedUpNow(t, s, "m")
	if second.Kind != fusion.BackupIncremental || second.ReadBytes != 1<<20 || second.DataBytes != 2<<20 {
		t.Errorf("%+v", second)
	}
	pattern(t, disk, 1, 'd')
	third := backedUpNow(t, s, "m")
	if len(f.backed.marks) != 1 || !slices.Equal(f.backed.begun, []string{"", checkpointPrefix + first.ID, checkpointPrefix + second.ID}) {
		t.Errorf("checkpoints %v, went back to %v", f.backed.marks, f.backed.begun)
	}
	for n, want := range map[string]string{first.ID: "ab", second.ID: "ac", third.ID: "dc"} {
		got := restored(t, s, "m", n, "r"+n)
		hasPattern(t, got, 1, want[0])
		hasPattern(t, got, 3, want[1])
	}
	// QEMU's account is broken: all is read.
	f.backed.breaks = errors.New("it is")
	fourth := backedUpNow(t, s, "m")
	if fourth.Kind != fusion.BackupFull || fourth.AddedBytes != 0 {
		t.Errorf("%+v", fourth)
	}
	f.backed.breaks = nil
	// Without the backup that a checkpoint belongs to, all is read.
	ok(t, s.Backups().Remove(ctx, "m", fourth.ID))
	if uuid := must(s.find(ctx, "", "m"))(t); len(f.backed.marks[uuid]) != 0 {
		t.Errorf("checkpoints %v", f.backed.marks)
	}
	if fifth := backedUpNow(t, s, "m"); fifth.Kind != fusion.BackupFull {
		t.Errorf("%+v", fifth)
	}
	ok(t, s.Do(ctx, "m", fusion.ForceOff))
	if left := pooled(t, s); len(left) != 4 || pending(t, s) != 0 {
		t.Errorf("left %v, %d intents", left, pending(t, s))
	}
}

// TestBackupIsEnded: canceled, refused and with a libvirt that goes away, nothing is left.
func TestBackupIsEnded(t *testing.T) {
	s, f := origin(t)
	pretend(t, s, "m")
	before := pooled(t, s)
	same := func(what string) {
		t.Helper()
		eventually(t, what+": all is settled", func() bool { return pending(t, s) == 0 })
		uuid := must(s.find(t.Context(), "", "m"))(t)
		if left := pooled(t, s); !slices.Equal(left, before) || len(f.backed.marks[uuid]) != 0 || f.backed.job[uuid].active || len(chunksOf(t, s, "m")) != 0 {
			t.Errorf("%s: left %v, checkpoints %v, job %+v", what, left, f.backed.marks, f.backed.job)
		}
	}
	f.refuses("backup", &driverError{fusion.ErrUnsupported, "no"})
	_, err := s.Backups().Take(t.Context(), "m")
	if !errors.Is(err, fusion.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
	same("refused")
	f.refuses("backup", nil)

	f.backed.hangs = make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var both sync.WaitGroup
	both.Go(func() { _, err = s.Backups().Take(ctx, "m") })
	<-f.backed.hangs
	_, twice := s.Backups().Take(t.Context(), "m")
	refused(t, twice, fusion.ErrBusy)
	_, hot := s.Backups().Restore(t.Context(), "m", "x", fusion.RestoreSpec{})
	refused(t, hot, fusion.ErrBusy)
	ok(t, s.Do(t.Context(), "m", fusion.Pause)) // its verbs go on
	cancel()
	both.Wait()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	same("canceled")

	both.Go(func() { _, err = s.Backups().Take(t.Context(), "m") })
	<-f.backed.hangs
	f.refuses("backup job", &driverError{fusion.ErrOffline, "gone"})
	both.Wait()
	if !errors.Is(err, fusion.ErrOffline) {
		t.Errorf("got %v", err)
	}
	if pending(t, s) != 1 {
		t.Errorf("%d intents", pending(t, s))
	}
	f.refuses("backup job", nil)
	same("libvirt away")
}

func TestBrokenBackup(t *testing.T) {
	s, _ := origin(t)
	ctx := t.Context()
	disk := diskPaths(t, s, "m")[0]
	pattern(t, disk, 1, 'a')
	first := backedUpNow(t, s, "m")
	if read := must(s.Backups().Verify(ctx, "m", first.ID))(t); read.Verified.IsZero() || read.Broken != "" {
		t.Errorf("%+v", read)
	}
	chunk := chunksOf(t, s, "m")[0]
	data := must(os.ReadFile(chunk))(t)
	data[len(data)-1] ^= 1
	ok(t, os.WriteFile(chunk, data, 0o600))
	before := pooled(t, s)
	_, err := s.Backups().Restore(ctx, "m", first.ID, fusion.RestoreSpec{As: "r"})
	refused(t, err, fusion.ErrInvalid)
	_, err = s.Backups().Restore(ctx, "m", first.ID, fusion.RestoreSpec{})
	refused(t, err, fusion.ErrInvalid)
	if left := pooled(t, s); !slices.Equal(left, before) || pending(t, s) != 0 {
		t.Errorf("left %v, %d intents", left, pending(t, s))
	}
	hasPattern(t, disk, 1, 'a')
	if list := must(s.Backups().List(ctx, "m"))(t); list.Backups[0].Broken == "" {
		t.Errorf("%+v", list)
	}
	must(s.Backups().Verify(ctx, "m", first.ID))(t)
	// The next one keeps that part anew, and the first is whole again.
	backedUpNow(t, s, "m")
	if read := must(s.Backups().Verify(ctx, "m", first.ID))(t); read.Broken != "" {
		t.Errorf("%+v", read)
	}
	hasPattern(t, restored(t, s, "m", first.ID, "r"), 1, 'a')

	// A manifest that somebody changed restores nothing, and can be removed.
	uuid := must(s.find(ctx, "", "m"))(t)
	path := filepath.Join(s.vaultDir(uuid), first.ID+manifestSuffix)
	text := strings.Replace(string(must(os.ReadFile(path))(t)), `"target": "vda"`, `"target": "vdb"`, 1)
	ok(t, os.WriteFile(path, []byte(text), 0o600))
	_, err = s.Backups().Restore(ctx, "m", first.ID, fusion.RestoreSpec{As: "r2"})
	refused(t, err, fusion.ErrInvalid)
	if list := must(s.Backups().List(ctx, "m"))(t); len(list.Backups) != 2 || list.Backups[0].Broken == "" && list.Backups[1].Broken == "" {
		t.Errorf("%+v", list)
	}
	backedUpNow(t, s, "m")
	ok(t, s.Backups().Remove(ctx, "m", first.ID))
}

func TestBackupsAreRefused(t *testing.T) {
	s, f := origin(t)
	ctx := t.Context()
	b := backedUpNow(t, s, "m")
	uuid := must(s.find(ctx, "", "m"))(t)
	f.kept[uuid] = []fusion.Snapshot{{Name: "s"}}
	_, err := s.Backups().Restore(ctx, "m", b.ID, fusion.RestoreSpec{})
	refused(t, err, fusion.ErrInvalid)
	f.kept[uuid] = nil
	pretend(t, s, "m")
	ok(t, s.Save(ctx, "m"))
	_, err = s.Backups().Take(ctx, "m")
	refused(t, err, fusion.ErrInvalid)
	for _, id := range []string{"state", "../x", "x/y", ""} {
		refused(t, s.Backups().Remove(ctx, "m", id), fusion.ErrNotFound)
	}
}
