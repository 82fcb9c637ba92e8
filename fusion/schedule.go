package fusion

import (
	"fmt"
	"time"
)

// BackupEvery is how often a schedule takes a backup.
type BackupEvery string

const (
	BackupNever BackupEvery = ""
	Hourly      BackupEvery = "hourly"
	Daily       BackupEvery = "daily"
	Weekly      BackupEvery = "weekly"  // on Sunday
	Monthly     BackupEvery = "monthly" // on the first
)

// BackupSchedule says when backups of a machine are taken, and which of them stay.
type BackupSchedule struct {
	Every BackupEvery `json:"every"`
	// At is the minute of the day by the clock of the machine's host; of an hourly
	// schedule only the minute of the hour counts.
	At   int        `json:"at"`
	Keep BackupKeep `json:"keep"`
	// To is the host that keeps them, "" for the machine's own.
	To HostID `json:"to,omitempty"`
}

// BackupKeep says which backups of the schedule stay: the last ones, and the last of each
// day, week (which begins on Monday) and month, for so many of them. Zero keeps all.
// Those that a person took always stay.
type BackupKeep struct {
	Last    int `json:"last"`
	Daily   int `json:"daily"`
	Weekly  int `json:"weekly"`
	Monthly int `json:"monthly"`
}

// mostKept bounds each number of a BackupKeep.
const mostKept = 10000

// Check returns an error with cause ErrInvalid for a schedule that is none.
func (s BackupSchedule) Check() error {
	invalid := func(detail, hint string) error {
		return &Error{Op: "machine.schedule", Cause: ErrInvalid, Detail: detail, Hint: hint}
	}
	switch s.Every {
	case BackupNever, Hourly, Daily, Weekly, Monthly:
	default:
		return invalid("there is no such schedule", "it can be hourly, daily, weekly or monthly")
	}
	if s.At < 0 || s.At >= 24*60 {
		return invalid("there is no such time of day", "give it from 00:00 to 23:59")
	}
	for _, n := range []int{s.Keep.Last, s.Keep.Daily, s.Keep.Weekly, s.Keep.Monthly} {
		if n < 0 || n > mostKept {
			return invalid("a number of backups to keep is out of range", fmt.Sprintf("give it from 0 to %d", mostKept))
		}
	}
	return nil
}

// Next is the first time of the schedule after a moment, by the clock of its zone; zero
// for one that takes none. An hour that a day does not have is the one after it.
func (s BackupSchedule) Next(after time.Time) time.Time {
	y, m, d := after.Date()
	at := func(month time.Month, day, hour int) time.Time {
		return time.Date(y, month, day, hour, s.At%60, 0, 0, after.Location())
	}
	for n := range 32 {
		var t time.Time
		switch s.Every {
		case Hourly:
			t = after.Truncate(time.Minute).Add(time.Duration((s.At%60-after.Minute()+60)%60) * time.Minute).Add(time.Duration(n) * time.Hour)
		case Daily:
			t = at(m, d+n, s.At/60)
		case Weekly:
			t = at(m, d+n, s.At/60)
			if t.Weekday() != time.Sunday {
				continue
			}
		case Monthly:
			t = at(m+time.Month(n), 1, s.At/60)
		default:
			return time.Time{}
		}
		if t.After(after) {
			return t
		}
	}
	return time.Time{}
}

// Surplus gives the backups of a list, newest first, that no rule of k keeps. Backups
// that a person took, and broken ones, count for none; days are those of zone.
func (k BackupKeep) Surplus(list []Backup, zone *time.Location) (surplus []Backup) {
	if k == (BackupKeep{}) {
		return nil
	}
	rules := []struct {
		left int
		name func(time.Time) string
		seen map[string]bool
	}{
		{k.Last, func(t time.Time) string { return t.String() }, map[string]bool{}},
		{k.Daily, func(t time.Time) string { return t.Format(time.DateOnly) }, map[string]bool{}},
		{k.Weekly, func(t time.Time) string { y, w := t.ISOWeek(); return fmt.Sprint(y, "-", w) }, map[string]bool{}},
		{k.Monthly, func(t time.Time) string { return t.Format("2006-01") }, map[string]bool{}},
	}
	for _, b := range list {
		if !b.Scheduled {
			continue
		}
		kept := false
		for i := range rules {
			r := &rules[i]
			name := r.name(b.Created.In(zone))
			if b.Broken != "" || r.left == 0 || r.seen[name] {
				continue
			}
			r.seen[name] = true
			r.left--
			kept = true
		}
		if !kept {
			surplus = append(surplus, b)
		}
	}
	return surplus
}
