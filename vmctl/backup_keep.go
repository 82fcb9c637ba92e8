package vmctl

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"time"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/domxml"
	"hither/vmctl/imagepool"
)

// A host keeps backups of other hosts' machines in Dir/kept/HOST/UUID, a vault as those of
// its own. HOST is the paired key that the stream proved, so none reaches into another's;
// everything else that comes is checked, bounded, or only compared.

const opKeep = "backup.keep"

const (
	// keptSpare is what backups of others leave free on this host's disk, in bytes.
	keptSpare = 1 << 30
	// mostKeptBytes bounds the disks of a machine that is kept, in bytes together: the list of
	// their chunks is in memory.
	mostKeptBytes = 8 << 40
	// mostKeeps is how many may be on their way here at once.
	mostKeeps = 8
	// mostVaults bounds the machines of one host, and mostBackups the backups of one machine.
	mostVaults, mostBackups = 1000, 10_000
	// mostPath bounds the path of a disk, which is only compared.
	mostPath = 4096
)

var (
	uuidForm   = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	targetForm = regexp.MustCompile(`^[a-z]{2,8}[a-z0-9]{0,8}$`)
	backupForm = regexp.MustCompile(`^[0-9]{8}-[0-9]{6}(-[0-9]{1,6})?$`)
)

// ServeBackups serves a stream of another host: a backup that comes or goes. may says what
// that host may do here. It closes conn in the end.
func (s *Store) ServeBackups(ctx context.Context, from fusion.HostID, may func(fusion.Capability) bool, conn net.Conn) (err error) {
	defer func() { err = errors.Join(err, conn.Close()) }()
	stop := along(ctx, conn)
	defer stop()
	f, err := newFabric(conn)
	if err != nil {
		return err
	}
	var r keepRequest
	if err := f.hear(frameRequest, &r); err != nil {
		return err
	}
	err = s.serveBackups(ctx, f, from, may, r)
	if err == nil || errors.As(err, new(lost)) {
		return err
	}
	if said := f.say(frameAnswer, keepAnswer{Error: describeError(err)}); said != nil {
		return errors.Join(err, said)
	}
	// What the other host had on its way is let in, so that it comes to read why.
	if conn.SetReadDeadline(time.Now().Add(framePause)) == nil {
		_, _ = io.CopyN(io.Discard, f.in, mostPieces*2*chunkSize)
	}
	return err
}

func (s *Store) serveBackups(ctx context.Context, f *fabric, from fusion.HostID, may func(fusion.Capability) bool, r keepRequest) error {
	need := fusion.MachinesCap
	if r.Of != "" && r.Of != from { // what another host left here
		need = fusion.AdminCap
	}
	if fusion.CheckName(string(from)) != nil {
		return errOddFrame
	}
	f.allowed = func() error {
		if may(need) {
			return nil
		}
		return &fusion.Error{Op: opKeep, Cause: fusion.ErrPermission, Detail: "that computer does not allow it: keeping backups there needs " + string(need),
			Hint: "on that computer: hither host grant HOST +" + string(need)}
	}
	if err := f.allowed(); err != nil {
		return err
	}
	switch r.Do {
	case doAsk:
		return s.answerAsk(f, from, r)
	case doKeep:
		return s.keepFor(ctx, f, from, r)
	case doRead:
		return s.readFor(ctx, f, from, r)
	}
	return errOddFrame
}

// kept is the directory of what is kept for other hosts.
func (c Config) kept() string { return filepath.Join(c.Dir, "kept") }

func (s *Store) keptDir(of fusion.HostID, uuid string) string {
	return filepath.Join(s.config.kept(), string(of), uuid)
}

// soundKeep refuses what is no machine, or too large.
func (s *Store) soundKeep(from fusion.HostID, r keepRequest) error {
	var bytes int64
	for _, d := range r.Disks {
		if !targetForm.MatchString(d.Target) || d.Size <= 0 || d.Size > mostDisk || len(d.Path) > mostPath {
			return errOddFrame
		}
		bytes += d.Size // at most maxDisks times mostDisk
	}
	entries, err := os.ReadDir(filepath.Join(s.config.kept(), string(from)))
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case !uuidForm.MatchString(r.Machine), fusion.CheckName(r.Name) != nil, len(r.Disks) > domxml.MaxDisks, len(r.Marks) > mostPieces:
		return errOddFrame
	case bytes > mostKeptBytes:
		return invalid(opKeep, r.Name, "its disks are too large for another computer: "+imagepool.BytesText(mostKeptBytes)+" at most", "back it up on its own host")
	case len(entries) >= mostVaults && !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == r.Machine }):
		return invalid(opKeep, r.Name, "too many machines of that host are kept", "remove backups of machines that are gone")
	}
	return s.keptRoom(r.Name)
}

// keptRoom refuses when no room is left for what is another's.
func (s *Store) keptRoom(name string) error {
	dir := s.config.kept()
	if _, err := os.Stat(dir); err != nil {
		dir = s.config.Dir // it is made with the first one
	}
	free, err := computer.FreeBytes(dir)
	if err != nil || free >= s.config.keptSpare {
		return err
	}
	return s.keptFull(name)
}

func (s *Store) keptFull(name string) error {
	return invalid(opKeep, name, "the disk of the computer that keeps it is full", "remove backups there, or keep them on another computer")
}

