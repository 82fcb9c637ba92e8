package vmctl

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hither/fusion"
	"hither/vmctl/imagepool"
)

// backupManifest is what a backup is, ID.json in its vault. It is written last: without
// it there is no backup.
type backupManifest struct {
	Format  string `json:"format"` // manifestFormat
	Version int    `json:"version"`
	fusion.Backup
	// UUID is the machine's, and Definition what its next start would have been then.
	UUID       string `json:"uuid"`
	Definition string `json:"definition"`
	// Checkpoint is libvirt's name for that moment, from which on QEMU keeps account of
	// what is written; "" where there is none.
	Checkpoint string         `json:"checkpoint,omitempty"`
	Disks      []manifestDisk `json:"disks"`
	// Check is the SHA-256 of all this without Check, Verified and Broken.
	Check string `json:"check"`
}

// manifestDisk is a disk of a backup. Its chunks are listed in ID.N.sums.
type manifestDisk struct {
	Target string `json:"target"`
	Path   string `json:"path"` // where it was
	Size   int64  `json:"size"` // for the guest, in bytes
	Sums   string `json:"sums"` // SHA-256 of the list
}

const (
	manifestFormat  = "hither-backup"
	manifestVersion = 1
	manifestSuffix  = ".json"
)

// seal gives the sum of what must not change.
func (m backupManifest) seal() (string, error) {
	m.Check, m.Verified, m.Broken = "", time.Time{}, ""
	text, err := json.Marshal(m)
	return digest(text), err
}

// write puts a manifest into its place.
func (v *vault) write(m backupManifest) error {
	m.Format, m.Version = manifestFormat, manifestVersion
	check, err := m.seal()
	if err != nil {
		return err
	}
	m.Check = check
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return imagepool.WriteWhole(v.dir, m.ID+manifestSuffix, text)
}

// errForeignBackup says that a backup is not to be understood.
var errForeignBackup = errors.New("it is broken, or of a newer Hither")

func (v *vault) read(id string) (m backupManifest, err error) {
	if err := fusion.CheckName(id); err != nil || id == stateName {
		return m, fs.ErrNotExist
	}
	text, err := os.ReadFile(filepath.Join(v.dir, id+manifestSuffix))
	if err != nil {
		return m, err
	}
	if json.Unmarshal(text, &m) != nil {
		return m, errForeignBackup
	}
	check, err := m.seal()
	if err != nil || m.Format != manifestFormat || m.Version != manifestVersion || m.ID != id || m.Check != check {
		return m, errForeignBackup
	}
	for _, d := range m.Disks {
		if d.Size <= 0 || d.Size > mostDisk {
			return m, errForeignBackup
		}
	}
	return m, nil
}

// manifests gives all backups, newest first. One that cannot be understood has no disks,
// and says in Broken what is wrong.
func (v *vault) manifests() (all []backupManifest, err error) {
	entries, err := os.ReadDir(v.dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return nil, err
	}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), manifestSuffix)
		if !ok || id == stateName || strings.HasPrefix(id, imagepool.Partial) {
			continue
		}
		m, failed := v.read(id)
		switch {
		case errors.Is(failed, errForeignBackup):
			m = backupManifest{Backup: fusion.Backup{ID: id, Broken: failed.Error()}}
			if info, err := e.Info(); err == nil {
				m.Created = info.ModTime()
			}
		case errors.Is(failed, fs.ErrNotExist):
			continue // it was removed meanwhile
		case failed != nil:
			return nil, failed
		}
		all = append(all, m)
	}
	sortManifests(all)
	return all, nil
}

func sortManifests(all []backupManifest) {
	list := backupsOf(all)
	fusion.SortBackups(list)
	place := map[string]int{}
	for i, b := range list {
		place[b.ID] = i
	}
	sorted := make([]backupManifest, len(all))
	for _, m := range all {
		sorted[place[m.ID]] = m
	}
	copy(all, sorted)
}

func backupsOf(all []backupManifest) []fusion.Backup {
	list := make([]fusion.Backup, 0, len(all))
	for _, m := range all {
		list = append(list, m.Backup)
	}
	return list
}

// newID names a backup that is made now.
func (v *vault) newID(now time.Time) string {
	base := now.UTC().Format("20060102-150405")
	id := base
	for n := 2; ; n++ {
		if _, err := os.Lstat(filepath.Join(v.dir, id+manifestSuffix)); errors.Is(err, fs.ErrNotExist) {
			return id
		}
		id = fmt.Sprintf("%s-%d", base, n)
	}
}

// forget removes a backup; its chunks are debris then, as far as no other has them.
func (v *vault) forget(id string) error {
	err := os.Remove(filepath.Join(v.dir, id+manifestSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return err
}

// stateName is the file of what is known of a machine's backups beside them.
const stateName = "state"

// backupState is the schedule of a machine, and what came of it.
type backupState struct {
	Machine  string                `json:"machine"` // its name when this was written
	Schedule fusion.BackupSchedule `json:"schedule"`
	// Since is when the schedule was set, and Tried when it last tried.
	Since  time.Time `json:"since,omitzero"`
	Tried  time.Time `json:"tried,omitzero"`
	Error  string    `json:"error,omitempty"`
	Stored int64     `json:"stored"` // bytes of the vault
}

// state reads the state; a machine without any has the zero one.
func (v *vault) state() (st backupState, err error) {
	text, err := os.ReadFile(filepath.Join(v.dir, stateName+manifestSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return st, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &st)
	}
	return st, err
}

func (v *vault) writeState(st backupState) error {
	text, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return err
	}
	return imagepool.WriteWhole(v.dir, stateName+manifestSuffix, text)
}
