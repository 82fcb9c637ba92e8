package vmctl

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hither/fusion"
)

// schedules takes the backups that are due: one after the other, so that a host with many
// machines does not copy all of them at once. One whose time passed while the node was off
// is taken when it is on again, once.
type schedules struct {
	s       *Store
	changed chan struct{} // capacity 1: a schedule changed, or libvirt is back

	files sync.Mutex // held while a state file is changed

	mu     sync.Mutex // guards the fields below
	states map[string]backupState
	retry  map[string]time.Time // not before, after one that could not be tried
}

const (
	// schedulePause is the longest pause between two looks at the clock, which may be set,
	// or stand while the computer sleeps.
	schedulePause = time.Minute
	// retryPause is before another try when the machine was busy or libvirt away.
	retryPause = 5 * time.Minute
)

// next is when the schedule is due; a time that is past is due now.
func (st backupState) next() time.Time {
	base := st.Since
	if st.Tried.After(base) {
		base = st.Tried
	}
	return st.Schedule.Next(base.Local())
}

func newSchedules(s *Store) *schedules {
	b := &schedules{s: s, changed: make(chan struct{}, 1), states: map[string]backupState{}, retry: map[string]time.Time{}}
	entries, err := os.ReadDir(s.config.backups())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.config.Log.Warn("schedules of backups are not known", "error", err)
	}
	for _, e := range entries {
		st, err := (&vault{dir: s.vaultDir(e.Name())}).state()
		if err != nil {
			s.config.Log.Warn("the schedule of a machine's backups is not known", "machine", e.Name(), "error", err)
			continue
		}
		b.states[e.Name()] = st
	}
	return b
}

// change changes what is known of a machine's backups.
func (b *schedules) change(uuid string, change func(*backupState)) (backupState, error) {
	b.files.Lock()
	defer b.files.Unlock()
	v := &vault{dir: b.s.vaultDir(uuid)}
	st, err := v.state()
	if err == nil {
		was := st
		if change(&st); st == was {
			return st, nil
		}
		err = os.MkdirAll(v.dir, 0o700)
	}
	if err == nil {
		err = v.writeState(st)
	}
	if err == nil {
		b.mu.Lock()
		b.states[uuid] = st
		b.mu.Unlock()
	}
	return st, err
}

// failed says whether the last scheduled backup of a machine failed.
func (b *schedules) failed(uuid string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	st := b.states[uuid]
	return st.Error != "" && st.Schedule.Every != fusion.BackupNever
}

// run takes what is due, until Close.
func (b *schedules) run() {
	for {
		wait := b.takeDue()
		select {
		case <-b.s.ctx.Done():
			return
		case <-b.s.config.after(wait):
		case <-b.changed:
		}
	}
}

// takeDue takes the backups that are due, and says how long there is until the next.
func (b *schedules) takeDue() (wait time.Duration) {
	for b.s.ctx.Err() == nil {
		uuid, machine, wait := b.first()
		if machine == "" {
			return wait
		}
		b.takeOne(uuid, machine)
	}
	return schedulePause
}

// first finds the machine whose backup has been due longest, or how long there is until
// one is.
func (b *schedules) first() (uuid, machine string, wait time.Duration) {
	names := b.s.namesByUUID()
	now := b.s.config.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	var due time.Time
	wait = 24 * time.Hour
	for id, st := range b.states {
		at := st.next()
		if at.IsZero() || names[id] == "" {
			continue
		}
		if later := b.retry[id]; later.After(at) {
			at = later
		}
		wait = min(wait, schedulePause, max(at.Sub(now), 0))
		if !at.After(now) && (uuid == "" || at.Before(due)) {
			uuid, machine, due = id, names[id], at
		}
	}
	return uuid, machine, wait
}

// namesByUUID gives the machines that are there; none while libvirt is away.
func (s *Store) namesByUUID() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := map[string]string{}
	if s.conn == nil {
		return names
	}
	for uuid, r := range s.records {
		if !r.Template {
			names[uuid] = r.shown
		}
	}
	return names
}