// answerAsk says whether a backup may come, and which of those here it may go back to.
func (s *Store) answerAsk(f *fabric, from fusion.HostID, r keepRequest) error {
	if err := s.soundKeep(from, r); err != nil {
		return err
	}
	all, err := (&vault{dir: s.keptDir(from, r.Machine)}).manifests()
	if err != nil {
		return err
	}
	var answer keepAnswer
	for _, m := range all {
		if m.Checkpoint != "" && m.Broken == "" && slices.Contains(r.Marks, m.Checkpoint) {
			m.Definition = ""
			answer.Base = &m
			break
		}
	}
	return f.say(frameAnswer, answer)
}

// arrivingBackup is a backup on its way here.
type arrivingBackup struct {
	s     *Store
	f     *fabric
	r     keepRequest
	vault *vault
	base  *backupManifest // that patches are laid over, or nil
	made  backupManifest
	disk  int        // whose chunks come
	sums  []chunkSum // of that disk, nil before it began
	buf   []byte     // of a chunk
}

// openMark is the file in a vault that says that something comes; clear removes it.
const openMark = imagepool.Partial + "open"

// keepFor keeps a backup that comes.
func (s *Store) keepFor(ctx context.Context, f *fabric, from fusion.HostID, r keepRequest) (err error) {
	if err := s.soundKeep(from, r); err != nil {
		return err
	}
	if s.keeping.Add(1) > mostKeeps {
		s.keeping.Add(-1)
		return busyKept(r.Name)
	}
	defer s.keeping.Add(-1)
	dir := s.keptDir(from, r.Machine)
	release, ok := s.claims.Take("kept", dir)
	if !ok {
		return busyKept(r.Name)
	}
	defer release()
	a := &arrivingBackup{s: s, f: f, r: r, buf: make([]byte, chunkSize)}
	if a.vault, err = openVault(dir); err != nil {
		return err
	}
	a.vault.spare = s.config.keptSpare
	defer func() {
		if err != nil {
			err = errors.Join(a.explain(err), s.clearVault(a.vault))
		}
	}()
	if err := a.begin(); err != nil {
		return err
	}
	if err := f.say(frameAnswer, keepAnswer{}); err != nil {
		return err
	}
	made, err := a.receive(ctx)
	if err != nil {
		return err
	}
	s.config.Log.Info("backup kept", "of", from, "machine", r.Name, "backup", made.ID, "kind", a.made.Kind, "added", made.AddedBytes)
	if err := f.say(frameAnswer, keepAnswer{Made: &made}); err != nil {
		// It is whole, and its host finds it in the list.
		s.config.Log.Warn("a host does not know that its backup is kept", "of", from, "machine", r.Name, "backup", made.ID, "error", err)
	}
	return nil
}

func busyKept(name string) error {
	return &fusion.Error{Op: opKeep, Path: name, Cause: fusion.ErrBusy, Detail: "something is being done with its backups on the computer that keeps them",
		Hint: "wait until it has ended"}
}

func (a *arrivingBackup) explain(err error) error {
	switch {
	case errors.Is(err, errNoSpace), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return a.s.keptFull(a.r.Name)
	case errors.Is(err, errBrokenChunk):
		return &fusion.Error{Op: opKeep, Path: a.r.Name, Cause: errBrokenChunk, Detail: "an earlier backup is broken", Hint: "take it again: then all is read"}
	}
	return err
}

// clearVault removes what belongs to no backup, and the vault when it has none.
func (s *Store) clearVault(v *vault) error {
	all, err := v.manifests()
	if err == nil && len(all) == 0 {
		return os.RemoveAll(v.dir)
	}
	if err == nil {
		_, err = v.clear()
	}
	return err
}

// clearKept clears away what a killed node had not whole.
func (s *Store) clearKept() {
	left, err := filepath.Glob(filepath.Join(s.config.kept(), "*", "*", openMark))
	for _, mark := range left {
		dir := filepath.Dir(mark)
		release, ok := s.claims.Take("kept", dir)
		if !ok {
			continue // who works there clears it
		}
		v, failed := openVault(dir)
		if failed == nil {
			failed = s.clearVault(v)
		}
		release()
		err = errors.Join(err, failed)
	}
	if err != nil {
		s.config.Log.Warn("some of a backup of another host stays", "error", err)
	}
}

// begin clears away what was left, and looks at what there is.
func (a *arrivingBackup) begin() error {
	if _, err := a.vault.clear(); err != nil {
		return err
	}
	all, err := a.vault.manifests()
	if err != nil {
		return err
	}
	if len(all) >= mostBackups {
		return invalid(opKeep, a.r.Name, "too many backups of it are kept", "remove some of them")
	}
	if !backupForm.MatchString(a.r.ID) {
		return errOddFrame
	}
	id := a.r.ID
	for n := 2; slices.ContainsFunc(all, func(m backupManifest) bool { return m.ID == id }); n++ {
		id = a.r.ID[:len("20060102-150405")] + "-" + strconv.Itoa(n)
	}
	a.made = backupManifest{UUID: a.r.Machine, Backup: fusion.Backup{ID: id, Machine: a.r.Name}, Disks: a.r.Disks}
	for i := range a.made.Disks {
		a.made.Disks[i].Sums = ""
	}
	if a.r.Base != "" {
		i := slices.IndexFunc(all, func(m backupManifest) bool { return m.ID == a.r.Base && m.Broken == "" })
		if i < 0 || !slices.EqualFunc(all[i].Disks, a.made.Disks, func(x, y manifestDisk) bool { return x.Target == y.Target && x.Size == y.Size }) {
			return &fusion.Error{Op: opKeep, Path: a.r.Name, Cause: fusion.ErrNotFound, Detail: "the earlier backup is gone", Hint: "take it again: then all is read"}
		}
		a.base = &all[i]
	}
	return os.WriteFile(filepath.Join(a.vault.dir, openMark), nil, 0o600)
}
