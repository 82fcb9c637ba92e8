package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hither/fusion"
)

func backupCommand(g *globals) *cobra.Command {
	return group("backup", "Keep a virtual machine's disks as they are, by hand or by a schedule, and bring them back",
		backupLs(g), backupTake(g), backupRestore(g), backupVerify(g), backupRm(g), backupSchedule(g), backupKept(g))
}

func backupTake(g *globals) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use: "take MACHINE", Short: "Keep a machine's disks on its host or another one; one that runs goes on meanwhile", Args: exactly("MACHINE"),
		Long: "Keep a machine's definition and disks, without its memory: on the disk of its host, or with\n" +
			"--to on another host that is paired with it and allows it machines there. Whoever has that\n" +
			"host can read what is kept, as it is not encrypted; only what is new goes over the network. A\n" +
			"machine that runs goes on meanwhile, and with a guest agent its file systems stand still\n" +
			"for the moment that is kept. What backups of a machine have in common is kept once, and\n" +
			"of a running machine with qcow2 disks only what was written since the last one is read.\n" +
			"Each backup is whole by itself: any of them can be removed.",
		Example: "  hither machine backup take laptop/web --to nas",
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := g.flaggedHost(cmd.Context(), to)
			if err != nil {
				return err
			}
			return g.onBackups(cmd, args[0], "machine.backup", func(ctx context.Context, b fusion.Backups, machine string) (any, func(io.Writer) error, error) {
				made, err := b.At(fusion.BackupPlace{At: at}).Take(ctx, machine)
				return made, func(w io.Writer) error { return printBackups(w, []fusion.Backup{made}, ownHost) }, err
			})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "keep it on this `HOST`")
	return cmd
}

// onBackups does something with the backups of a machine, which may take long, and shows
// what came of it.
func (g *globals) onBackups(cmd *cobra.Command, text, op string, do func(context.Context, fusion.Backups, string) (any, func(io.Writer) error, error)) error {
	address, host, err := g.target(cmd.Context(), text)
	if err != nil {
		return err
	}
	var value any
	var human func(io.Writer) error
	err = following(cmd, host, op, address.Machine, func(ctx context.Context) (err error) {
		value, human, err = do(ctx, host.Backups(), address.Machine)
		return err
	})
	if err != nil {
		return err
	}
	return g.show(cmd, value, human)
}

func backupLs(g *globals) *cobra.Command {
	var p places
	cmd := &cobra.Command{
		Use: "ls MACHINE", Short: "List a machine's backups, and what its schedule does; also of one that is gone", Args: exactly("MACHINE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, backups, machine, err := g.placed(cmd.Context(), args[0], p)
			if err != nil {
				return err
			}
			list, err := backups.List(cmd.Context(), machine)
			if err != nil {
				return err
			}
			return g.show(cmd, list.Backups, func(w io.Writer) error {
				return errors.Join(printBackups(w, list.Backups, cmp.Or(p.from, ownHost)), printKeepers(w, list), printSchedule(w, list))
			})
		},
	}
	p.flag(cmd, "ask the `HOST` that keeps them, as when the machine's own is gone")
	return cmd
}

// shownSchedule is what schedule prints as JSON.
type shownSchedule struct {
	fusion.BackupSchedule
	Next        time.Time `json:"next,omitzero"`
	Last        time.Time `json:"last,omitzero"`
	Error       string    `json:"error,omitempty"`
	StoredBytes int64     `json:"storedBytes"`
}

func (g *globals) showSchedule(cmd *cobra.Command, l fusion.BackupList) error {
	return g.show(cmd, shownSchedule{l.Schedule, l.Next, l.Last, l.Error, l.StoredBytes}, func(w io.Writer) error { return printSchedule(w, l) })
}

func printSchedule(w io.Writer, l fusion.BackupList) error {
	return fields(w, "schedule", scheduleText(l.Schedule), "on", keeperName(l), "next", localTime(l.Next), "last tried", localTime(l.Last),
		"failed", l.Error, "all take", bytesText(l.StoredBytes))
}

// keeperName names the host to which a schedule goes, "" when that is the machine's own.
func keeperName(l fusion.BackupList) string {
	for _, k := range l.Keepers {
		if k.ID == l.Schedule.To {
			return k.Name
		}
	}
	return string(l.Schedule.To)
}

func localTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04")
}

