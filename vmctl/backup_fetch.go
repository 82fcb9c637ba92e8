package vmctl

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"path/filepath"
	"sync"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// stock is where the disks of a backup are read: a vault here, or that of another host.
type stock interface {
	// each gives the chunks of a disk that are not zeros, in order, each checked.
	each(ctx context.Context, m backupManifest, disk int, do func(n int, sum chunkSum, chunk []byte) error) error
}

// farStock is a backup that another host keeps. What comes is checked against the sums
// that the manifest stands for.
type farStock struct {
	*fabric
	keeper Keeper
}

// far opens a backup at a keeper, and gives what that says it is.
func (s *Store) far(ctx context.Context, keeper Keeper, of fusion.HostID, machine, id string) (farStock, backupManifest, error) {
	stream, answer, err := s.talk(ctx, keeper, keepRequest{Do: doRead, Of: of, Machine: machine, Backup: id})
	if err != nil {
		return farStock{}, backupManifest{}, err
	}
	stock := farStock{stream, keeper}
	if answer.Base == nil || answer.Base.ID != id || !answer.Base.soundFar() {
		return stock, backupManifest{}, errors.Join(broke(ctx, keeper.Name(), errOddFrame), stock.close())
	}
	return stock, *answer.Base, nil
}

// soundFar says whether a manifest of another host may be worked with.
func (m backupManifest) soundFar() bool {
	if len(m.Disks) > domxml.MaxDisks || len(m.Definition) > mostDefinition || m.Version != manifestVersion {
		return false
	}
	var bytes int64
	for _, d := range m.Disks {
		if !targetForm.MatchString(d.Target) || d.Size <= 0 || d.Size > mostDisk {
			return false
		}
		bytes += d.Size
	}
	return bytes <= mostKeptBytes && m.DataBytes >= 0
}

func (f farStock) close() error { return f.conn.Close() }

func (f farStock) each(ctx context.Context, m backupManifest, disk int, do func(n int, sum chunkSum, chunk []byte) error) error {
	stop := along(ctx, f.conn)
	defer stop()
	return broke(ctx, f.keeper.Name(), f.parts(m, disk, do))
}

func (f farStock) parts(m backupManifest, disk int, do func(n int, sum chunkSum, chunk []byte) error) error {
	err := f.write(frameDisk, binary.BigEndian.AppendUint16(nil, uint16(disk)))
	if err == nil {
		err = f.flush()
	}
	if err != nil {
		return err
	}
	d := m.Disks[disk]
	list := make([]byte, (d.Size+chunkSize-1)/chunkSize*int64(sha256.Size)) // as in a file of sums
	buffer := make([]byte, chunkSize)
	for next := 0; ; {
		kind, body, err := f.read()
		switch {
		case err != nil:
			return err
		case kind == frameAnswer:
			return refusalIn(body, f.keeper.Name())
		case kind == frameWhole && digest(list) == d.Sums:
			return nil
		case kind == frameWhole:
			return errBrokenChunk
		case kind != framePart || len(body) < 4+sha256.Size:
			return errOddFrame
		}
		n, sum := int(binary.BigEndian.Uint32(body)), chunkSum(body[4:])
		if n < next || n >= len(list)/sha256.Size {
			return errOddFrame
		}
		chunk := buffer[:chunkLength(d.Size, n)]
		data, err := f.code.out.DecodeAll(body[4+sha256.Size:], make([]byte, 0, chunkSize))
		if err != nil || len(data) != len(chunk) || sha256.Sum256(data) != sum {
			return errBrokenChunk
		}
		copy(list[n*sha256.Size:], sum[:])
		if err := do(n, sum, data); err != nil {
			return err
		}
		next = n + 1
	}
}

// distant gives the backups of a keeper that are meant here, as that host knows them.
func (b backups) distant(op, machine string) (Keeper, fusion.Backups, error) {
	k, err := b.s.keeper(op, b.place.At)
	if err != nil {
		return nil, nil, err
	}
	of := cmp.Or(b.place.Of, b.s.config.ID)
	if of == k.ID() {
		of = ""
	}
	return k, k.Backups().At(fusion.BackupPlace{Of: of}), nil
}

// elsewhere lists what other hosts keep of a machine: as they say, or as it was noted here.
func (s *Store) elsewhere(ctx context.Context, uuid string) (list []fusion.Backup, keepers []fusion.BackupKeeper, err error) {
	ids, err := names(filepath.Join(s.vaultDir(uuid), awayDir))
	if err != nil {
		return nil, nil, err
	}
	keepers = make([]fusion.BackupKeeper, len(ids))
	found := make([][]fusion.Backup, len(ids))
	failed := make([]error, len(ids))
	var asking sync.WaitGroup
	for i, id := range ids {
		asking.Go(func() { found[i], keepers[i], failed[i] = s.awayAt(ctx, uuid, fusion.HostID(id)) })
	}
	asking.Wait()
	kept := keepers[:0]
	for i := range ids {
		if list = append(list, found[i]...); len(found[i]) > 0 {
			kept = append(kept, keepers[i])
		}
	}
	return list, kept, errors.Join(failed...)
}

func (s *Store) awayAt(ctx context.Context, uuid string, id fusion.HostID) (list []fusion.Backup, on fusion.BackupKeeper, err error) {
	on = fusion.BackupKeeper{ID: id, Name: s.hostName(id)}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	k, failed := s.keeper(opBackups, id)
	var kept []fusion.KeptMachine
	if failed == nil {
		kept, failed = k.Backups().Kept(ctx, s.config.ID, uuid)
	}
	if failed == nil {
		for _, one := range kept {
			list, on.StoredBytes = append(list, one.Backups...), one.StoredBytes
		}
	} else {
		on.Error = failed.Error()
		all, failed := s.notesAt(uuid, id).manifests()
		list, err = backupsOf(all), failed
	}
	for i := range list {
		list[i].Keeper, list[i].Where = id, on.Name
	}
	return list, on, err
}
