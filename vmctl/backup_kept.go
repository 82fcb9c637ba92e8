package vmctl

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"hither/fusion"
)

// Kept lists what lies here for machines of other hosts.
func (b backups) Kept(ctx context.Context, of fusion.HostID, machine string) ([]fusion.KeptMachine, error) {
	list := []fusion.KeptMachine{}
	hosts, err := names(b.s.config.kept())
	if err != nil {
		return nil, fail(opBackups, machine, err)
	}
	for _, host := range hosts {
		if of != "" && host != string(of) || fusion.CheckName(host) != nil {
			continue
		}
		machines, err := b.s.keptFor(fusion.HostID(host), machine)
		if err != nil {
			return nil, fail(opBackups, machine, err)
		}
		list = append(list, machines...)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(list, func(a, b fusion.KeptMachine) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Machine, b.Machine), cmp.Compare(a.UUID, b.UUID))
	})
	return list, nil
}

// names gives what is in a directory, nothing when there is none.
func names(dir string) (list []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list, err
}

// keptFor lists what is kept for one host, or for one machine of it.
func (s *Store) keptFor(of fusion.HostID, machine string) (list []fusion.KeptMachine, err error) {
	dirs, err := names(filepath.Join(s.config.kept(), string(of)))
	if err != nil {
		return nil, err
	}
	for _, uuid := range dirs {
		if !uuidForm.MatchString(uuid) {
			continue
		}
		v := &vault{dir: s.keptDir(of, uuid)}
		all, err := v.manifests()
		if err != nil {
			return nil, err
		}
		if len(all) == 0 || machine != "" && machine != uuid && machine != all[0].Machine {
			continue
		}
		stored, err := v.size()
		if err != nil {
			return nil, err
		}
		list = append(list, fusion.KeptMachine{Of: of, Host: s.hostName(of), Machine: all[0].Machine, UUID: uuid, Backups: backupsOf(all), StoredBytes: stored})
	}
	return list, nil
}

// hostName is what another host is called here, its ID when it is not paired any more.
func (s *Store) hostName(id fusion.HostID) string {
	if s.config.Keeper != nil {
		if k, err := s.config.Keeper(id); err == nil {
			return k.Name()
		}
	}
	return string(id)
}

// keptVault finds what is kept of a machine of another host, by its UUID, or the newest of
// its name.
func (s *Store) keptVault(op string, of fusion.HostID, machine string) (uuid string, err error) {
	list, err := s.keptFor(of, machine)
	if err != nil || fusion.CheckName(string(of)) != nil {
		return "", fail(op, machine, err)
	}
	if len(list) == 0 {
		return "", &fusion.Error{Op: op, Path: fusionClip(machine), Cause: fusion.ErrNotFound, Detail: "no backups of such a machine are kept",
			Hint: "hither machine backup kept lists what is kept for other computers"}
	}
	newest := slices.MaxFunc(list, func(a, b fusion.KeptMachine) int { return a.Backups[0].Created.Compare(b.Backups[0].Created) })
	return newest.UUID, nil
}

// shelved is what lies on this host of one machine, claimed.
type shelved struct {
	*vault
	uuid    string
	there   bool   // the machine is there; never for one of another host
	foreign bool   // it is another host's
	name    string // of the machine, for messages
	release func()
}

// shelved claims the backups of a machine that lie on this host.
func (s *Store) shelved(ctx context.Context, op string, of fusion.HostID, machine string) (on shelved, err error) {
	on.name = machine
	if of != "" {
		on.foreign = true
		if on.uuid, err = s.keptVault(op, of, machine); err != nil {
			return on, err
		}
		dir, ok := s.keptDir(of, on.uuid), false
		if on.release, ok = s.claims.Take("kept", dir); !ok {
			return on, busyKept(machine)
		}
		on.vault, err = openVault(dir)
	} else {
		if on.uuid, on.there, err = s.backedUp(ctx, op, machine); err != nil {
			return on, err
		}
		if on.release, err = s.working(op, machine, on.uuid); err != nil {
			return on, err
		}
		on.vault, err = openVault(s.vaultDir(on.uuid))
	}
	if err != nil {
		on.release()
	}
	return on, fail(op, machine, err)
}

// readFor sends a backup that lies here to the host that restores it.
func (s *Store) readFor(ctx context.Context, f *fabric, from fusion.HostID, r keepRequest) error {
	of := cmp.Or(r.Of, from)
	if of == s.config.ID {
		of = "" // this host's own
	}
	on, err := s.shelved(ctx, opRestore, of, r.Machine)
	if err != nil {
		return err
	}
	defer on.release()
	m, err := s.backupNamed(opRestore, on.name, on.vault, r.Backup)
	if err != nil {
		return err
	}
	if err := f.say(frameAnswer, keepAnswer{Base: &m}); err != nil {
		return err
	}
	for {
		kind, body, err := f.read()
		switch {
		case err != nil:
			return nil // it has what it wanted, or is gone
		case kind != frameDisk || len(body) != 2 || int(binary.BigEndian.Uint16(body)) >= len(m.Disks):
			return errOddFrame
		}
		if err := on.sendDisk(ctx, f, m, int(binary.BigEndian.Uint16(body))); err != nil {
			if errors.Is(err, errBrokenChunk) {
				err = errors.Join(invalid(opRestore, on.name+"/"+m.ID, err.Error(), "restore another one; hither machine backup ls shows those there are"), on.markBroken(m, err))
			}
			return err
		}
	}
}

func (v *vault) sendDisk(ctx context.Context, f *fabric, m backupManifest, disk int) error {
	err := v.each(ctx, m, disk, func(n int, sum chunkSum, chunk []byte) error {
		if err := f.allowed(); err != nil {
			return err
		}
		return f.write(framePart, binary.BigEndian.AppendUint32(nil, uint32(n)), sum[:], f.code.in.EncodeAll(chunk, nil))
	})
	if err == nil {
		err = f.write(frameWhole)
	}
	if err == nil {
		err = f.flush()
	}
	return err
}

// each reads the chunks of a disk that are not zeros, in order.
func (v *vault) each(ctx context.Context, m backupManifest, disk int, do func(n int, sum chunkSum, chunk []byte) error) error {
	sums, err := v.sums(m, disk)
	if err != nil {
		return err
	}
	buffer := make([]byte, chunkSize)
	for n, sum := range sums {
		if err := ctx.Err(); err != nil {
			return err
		}
		if sum == (chunkSum{}) {
			continue
		}
		chunk := buffer[:chunkLength(m.Disks[disk].Size, n)]
		if err := v.get(sum, chunk); err != nil {
			return err
		}
		if err := do(n, sum, chunk); err != nil {
			return err
		}
	}
	return nil
}

// markBroken notes what was found wrong with a backup.
func (v *vault) markBroken(m backupManifest, why error) error {
	m.Broken = errBrokenChunk.Error()
	return errors.Join(v.condemn(why), v.write(m))
}

// size is what a vault takes, in bytes.
func (v *vault) size() (bytes int64, err error) {
	err = filepath.WalkDir(v.dir, func(_ string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went meanwhile
		}
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			bytes += info.Size()
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	})
	return bytes, err
}
