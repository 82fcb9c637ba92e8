package vmctl

import (
	"errors"

	"hither/fusion"
)

// shelf is where a backup goes that is being made: the machine's own vault (home), or that
// of another host (afar, backup_away.go). Its methods are called in this order; undo when
// one of them, or what is between them, fails.
type shelf interface {
	// open makes it ready and names the backup in t.made.ID.
	open(t *taking) error
	// mark begins the names of the checkpoints of backups there.
	mark() string
	// earlier gives the newest backup there that one of these checkpoints goes back to, nil
	// for none.
	earlier(t *taking, marks []string) (*backupManifest, error)
	// begin is told that all sources are known.
	begin(t *taking) error
	// disk keeps what is read of the i-th source.
	disk(t *taking, i int, src backupSource) error
	// keep makes a backup of it, and completes t.made.
	keep(t *taking) error
	// undo clears away what was kept.
	undo(t *taking) error
	// named says in a backup where it is.
	named(b fusion.Backup) fusion.Backup
}

// shelf gives the one at a host, "" for this one. keep is the schedule's rule, or nil.
func (s *Store) shelf(at fusion.HostID, keep *fusion.BackupKeep) (shelf, error) {
	if at == "" || at == s.config.ID {
		return &home{s: s}, nil
	}
	k, err := s.keeper(opBackup, at)
	if err != nil {
		return nil, err
	}
	return &afar{s: s, keeper: k, rule: keep}, nil
}

// home is the machine's vault on this host.
type home struct {
	s *Store
	*vault
}

func (h *home) open(t *taking) (err error) {
	if h.vault, err = openVault(h.s.vaultDir(t.r.uuid)); err != nil {
		return err
	}
	t.made.ID = h.newID(t.made.Created)
	return h.s.tidy(h.vault, t.r.uuid)
}

func (h *home) mark() string { return checkpointPrefix }

func (h *home) earlier(t *taking, marks []string) (*backupManifest, error) {
	all, err := h.manifests()
	return t.sameAs(all, marks), err
}

func (h *home) begin(t *taking) error { return h.s.roomIn(opBackup, t.r.shown, h.dir, 0) }

func (h *home) disk(t *taking, i int, src backupSource) error {
	sums := make([]chunkSum, (src.size+chunkSize-1)/chunkSize)
	if t.since != nil {
		base, err := h.sums(*t.since, i)
		if err != nil {
			return err
		}
		copy(sums, base)
	}
	buffer := make([]byte, chunkSize)
	err := t.each(src, func(n int, _ []extent, read func([]byte) error) error {
		chunk := buffer[:chunkLength(src.size, n)]
		if err := h.get(sums[n], chunk); err != nil {
			return errors.Join(err, h.condemn(err))
		}
		if err := read(chunk); err != nil {
			return err
		}
		sum, took, err := h.put(chunk)
		sums[n] = sum
		t.made.AddedBytes += took
		return err
	})
	if err != nil {
		return err
	}
	t.made.DataBytes += dataBytes(src.size, sums)
	t.made.Disks[i].Sums, err = h.writeSums(t.made.list(i), sums)
	return err
}

// dataBytes is what a disk of these chunks holds, without its empty parts.
func dataBytes(size int64, sums []chunkSum) (bytes int64) {
	for n, sum := range sums {
		if sum != (chunkSum{}) {
			bytes += int64(chunkLength(size, n))
		}
	}
	return bytes
}

func (h *home) keep(t *taking) error {
	// What is named must be on the disk before the name is.
	if err := syncAll(h.dir); err != nil {
		return err
	}
	if err := t.ctx.Err(); err != nil {
		return err
	}
	if err := h.write(t.made); err != nil {
		return err
	}
	_, err := h.s.schedules.change(t.r.uuid, func(st *backupState) { st.Machine, st.Stored = t.r.shown, st.Stored+t.made.AddedBytes })
	if err != nil {
		h.s.config.Log.Warn("what backups take is not known", "machine", t.r.shown, "error", err)
	}
	return nil
}

func (h *home) undo(t *taking) error { return h.s.tidy(h.vault, t.r.uuid) }

func (h *home) named(b fusion.Backup) fusion.Backup { return b }
