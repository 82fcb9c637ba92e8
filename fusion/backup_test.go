package fusion

import (
	"slices"
	"testing"
	"time"
)

func TestScheduleNext(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		when, err := time.ParseInLocation("2006-01-02 15:04:05", text, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	three := 3 * 60
	for _, c := range []struct {
		s           BackupSchedule
		after, want string
	}{
		{BackupSchedule{Every: Hourly, At: 15}, "2026-11-29 10:14:59", "2026-11-29 10:15:00"},
		{BackupSchedule{Every: Hourly, At: 15}, "2026-11-29 10:15:00", "2026-11-29 11:15:00"},
		{BackupSchedule{Every: Hourly, At: 15}, "2026-11-29 10:15:30", "2026-11-29 11:15:00"},
		{BackupSchedule{Every: Daily, At: three}, "2026-11-29 02:59:59", "2026-11-29 03:00:00"},
		{BackupSchedule{Every: Daily, At: three}, "2026-11-29 03:00:00", "2026-11-30 03:00:00"},
		{BackupSchedule{Every: Daily, At: three}, "2026-12-31 23:00:00", "2027-01-01 03:00:00"},
		{BackupSchedule{Every: Weekly, At: three}, "2026-11-29 02:00:00", "2026-11-29 03:00:00"}, // a Sunday
		{BackupSchedule{Every: Weekly, At: three}, "2026-11-29 03:00:00", "2026-12-06 03:00:00"},
		{BackupSchedule{Every: Monthly, At: three}, "2026-11-29 10:00:00", "2026-12-01 03:00:00"},
		{BackupSchedule{Every: Monthly, At: three}, "2027-01-31 10:00:00", "2027-02-01 03:00:00"},
		// The clock goes forward from 2 to 3, and back from 3 to 2.
		{BackupSchedule{Every: Daily, At: 2*60 + 30}, "2027-03-27 10:00:00", "2027-03-28 03:30:00"},
		{BackupSchedule{Every: Daily, At: 2*60 + 30}, "2027-03-28 10:00:00", "2027-03-29 02:30:00"},
	} {
		if got := c.s.Next(at(c.after)); !got.Equal(at(c.want)) {
			t.Errorf("%s at %d after %s is %v, want %s", c.s.Every, c.s.At, c.after, got, c.want)
		}
	}
	if got := (BackupSchedule{At: three}).Next(at("2026-11-29 10:00:00")); !got.IsZero() {
		t.Errorf("no schedule is due at %v", got)
	}
}

func TestBackupsThatStay(t *testing.T) {
	// Two a day for 70 days, the newest on a Monday evening; and one that a person took.
	newest := time.Date(2026, 11, 30, 20, 0, 0, 0, time.UTC)
	var list []Backup
	for n := range 140 {
		list = append(list, Backup{ID: newest.Add(-time.Duration(n) * 12 * time.Hour).Format("0102-15"), Created: newest.Add(-time.Duration(n) * 12 * time.Hour), Scheduled: true})
	}
	list = append(list, Backup{ID: "by hand", Created: newest.AddDate(-1, 0, 0)})
	stay := func(k BackupKeep) (ids []string) {
		surplus := k.Surplus(list, time.UTC)
		for _, b := range list {
			if b.Scheduled && !slices.ContainsFunc(surplus, func(s Backup) bool { return s.ID == b.ID }) {
				ids = append(ids, b.ID)
			}
		}
		return ids
	}
	for _, c := range []struct {
		keep BackupKeep
		want []string
	}{
		{BackupKeep{Last: 3}, []string{"1130-20", "1130-08", "1129-20"}},
		{BackupKeep{Daily: 3}, []string{"1130-20", "1129-20", "1128-20"}},
		{BackupKeep{Weekly: 3}, []string{"1130-20", "1129-20", "1122-20"}},
		{BackupKeep{Monthly: 2}, []string{"1130-20", "1031-20"}},
		{BackupKeep{Last: 2, Weekly: 2}, []string{"1130-20", "1130-08", "1129-20"}},
	} {
		if got := stay(c.keep); !slices.Equal(got, c.want) {
			t.Errorf("%+v keeps %v, want %v", c.keep, got, c.want)
		}
	}
	if got := stay(BackupKeep{}); len(got) != 140 {
		t.Errorf("without a rule %d stay", len(got))
	}
	list[0].Broken = "it is"
	if got := stay(BackupKeep{Last: 2}); !slices.Equal(got, []string{"1130-08", "1129-20"}) {
		t.Errorf("with a broken one %v stay", got)
	}
}
