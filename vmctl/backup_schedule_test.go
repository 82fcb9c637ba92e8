package vmctl

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hither/fusion"
)

// clock is a clock that a test sets.
type clock struct {
	mu    sync.Mutex // guards the fields below
	now   time.Time
	rings chan time.Time // of who waits
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) after(time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rings = make(chan time.Time, 1)
	return c.rings
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// await rings until something ran, and gives what came of it.
func (c *clock) await(t *testing.T, ran <-chan error) error {
	t.Helper()
	for limit := time.After(patience); ; {
		c.mu.Lock()
		select {
		case c.rings <- c.now:
		default: // nobody waits just now, or it rang
		}
		c.mu.Unlock()
		select {
		case err := <-ran:
			return err
		case <-time.After(5 * time.Millisecond):
		case <-limit:
			t.Fatal("nothing is taken")
		}
	}
}

func TestScheduledBackups(t *testing.T) {
	f, dir := newFake(), t.TempDir()
	day := time.Date(2026, 11, 29, 2, 0, 0, 0, time.Local)
	c := &clock{now: day}
	ran := make(chan error, 16)
	config := Config{Dir: dir, now: c.read, after: c.after, Job: func(ctx context.Context, op, name string, work func(context.Context) error) error {
		err := work(ctx)
		ran <- err
		return err
	}}
	s := storeOf(t, f, config)
	ctx := t.Context()
	must(s.Create(ctx, fusion.MachineSpec{Name: "m", DiskBytes: 8 << 20, MemoryBytes: 64 << 20}))(t)
	list := must(s.Backups().SetSchedule(ctx, "m", fusion.BackupSchedule{Every: fusion.Daily, At: 180, Keep: fusion.BackupKeep{Last: 2}}))(t)
	if !list.Next.Equal(day.Add(time.Hour)) {
		t.Errorf("next is %v", list.Next)
	}
	byHand := backedUpNow(t, s, "m")
	count := func() int { return len(must(s.Backups().List(ctx, "m"))(t).Backups) }
	for n := range 4 {
		c.set(day.AddDate(0, 0, n).Add(59 * time.Minute))
		eventually(t, "it is due in a minute", func() bool {
			_, due, wait := s.schedules.first()
			return due == "" && wait == time.Minute
		})
		c.set(day.AddDate(0, 0, n).Add(61 * time.Minute))
		ok(t, c.await(t, ran))
		want := min(n+1, 2) + 1
		eventually(t, "old ones go", func() bool { return count() == want })
		eventually(t, "it is noted", func() bool { return must(s.Backups().List(ctx, "m"))(t).Last.Equal(c.read()) })
	}
	all := must(s.Backups().List(ctx, "m"))(t)
	if !slices.ContainsFunc(all.Backups, func(b fusion.Backup) bool { return b.ID == byHand.ID }) || !all.Next.Equal(day.AddDate(0, 0, 4).Add(time.Hour)) || len(ran) != 0 {
		t.Errorf("%+v", all)
	}

	// One that fails is told of, and is not tried again before the next time.
	f.refuses("persistent", &driverError{errHypervisor, "no"})
	c.set(day.AddDate(0, 0, 4).Add(2 * time.Hour))
	if err := c.await(t, ran); err == nil {
		t.Error("it did not fail")
	}
	eventually(t, "the machine says so", func() bool { return strings.Contains(must(s.Get(ctx, "m"))(t).Note, "scheduled backup failed") })
	if list := must(s.Backups().List(ctx, "m"))(t); list.Error == "" || len(ran) != 0 {
		t.Errorf("%+v", list)
	}
	f.refuses("persistent", nil)

	// Busy is no failure of the schedule's: it is tried again soon.
	release, _ := s.working("", "m", must(s.find(ctx, "", "m"))(t))
	c.set(day.AddDate(0, 0, 5).Add(2 * time.Hour))
	refused(t, c.await(t, ran), fusion.ErrBusy)
	release()
	eventually(t, "it is tried later", func() bool { _, due, _ := s.schedules.first(); return due == "" })
	c.set(c.read().Add(retryPause + time.Second))
	ok(t, c.await(t, ran))
	eventually(t, "the note goes", func() bool { return !strings.Contains(must(s.Get(ctx, "m"))(t).Note, "failed") })
	closeStore(t, s)

	// What was due while the node was off is taken once, when it is on again.
	c.set(day.AddDate(0, 0, 9))
	s = storeOf(t, f, config)
	ok(t, c.await(t, ran))
	eventually(t, "it is noted", func() bool { return must(s.Backups().List(ctx, "m"))(t).Last.Equal(c.read()) })
	if len(ran) != 0 {
		t.Error("it was taken twice")
	}
	must(s.Backups().SetSchedule(ctx, "m", fusion.BackupSchedule{}))(t)
	c.set(day.AddDate(0, 0, 20))
	if _, due, _ := s.schedules.first(); due != "" || len(ran) != 0 {
		t.Error("it goes on")
	}
}

// TestListWhileBackupsGo: a backup that is removed while all are listed is left out, and no
// error.
func TestListWhileBackupsGo(t *testing.T) {
	v := &vault{dir: t.TempDir()}
	ok(t, v.write(backupManifest{Backup: fusion.Backup{ID: "kept"}}))
	listed := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		for {
			all, err := v.manifests()
			if err == nil && !slices.ContainsFunc(all, func(m backupManifest) bool { return m.ID == "kept" }) {
				err = errors.New("the one that stays is not listed")
			}
			select {
			case <-stop:
				listed <- err
				return
			default:
			}
			if err != nil {
				listed <- err
				return
			}
		}
	}()
	for range 300 {
		ok(t, v.write(backupManifest{Backup: fusion.Backup{ID: "gone"}}))
		ok(t, v.forget("gone"))
	}
	close(stop)
	ok(t, <-listed)
}