// takeOne takes a backup as a job of the host, and notes what became of it.
func (b *schedules) takeOne(uuid, machine string) {
	began := b.s.config.now()
	b.mu.Lock()
	schedule := b.states[uuid].Schedule
	b.mu.Unlock()
	err := b.s.config.Job(b.s.ctx, opBackup, machine, func(ctx context.Context) error {
		_, err := b.s.takeBackup(ctx, machine, schedule.To, &schedule.Keep)
		return err
	})
	if b.s.ctx.Err() != nil {
		return // the next node takes it
	}
	again := errors.Is(err, fusion.ErrBusy) || errors.Is(err, fusion.ErrOffline)
	_, noted := b.change(uuid, func(st *backupState) {
		st.Error = ""
		if err != nil {
			st.Error = err.Error()
		}
		if !again {
			st.Tried = began
		}
	})
	b.mu.Lock()
	delete(b.retry, uuid)
	if again || noted != nil {
		b.retry[uuid] = b.s.config.now().Add(retryPause)
	}
	b.mu.Unlock()
	b.s.touch(uuid) // its note may be another
	if err == nil {
		err = b.prune(uuid, machine)
	}
	if err := errors.Join(err, noted); err != nil {
		b.s.config.Log.Warn("a scheduled backup failed", "machine", machine, "error", err)
	}
}

// prune removes what the schedule does not keep.
func (b *schedules) prune(uuid, machine string) error {
	release, err := b.s.working(opBackup, machine, uuid)
	if err != nil {
		return nil // the next one does it
	}
	defer release()
	v, err := openVault(b.s.vaultDir(uuid))
	if err != nil {
		return err
	}
	all, err := v.manifests()
	if err != nil {
		return err
	}
	b.mu.Lock()
	keep := b.states[uuid].Schedule.Keep
	b.mu.Unlock()
	surplus := keep.Surplus(backupsOf(all), time.Local)
	for _, one := range surplus {
		if err := b.s.forgetBackup(b.s.ctx, v, uuid, one.ID); err != nil {
			return err
		}
		b.s.config.Log.Info("backup removed", "machine", machine, "backup", one.ID, "because", "the schedule keeps others")
	}
	if len(surplus) == 0 {
		return nil
	}
	return b.s.tidy(v, uuid)
}

func (b backups) SetSchedule(ctx context.Context, machine string, schedule fusion.BackupSchedule) (fusion.BackupList, error) {
	s := b.s
	if machine == fusion.Self {
		return fusion.BackupList{}, noBackups(opSchedule)
	}
	if err := schedule.Check(); err != nil {
		return fusion.BackupList{}, err
	}
	if schedule.To == s.config.ID {
		schedule.To = ""
	}
	if schedule.To != "" {
		if _, err := s.keeper(opSchedule, schedule.To); err != nil {
			return fusion.BackupList{}, err
		}
	}
	uuid, err := s.find(ctx, opSchedule, machine)
	if err != nil {
		return fusion.BackupList{}, err
	}
	_, err = s.schedules.change(uuid, func(st *backupState) {
		st.Machine, st.Schedule, st.Since, st.Error = machine, schedule, s.config.now(), ""
	})
	if err != nil {
		return fusion.BackupList{}, s.poolError(opSchedule, machine, err)
	}
	signal(s.schedules.changed)
	s.touch(uuid)
	s.config.Log.Info("schedule set", "machine", machine, "every", schedule.Every, "trace", fusion.Trace(ctx))
	list, err := s.listBackups(ctx, uuid, true)
	return list, fail(opSchedule, machine, err)
}

// tidy clears debris away and notes what the backups of a machine take.
func (s *Store) tidy(v *vault, uuid string) error {
	s.schedules.files.Lock() // a state that is being written is no debris
	stored, err := v.clear()
	s.schedules.files.Unlock()
	if err == nil {
		_, err = s.schedules.change(uuid, func(st *backupState) { st.Stored = stored })
	}
	return err
}

// backups is the directory of the vaults.
func (c Config) backups() string { return filepath.Join(c.Dir, "backups") }