// ownHost stands for the machine's own host.
const ownHost = "its host"

// printBackups shows backups; where says where those lie that name no host.
func printBackups(w io.Writer, list []fusion.Backup, where string) error {
	t := newTable("BACKUP", "TAKEN", "KIND", "MACHINE WAS", "HOLDS", "ADDED", "VERIFIED", "BY", "WHERE")
	for _, b := range list {
		verified, by := ago(time.Now(), b.Verified), "hand"
		if b.Broken != "" {
			verified = "broken: " + b.Broken
		}
		if b.Scheduled {
			by = "schedule"
		}
		t.add(b.ID, localTime(b.Created), string(b.Kind), string(b.State), bytesText(b.DataBytes), bytesText(b.AddedBytes), verified, by, cmp.Or(b.Where, where))
	}
	return t.write(w)
}

func backupRestore(g *globals) *cobra.Command {
	var spec fusion.RestoreSpec
	var p places
	cmd := &cobra.Command{
		Use: "restore MACHINE BACKUP", Short: "Bring a backup back: into the machine, which must be off, or as a new one", Args: exactly("MACHINE", "BACKUP"),
		Long: "Bring a backup back. Without --as the machine becomes what it was: it must be off, and\n" +
			"the disks that it has go once the old ones are whole again. With --as it becomes a new\n" +
			"machine on the same host, with a UUID and network addresses of its own. All that is read\n" +
			"is checked against what was written.\n\n" +
			"When the machine's host is gone, --on makes a new machine on the host that keeps the backup,\n" +
			"or with --from HOST on any other one. It gets sizes, disks and network cards as they were, and\n" +
			"user-mode networking: nothing that another host says of paths, networks and devices is believed.",
		Example: "  hither machine backup restore nas/web 20261129-030000 --as web-before\n" +
			"  hither machine backup restore laptop/web 20261129-030000 --on nas --as web",
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.onBackup(cmd, args[0], args[1], "machine.restore", p, func(ctx context.Context, b fusion.Backups, machine string) (any, func(io.Writer) error, error) {
				m, err := b.Restore(ctx, machine, args[1], spec)
				sound(&m)
				return m, func(w io.Writer) error {
					return fields(w, "address", m.Address, "state", string(m.State), "uuid", m.UUID)
				}, err
			})
		},
	}
	cmd.Flags().StringVar(&spec.As, "as", "", "make a new machine of this `NAME`")
	cmd.Flags().BoolVar(&spec.Start, "start", false, "start it at once")
	cmd.Flags().StringVar(&p.on, "on", "", "make the new machine on this `HOST`")
	p.flag(cmd, "the `HOST` that keeps the backup, when it is not that one")
	return cmd
}

func backupVerify(g *globals) *cobra.Command {
	var p places
	cmd := &cobra.Command{
		Use: "verify MACHINE BACKUP", Short: "Read all of a backup, and see that it is what was written", Args: exactly("MACHINE", "BACKUP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			broken := ""
			err := g.onBackup(cmd, args[0], args[1], "machine.backup.verify", p, func(ctx context.Context, b fusion.Backups, machine string) (any, func(io.Writer) error, error) {
				read, err := b.Verify(ctx, machine, args[1])
				broken = read.Broken
				return read, func(w io.Writer) error { return printBackups(w, []fusion.Backup{read}, cmp.Or(p.from, ownHost)) }, err
			})
			if err == nil && broken != "" {
				return &fusion.Error{Op: "machine.backup.verify", Path: args[0] + "/" + args[1], Cause: fusion.ErrInvalid, Detail: broken,
					Hint: "take a new backup: hither machine backup take " + args[0]}
			}
			return err
		},
	}
	p.flag(cmd, "ask the `HOST` that keeps it, as when the machine's own is gone")
	return cmd
}

func backupRm(g *globals) *cobra.Command {
	var p places
	cmd := &cobra.Command{
		Use: "rm MACHINE BACKUP", Short: "Remove a backup; the others stay whole", Args: exactly("MACHINE", "BACKUP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, backups, machine, err := g.placed(cmd.Context(), args[0], p)
			if err == nil && p == (places{}) {
				backups, err = located(cmd.Context(), backups, machine, args[1])
			}
			if err != nil {
				return err
			}
			return backups.Remove(cmd.Context(), machine, args[1])
		},
	}
	p.flag(cmd, "ask the `HOST` that keeps it, as when the machine's own is gone")
	return cmd
}

