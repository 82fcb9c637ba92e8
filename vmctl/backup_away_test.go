package vmctl

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hither/fusion"
	"hither/vmctl/imagepool"
)

func TestBackupOnAnotherHost(t *testing.T) {
	p, f, a, nas := keeping(t)
	ctx, m, disk := t.Context(), must(a.Get(t.Context(), "m"))(t), diskPaths(t, a, "m")[0]
	pattern(t, disk, 1, 'a')
	pattern(t, disk, 3, 'b')
	off := must(lyingAt(a, "nas").Take(ctx, "m"))(t)
	if off.Kind != fusion.BackupFull || off.DataBytes != 2<<20 || off.AddedBytes == 0 || off.Keeper != "nas" || off.Where != "host-nas" {
		t.Errorf("%+v", off)
	}
	pretend(t, a, "m")
	local := backedUpNow(t, a, "m")
	full := must(lyingAt(a, "nas").Take(ctx, "m"))(t)
	if full.Kind != fusion.BackupFull || full.AddedBytes != 0 {
		t.Errorf("what is there came again: %+v", full)
	}
	pattern(t, disk, 3, 'c')
	small := must(lyingAt(a, "nas").Take(ctx, "m"))(t)
	if small.Kind != fusion.BackupIncremental || small.ReadBytes != 1<<20 || small.DataBytes != 2<<20 {
		t.Errorf("%+v", small)
	}
	// One of its own is incremental too: each place has its account.
	again := backedUpNow(t, a, "m")
	if again.Kind != fusion.BackupIncremental || again.ReadBytes != 1<<20 || len(f.backed.marks[m.UUID]) != 2 {
		t.Errorf("%+v, checkpoints %v", again, f.backed.marks)
	}
	list := must(a.Backups().List(ctx, "m"))(t)
	var ids []string
	for _, b := range list.Backups {
		ids = append(ids, string(b.Keeper)+"/"+b.ID)
	}
	want := []string{"nas/" + off.ID, "/" + local.ID, "nas/" + full.ID, "nas/" + small.ID, "/" + again.ID}
	slices.Sort(ids)
	slices.Sort(want)
	if !slices.Equal(ids, want) || len(list.Keepers) != 1 || list.Keepers[0].StoredBytes == 0 || list.Keepers[0].Error != "" {
		t.Errorf("got %v, want %v; %+v", ids, want, list.Keepers)
	}
	if kept := must(nas.Backups().Kept(ctx, "", ""))(t); len(kept) != 1 || kept[0].Of != "aaa" || kept[0].Host != "host-aaa" || kept[0].UUID != m.UUID || len(kept[0].Backups) != 3 {
		t.Errorf("%+v", kept)
	}

	// As new: on the machine's host, on the one that keeps it, and on a third one.
	third := p.join("ccc", newFake(), Config{})
	for where, b := range map[*Store]fusion.Backups{a: lyingAt(a, "nas"), nas: nas.Backups().At(fusion.BackupPlace{Of: "aaa"}), third: third.Backups().At(fusion.BackupPlace{Of: "aaa", At: "nas"})} {
		if where != a {
			p.mu.Lock()
			p.away["aaa"] = true // its host is dead
			p.mu.Unlock()
		}
		for id, letters := range map[string]string{off.ID: "ab", small.ID: "ac"} {
			got := must(b.Restore(ctx, "m", id, fusion.RestoreSpec{As: "r" + id}))(t)
			if got.UUID == m.UUID {
				t.Errorf("%+v", got)
			}
			restored := diskPaths(t, where, "r"+id)[0]
			hasPattern(t, restored, 1, letters[0])
			hasPattern(t, restored, 3, letters[1])
		}
		p.mu.Lock()
		p.away["aaa"] = false
		p.mu.Unlock()
	}
	_, err := nas.Backups().At(fusion.BackupPlace{Of: "aaa"}).Restore(ctx, "m", off.ID, fusion.RestoreSpec{})
	refused(t, err, fusion.ErrInvalid)
	_, err = nas.Backups().At(fusion.BackupPlace{Of: "aaa"}).Take(ctx, "m")
	refused(t, err, fusion.ErrUnsupported)

	// In place, by what was noted here.
	ok(t, a.Do(ctx, "m", fusion.ForceOff))
	back := must(lyingAt(a, "nas").Restore(ctx, "m", full.ID, fusion.RestoreSpec{}))(t)
	if back.UUID != m.UUID {
		t.Errorf("%+v", back)
	}
	hasPattern(t, diskPaths(t, a, "m")[0], 3, 'b')

	// Verified and removed where it lies.
	if read := must(lyingAt(a, "nas").Verify(ctx, "m", small.ID))(t); read.Verified.IsZero() || read.Broken != "" || read.Keeper != "nas" {
		t.Errorf("%+v", read)
	}
	ok(t, lyingAt(a, "nas").Remove(ctx, "m", off.ID))
	refused(t, lyingAt(a, "nas").Remove(ctx, "m", off.ID), fusion.ErrNotFound)
	if list := must(lyingAt(a, "nas").List(ctx, "m"))(t); len(list.Backups) != 2 {
		t.Errorf("%+v", list.Backups)
	}

	// The keeper is away: what was noted is listed, with why.
	p.mu.Lock()
	p.away["nas"] = true
	p.mu.Unlock()
	if list := must(a.Backups().List(ctx, "m"))(t); len(list.Backups) != 4 || list.Keepers[0].Error == "" {
		t.Errorf("%+v", list)
	}
	_, err = lyingAt(a, "nas").Take(ctx, "m")
	refused(t, err, fusion.ErrOffline)
	p.mu.Lock()
	p.away["nas"] = false
	p.mu.Unlock()

	// A machine that is gone.
	ok(t, a.Remove(ctx, "m"))
	must(lyingAt(a, "nas").Restore(ctx, "m", full.ID, fusion.RestoreSpec{As: "m"}))(t)
	hasPattern(t, diskPaths(t, a, "m")[0], 3, 'b')
	for _, id := range []string{full.ID, small.ID} {
		ok(t, nas.Backups().At(fusion.BackupPlace{Of: "aaa"}).Remove(ctx, m.UUID, id))
	}
	if left := keptFiles(t, nas); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	if pending(t, a)+pending(t, nas)+pending(t, third) != 0 {
		t.Error("intents are left")
	}
}

