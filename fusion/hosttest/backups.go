package hosttest

import (
	"testing"
	"time"

	"hither/fusion"
)

// testBackups takes backups of a machine, brings them back, and looks at what is left once
// the machine is gone.
func (s *suite) testBackups(t *testing.T) {
	machines, backups := s.host.Machines(), s.host.Backups()
	m := s.create(t, fusion.MachineSpec{DiskBytes: 16 << 20, CPUs: 1})
	none, err := backups.List(s.ctx(t), m.Name)
	must(t, "list none", err)
	if len(none.Backups) != 0 || !none.Next.IsZero() {
		t.Errorf("a new machine has %+v", none)
	}
	first, err := backups.Take(s.ctx(t), m.Name)
	must(t, "take", err)
	if first.ID == "" || first.Machine != m.Name || first.State != fusion.BackupOff || first.Created.IsZero() || first.Scheduled {
		t.Errorf("took %+v", first)
	}
	must(t, "start", machines.Do(s.ctx(t), m.Name, fusion.Start))
	s.until(t, m.Name, fusion.Running)
	second, err := backups.Take(s.ctx(t), m.Name)
	must(t, "take of a running one", err)
	list, err := backups.List(s.ctx(t), m.Name)
	must(t, "list", err)
	if len(list.Backups) != 2 || list.Backups[0].ID != second.ID || list.Backups[1].ID != first.ID || second.State == fusion.BackupOff {
		t.Errorf("took %+v, then %+v, and there are %+v", first, second, list.Backups)
	}
	_, err = backups.Restore(s.ctx(t), m.Name, first.ID, fusion.RestoreSpec{})
	refused(t, "restore of a running one", err, fusion.ErrInvalid)
	must(t, "force off", machines.Do(s.ctx(t), m.Name, fusion.ForceOff))
	s.until(t, m.Name, fusion.Off)
	back, err := backups.Restore(s.ctx(t), m.Name, first.ID, fusion.RestoreSpec{})
	must(t, "restore", err)
	if back.UUID != m.UUID || back.Name != m.Name || len(back.Disks) != len(m.Disks) || back.State != fusion.Off {
		t.Errorf("restored %+v of %+v", back, m)
	}
	s.refuseBackups(t, m.Name, first.ID)
	s.testSchedule(t, m.Name)
	read, err := backups.Verify(s.ctx(t), m.Name, second.ID)
	must(t, "verify", err)
	if read.Verified.IsZero() || read.Broken != "" {
		t.Errorf("read %+v", read)
	}
	must(t, "remove a backup", backups.Remove(s.ctx(t), m.Name, second.ID))
	refused(t, "remove it again", backups.Remove(s.ctx(t), m.Name, second.ID), fusion.ErrNotFound)
	must(t, "remove the machine", machines.Remove(s.ctx(t), m.Name))
	s.restoreGone(t, m, first.ID)
}

// restoreGone brings a machine back that was removed.
func (s *suite) restoreGone(t *testing.T, m fusion.Machine, id string) {
	t.Helper()
	backups := s.host.Backups()
	name := fresh("restored")
	t.Cleanup(func() { s.discard(t, name) })
	got, err := backups.Restore(s.ctx(t), m.Name, id, fusion.RestoreSpec{As: name})
	must(t, "restore as another", err)
	if got.Name != name || got.UUID == m.UUID {
		t.Errorf("restored %+v of %+v", got, m)
	}
	_, err = backups.Restore(s.ctx(t), m.Name, id, fusion.RestoreSpec{As: name})
	refused(t, "restore as it again", err, fusion.ErrExists)
	if _, err = backups.Restore(s.ctx(t), m.Name, id, fusion.RestoreSpec{}); err == nil {
		t.Error("a machine that is gone was restored in place")
	}
	must(t, "remove the last backup", backups.Remove(s.ctx(t), m.Name, id))
}