const midnight = "00:00"

func backupSchedule(g *globals) *cobra.Command {
	var every, at, to string
	var keep fusion.BackupKeep
	var off bool
	cmd := &cobra.Command{
		Use: "schedule MACHINE", Short: "Say when backups of a machine are taken, and which stay; without flags show that, --off ends it", Args: exactly("MACHINE"),
		Long: "Say when backups of a machine are taken by itself, by the clock of its host, and which of\n" +
			"those stay: the last ones, and the last of each day, week and month. Without any --keep\n" +
			"all stay, and those taken by hand always do. A backup whose time passed while the host\n" +
			"was off is taken when it is on again. Weekly is on Sunday, monthly on the first.",
		Example: "  hither machine backup schedule nas/web --every daily --at 03:00 --keep-last 7 --keep-weekly 4",
		RunE: func(cmd *cobra.Command, args []string) error {
			schedule, err := scheduleOf(every, at, keep, off)
			if err == nil && every == "" && to != "" {
				err = usageHint("--every is missing", "say how often, as in --every daily, or --off")
			}
			if err == nil {
				schedule.To, err = g.flaggedHost(cmd.Context(), to)
			}
			if err != nil {
				return err
			}
			address, host, err := g.target(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var list fusion.BackupList
			if off || every != "" {
				list, err = host.Backups().SetSchedule(cmd.Context(), address.Machine, schedule)
			} else {
				list, err = host.Backups().List(cmd.Context(), address.Machine)
			}
			if err != nil {
				return err
			}
			return g.showSchedule(cmd, list)
		},
	}
	f := cmd.Flags()
	f.StringVar(&every, "every", "", "hourly, daily, weekly or monthly")
	f.StringVar(&at, "at", midnight, "the `TIME` of day; of an hourly schedule the minute counts")
	f.IntVar(&keep.Last, "keep-last", 0, "keep the last so many")
	f.IntVar(&keep.Daily, "keep-daily", 0, "keep the last of each day, for so many days")
	f.IntVar(&keep.Weekly, "keep-weekly", 0, "keep the last of each week, for so many weeks")
	f.IntVar(&keep.Monthly, "keep-monthly", 0, "keep the last of each month, for so many months")
	f.StringVar(&to, "to", "", "keep them on this `HOST`")
	f.BoolVar(&off, "off", false, "take none any more")
	return cmd
}

func scheduleOf(every, at string, keep fusion.BackupKeep, off bool) (fusion.BackupSchedule, error) {
	switch {
	case off && every != "":
		return fusion.BackupSchedule{}, usageHint("--off and --every exclude each other", "leave one of them out")
	case off:
		return fusion.BackupSchedule{}, nil
	case every == "" && (at != midnight || keep != fusion.BackupKeep{}):
		return fusion.BackupSchedule{}, usageHint("--every is missing", "say how often, as in --every daily, or --off")
	}
	t, err := time.Parse("15:04", at)
	if err != nil {
		return fusion.BackupSchedule{}, usageHint("--at is no time of day: "+printable(at), "give it as 03:00")
	}
	s := fusion.BackupSchedule{Every: fusion.BackupEvery(every), At: t.Hour()*60 + t.Minute(), Keep: keep}
	if err := s.Check(); err != nil {
		return s, usage(err)
	}
	return s, nil
}

// scheduleText is "daily at 03:00, keeps the last 7, 4 weeks".
func scheduleText(s fusion.BackupSchedule) string {
	var text string
	switch s.Every {
	case fusion.BackupNever:
		return "none"
	case fusion.Hourly:
		text = fmt.Sprintf("hourly at minute %d", s.At%60)
	default:
		text = fmt.Sprintf("%s at %02d:%02d", s.Every, s.At/60, s.At%60)
	}
	var kept []string
	for _, k := range []struct {
		count int
		text  string
	}{{s.Keep.Last, "the last %d"}, {s.Keep.Daily, "%d days"}, {s.Keep.Weekly, "%d weeks"}, {s.Keep.Monthly, "%d months"}} {
		if k.count > 0 {
			kept = append(kept, fmt.Sprintf(k.text, k.count))
		}
	}
	if len(kept) == 0 {
		return text + ", keeps all"
	}
	return text + ", keeps " + strings.Join(kept, ", ")
}