// TestPatchIsSmall: of a chunk only what was written goes over the network.
func TestPatchIsSmall(t *testing.T) {
	p, _, a, nas := keeping(t)
	ctx, disk := t.Context(), diskPaths(t, a, "m")[0]
	pattern(t, disk, 1, 'a')
	pretend(t, a, "m")
	must(lyingAt(a, "nas").Take(ctx, "m"))(t)
	qemuIO(t, disk, "write -P 98 1M 64k", "write -P 99 1600k 64k")
	before := p.sent.Load()
	b := must(lyingAt(a, "nas").Take(ctx, "m"))(t)
	if sent := p.sent.Load() - before; b.Kind != fusion.BackupIncremental || b.ReadBytes != 128<<10 || sent > 64<<10 {
		t.Errorf("sent %d bytes for %+v", sent, b)
	}
	must(nas.Backups().At(fusion.BackupPlace{Of: "aaa"}).Restore(ctx, "m", b.ID, fusion.RestoreSpec{As: "r"}))(t)
	img(t, "compare", "-f", "qcow2", "-F", "qcow2", disk, diskPaths(t, nas, "r")[0])
}

// TestBackupAwayIsWholeOrNotThere: cut anywhere, nothing is left, and the next one works.
func TestBackupAwayIsWholeOrNotThere(t *testing.T) {
	p, f, a, nas := keeping(t)
	ctx, m, disk := t.Context(), must(a.Get(t.Context(), "m"))(t), diskPaths(t, a, "m")[0]
	for n := range 6 {
		noise(t, disk, n)
	}
	pretend(t, a, "m")
	for _, cut := range []int64{1, 300, 900, 1200, 1500} {
		p.cut.Store(cut)
		_, err := lyingAt(a, "nas").Take(ctx, "m")
		refused(t, err, fusion.ErrOffline)
		eventually(t, "all is settled", func() bool {
			return pending(t, a) == 0 && len(keptFiles(t, nas)) == 0
		})
		if marks := f.backed.marks[m.UUID]; len(marks) != 0 || len(pooled(t, a)) != 1 {
			t.Errorf("cut at %d: checkpoints %v, pool %v", cut, marks, pooled(t, a))
		}
	}
	p.cut.Store(0)
	b := must(lyingAt(a, "nas").Take(ctx, "m"))(t)
	must(nas.Backups().At(fusion.BackupPlace{Of: "aaa"}).Restore(ctx, "m", b.ID, fusion.RestoreSpec{As: "r"}))(t)
	img(t, "compare", "-f", "qcow2", "-F", "qcow2", disk, diskPaths(t, nas, "r")[0])

	// Canceled.
	f.backed.hangs = make(chan struct{}, 1)
	canceled, cancel := context.WithCancel(ctx)
	var both sync.WaitGroup
	var err error
	both.Go(func() { _, err = lyingAt(a, "nas").Take(canceled, "m") })
	<-f.backed.hangs
	cancel()
	both.Wait()
	if !errors.Is(err, context.Canceled) || len(f.backed.marks[m.UUID]) != 1 {
		t.Errorf("got %v, checkpoints %v", err, f.backed.marks)
	}
	f.backed.hangs = nil

	// A restore that breaks leaves nothing.
	before := pooled(t, a)
	p.mu.Lock()
	p.away["nas"] = true
	p.mu.Unlock()
	_, err = lyingAt(a, "nas").Restore(ctx, "m", b.ID, fusion.RestoreSpec{As: "never"})
	refused(t, err, fusion.ErrOffline)
	if left := pooled(t, a); !slices.Equal(left, before) || pending(t, a) != 0 {
		t.Errorf("left %v", left)
	}
}