func (s *suite) testSchedule(t *testing.T, machine string) {
	t.Helper()
	backups := s.host.Backups()
	spec := fusion.BackupSchedule{Every: fusion.Daily, At: 3 * 60, Keep: fusion.BackupKeep{Last: 7, Weekly: 4}}
	got, err := backups.SetSchedule(s.ctx(t), machine, spec)
	must(t, "schedule", err)
	if got.Schedule != spec || got.Next.Before(time.Now()) || got.Next.After(time.Now().Add(26*time.Hour)) {
		t.Errorf("scheduled %+v", got)
	}
	for _, bad := range []fusion.BackupSchedule{{Every: "yearly"}, {Every: fusion.Daily, At: -1}, {Every: fusion.Daily, At: 1440},
		{Every: fusion.Daily, Keep: fusion.BackupKeep{Last: -1}}} {
		_, err := backups.SetSchedule(s.ctx(t), machine, bad)
		refused(t, "a schedule", err, fusion.ErrInvalid)
	}
	got, err = backups.SetSchedule(s.ctx(t), machine, fusion.BackupSchedule{})
	must(t, "no schedule", err)
	if got.Schedule.Every != fusion.BackupNever || !got.Next.IsZero() {
		t.Errorf("without a schedule there is %+v", got)
	}
}

func (s *suite) refuseBackups(t *testing.T, machine, id string) {
	t.Helper()
	backups := s.host.Backups()
	take := func(machine string) error { _, err := backups.Take(s.ctx(t), machine); return err }
	list := func(machine string) error { _, err := backups.List(s.ctx(t), machine); return err }
	restore := func(id, as string) error {
		_, err := backups.Restore(s.ctx(t), machine, id, fusion.RestoreSpec{As: as})
		return err
	}
	refused(t, "take of self", take(fusion.Self), fusion.ErrUnsupported)
	refused(t, "take of none", take(fresh("none")), fusion.ErrNotFound)
	refused(t, "list of self", list(fusion.Self), fusion.ErrUnsupported)
	refused(t, "list of none", list(fresh("none")), fusion.ErrNotFound)
	refused(t, "restore of none", restore("none", ""), fusion.ErrNotFound)
	refused(t, "restore of a path", restore("../x", ""), fusion.ErrNotFound)
	refused(t, "restore as a machine that is there", restore(id, machine), fusion.ErrExists)
	for _, bad := range badNames {
		if bad != "" { // the machine itself
			refused(t, "restore as "+bad, restore(id, bad), fusion.ErrInvalid)
		}
	}
	away := backups.At(fusion.BackupPlace{At: "nobody"})
	_, err := away.Take(s.ctx(t), machine)
	refused(t, "take to a host that is not paired", err, fusion.ErrNotFound)
	_, err = away.Restore(s.ctx(t), machine, id, fusion.RestoreSpec{As: fresh("none")})
	refused(t, "restore from a host that is not paired", err, fusion.ErrNotFound)
	_, err = away.Verify(s.ctx(t), machine, id)
	refused(t, "verify at a host that is not paired", err, fusion.ErrNotFound)
	refused(t, "remove at a host that is not paired", away.Remove(s.ctx(t), machine, id), fusion.ErrNotFound)
	_, err = backups.At(fusion.BackupPlace{Of: "nobody"}).Restore(s.ctx(t), machine, id, fusion.RestoreSpec{As: fresh("none")})
	refused(t, "restore what is not kept", err, fusion.ErrNotFound)
	kept, err := backups.Kept(s.ctx(t), "", "")
	must(t, "kept", err)
	if len(kept) != 0 {
		t.Errorf("it keeps %+v", kept)
	}
	_, err = backups.SetSchedule(s.ctx(t), fusion.Self, fusion.BackupSchedule{})
	refused(t, "schedule of self", err, fusion.ErrUnsupported)
	_, err = backups.SetSchedule(s.ctx(t), fresh("none"), fusion.BackupSchedule{})
	refused(t, "schedule of none", err, fusion.ErrNotFound)
}