// TestKeeperRefuses what it did not allow, and when it is full.
func TestKeeperRefuses(t *testing.T) {
	p := newPairs(t)
	f := newFake()
	a, nas := p.join("aaa", f, Config{}), p.join("nas", newFake(), Config{})
	full, third := p.join("full", newFake(), Config{keptSpare: 1 << 62}), p.join("ccc", newFake(), Config{})
	ctx := t.Context()
	must(a.Create(ctx, fusion.MachineSpec{Name: "m", DiskBytes: 8 << 20, MemoryBytes: 64 << 20}))(t)
	pattern(t, diskPaths(t, a, "m")[0], 1, 'a')
	pretend(t, a, "m")
	_, err := lyingAt(a, "full").Take(ctx, "m")
	refused(t, err, fusion.ErrInvalid)
	if !strings.Contains(err.Error(), "is full") {
		t.Errorf("it says %v", err)
	}
	_, err = lyingAt(a, "none").Take(ctx, "m")
	refused(t, err, fusion.ErrNotFound)
	_, err = a.Backups().SetSchedule(ctx, "m", fusion.BackupSchedule{Every: fusion.Daily, To: "none"})
	refused(t, err, fusion.ErrNotFound)
	p.denied["aaa"] = []fusion.Capability{fusion.MachinesCap}
	_, err = lyingAt(a, "nas").Take(ctx, "m")
	refused(t, err, fusion.ErrPermission)
	if len(f.backed.begun) != 0 || len(keptFiles(t, full))+len(keptFiles(t, nas)) != 0 {
		t.Error("something was begun")
	}
	p.mu.Lock()
	p.denied["aaa"] = nil
	p.denied["ccc"] = []fusion.Capability{fusion.AdminCap}
	p.mu.Unlock()
	b := must(lyingAt(a, "nas").Take(ctx, "m"))(t)
	_, err = third.Backups().At(fusion.BackupPlace{Of: "aaa", At: "nas"}).Restore(ctx, "m", b.ID, fusion.RestoreSpec{As: "stolen"})
	refused(t, err, fusion.ErrPermission)
	// What lies under another's key is not reached by its name.
	_, err = lyingAt(third, "nas").Restore(ctx, "m", b.ID, fusion.RestoreSpec{As: "stolen"})
	refused(t, err, fusion.ErrNotFound)
	// A chunk that broke there is found before it is believed here.
	for _, path := range keptFiles(t, nas) {
		if len(filepath.Base(path)) == 64 {
			ok(t, os.Truncate(path, 5))
		}
	}
	before := pooled(t, a)
	_, err = lyingAt(a, "nas").Restore(ctx, "m", b.ID, fusion.RestoreSpec{As: "r"})
	refused(t, err, fusion.ErrInvalid)
	if left := pooled(t, a); !slices.Equal(left, before) || pending(t, a) != 0 {
		t.Errorf("left %v", left)
	}
	if list := must(a.Backups().List(ctx, "m"))(t); list.Backups[0].Broken == "" {
		t.Errorf("%+v", list)
	}
	// The next one is read whole, and brings it back.
	again := must(lyingAt(a, "nas").Take(ctx, "m"))(t)
	if again.Kind != fusion.BackupFull || again.AddedBytes == 0 {
		t.Errorf("%+v", again)
	}
	if read := must(lyingAt(a, "nas").Verify(ctx, "m", b.ID))(t); read.Broken != "" {
		t.Errorf("%+v", read)
	}
}

// TestTakenAwayOnTheWay: the keeper asks again for each part.
func TestTakenAwayOnTheWay(t *testing.T) {
	p := newPairs(t)
	f := newFake()
	a, nas := p.join("aaa", f, Config{}), p.join("nas", newFake(), Config{})
	m := must(a.Create(t.Context(), fusion.MachineSpec{Name: "m", DiskBytes: 64 << 20, MemoryBytes: 64 << 20}))(t)
	disk := diskPaths(t, a, "m")[0]
	for n := range 40 {
		pattern(t, disk, n, byte(n+1))
	}
	pretend(t, a, "m")
	var seen atomic.Int64
	ctx := fusion.WithReporter(t.Context(), func(at fusion.Progress) {
		if at.Step == "keeps what is new" && seen.Add(1) == 20 {
			p.mu.Lock()
			p.denied["aaa"] = []fusion.Capability{fusion.MachinesCap}
			p.mu.Unlock()
		}
	})
	_, err := lyingAt(a, "nas").Take(ctx, "m")
	refused(t, err, fusion.ErrPermission)
	eventually(t, "nothing is left", func() bool { return pending(t, a) == 0 && len(keptFiles(t, nas)) == 0 })
	if len(f.backed.marks[m.UUID]) != 0 {
		t.Errorf("checkpoints %v", f.backed.marks)
	}
}

// TestScheduleToAnotherHost: retention runs there; one that is away is tried again.
func TestScheduleToAnotherHost(t *testing.T) {
	p := newPairs(t)
	day := time.Date(2026, 11, 29, 2, 0, 0, 0, time.Local)
	c := &clock{now: day}
	ran := make(chan error, 16)
	a := p.join("aaa", newFake(), Config{now: c.read, after: c.after, Job: func(ctx context.Context, op, name string, work func(context.Context) error) error {
		err := work(ctx)
		ran <- err
		return err
	}})
	nas := p.join("nas", newFake(), Config{})
	ctx := t.Context()
	must(a.Create(ctx, fusion.MachineSpec{Name: "m", DiskBytes: 8 << 20, MemoryBytes: 64 << 20}))(t)
	byHand := must(lyingAt(a, "nas").Take(ctx, "m"))(t)
	must(a.Backups().SetSchedule(ctx, "m", fusion.BackupSchedule{Every: fusion.Daily, At: 180, Keep: fusion.BackupKeep{Last: 2}, To: "nas"}))(t)
	kept := func() []fusion.Backup { return must(nas.Backups().Kept(ctx, "aaa", "m"))(t)[0].Backups }
	for n := range 4 {
		c.set(day.AddDate(0, 0, n).Add(61 * time.Minute))
		ok(t, c.await(t, ran))
		eventually(t, "old ones go", func() bool { return len(kept()) == min(n+1, 2)+1 })
		eventually(t, "it is noted", func() bool { return must(a.Backups().List(ctx, "m"))(t).Last.Equal(c.read()) })
	}
	if !slices.ContainsFunc(kept(), func(b fusion.Backup) bool { return b.ID == byHand.ID }) {
		t.Error("one that was taken by hand went")
	}
	uuid := must(a.find(ctx, "", "m"))(t)
	if notes := must(a.notesAt(uuid, "nas").manifests())(t); len(notes) != 3 {
		t.Errorf("%d are noted", len(notes))
	}
	p.mu.Lock()
	p.away["nas"] = true
	p.mu.Unlock()
	c.set(day.AddDate(0, 0, 4).Add(2 * time.Hour))
	refused(t, c.await(t, ran), fusion.ErrOffline)
	eventually(t, "the machine says so", func() bool { return strings.Contains(must(a.Get(ctx, "m"))(t).Note, "scheduled backup failed") })
	eventually(t, "it is tried later", func() bool { _, due, _ := a.schedules.first(); return due == "" })
	p.mu.Lock()
	p.away["nas"] = false
	p.mu.Unlock()
	c.set(c.read().Add(retryPause + time.Second))
	ok(t, c.await(t, ran))
	eventually(t, "the note goes", func() bool { return !strings.Contains(must(a.Get(ctx, "m"))(t).Note, "failed") })
}

// TestForeignDefinitionIsNotBelieved: what another host says of a machine names nothing of
// this one.
func TestForeignDefinitionIsNotBelieved(t *testing.T) {
	p := newPairs(t)
	f := newFake()
	a, nas := p.join("aaa", newFake(), Config{}), p.join("nas", f, Config{})
	ctx := t.Context()
	must(a.Create(ctx, fusion.MachineSpec{Name: "m", DiskBytes: 8 << 20, MemoryBytes: 64 << 20}))(t)
	b := must(lyingAt(a, "nas").Take(ctx, "m"))(t)
	uuid := must(a.find(ctx, "", "m"))(t)
	v := must(openVault(nas.keptDir("aaa", uuid)))(t)
	evil := must(v.read(b.ID))(t)
	evil.Definition = strings.Replace(evil.Definition, "<devices>", `<devices><emulator>/tmp/evil</emulator><hostdev mode="subsystem" type="usb"/>`+
		`<disk type="file" device="disk"><source file="/etc/shadow"/><target dev="sdz" bus="sata"/></disk>`, 1)
	ok(t, v.write(evil))
	got := must(nas.Backups().At(fusion.BackupPlace{Of: "aaa"}).Restore(ctx, "m", b.ID, fusion.RestoreSpec{As: "r"}))(t)
	text := f.textsOf(got.UUID).next
	for _, bad := range []string{"evil", "hostdev", "shadow"} {
		if strings.Contains(text, bad) {
			t.Errorf("it has %s: %s", bad, text)
		}
	}
	// The machine's own host believes its note, not the keeper.
	got = must(lyingAt(a, "nas").Restore(ctx, "m", b.ID, fusion.RestoreSpec{As: "r"}))(t)
	hasNot := must(a.Get(ctx, "r"))(t)
	if got.UUID != hasNot.UUID || len(hasNot.Disks) != 1 {
		t.Errorf("%+v", hasNot)
	}
}

// FuzzServeBackups: whatever another host says, the keeper neither panics nor keeps it half.
func FuzzServeBackups(f *testing.F) {
	frame := func(kind byte, text string) string {
		return string([]byte{kind, 0, 0, byte(len(text) >> 8), byte(len(text))}) + text
	}
	keep := `{"do":"keep","machine":"00000000-0000-4000-8000-000000000001","name":"m","id":"20261129-030000","disks":[{"target":"vda","size":2097152}]}`
	f.Add([]byte(frame(frameRequest, keep) + frame(frameOffer, "\x00\x00"+string(make([]byte, offeredPiece))) + frame(frameEnd, `{"created":"2026-11-29T03:00:00Z","kind":"full","state":"off","definition":"<domain/>"}`)))
	f.Add([]byte(frame(frameRequest, strings.Replace(keep, "keep", "ask", 1))))
	f.Add([]byte(frame(frameRequest, `{"do":"read","machine":"../../x","backup":"../x"}`)))
	f.Add([]byte(frame(frameRequest, keep) + frame(frameOffer, "\x00\x00\x00\x00\x00\x01\x01"+strings.Repeat("s", 32)) + frame(framePatch, "\x00\x01\x00\x00\x00\x00\x00\x00\x00\x10")))
	s, err := Open(f.Context(), Config{Dir: f.TempDir(), URI: "off", keptSpare: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	f.Fuzz(func(t *testing.T, data []byte) {
		in, out := net.Pipe()
		var both sync.WaitGroup
		both.Go(func() { _, _ = io.Copy(io.Discard, out) })
		both.Go(func() {
			_, _ = out.Write(data)
			_ = out.Close()
		})
		both.Go(func() { _ = s.ServeBackups(t.Context(), "aaa", func(fusion.Capability) bool { return true }, in) })
		both.Wait()
		for _, path := range keptFiles(t, s) {
			if strings.HasPrefix(filepath.Base(path), imagepool.Partial) {
				t.Errorf("%s was left", path)
			}
		}
	})
}
