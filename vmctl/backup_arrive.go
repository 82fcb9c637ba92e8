package vmctl

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// receive takes frames until the backup is whole.
func (a *arrivingBackup) receive(ctx context.Context) (keptBackup, error) {
	for {
		kind, body, err := a.f.read()
		if err == nil {
			err = errors.Join(ctx.Err(), a.f.allowed()) // what was granted may be taken away
		}
		switch {
		case err != nil:
			return keptBackup{}, err
		case kind == frameOffer:
			err = a.offered(body)
		case kind == frameEnd:
			return a.whole(body)
		default:
			err = errOddFrame
		}
		if err != nil {
			return keptBackup{}, err
		}
	}
}

// offered says which pieces are wanted, and takes them.
func (a *arrivingBackup) offered(body []byte) error {
	count := (len(body) - 2) / offeredPiece
	if len(body) < 2 || len(body) != 2+count*offeredPiece || count < 1 || count > mostPieces {
		return errOddFrame
	}
	disk := int(binary.BigEndian.Uint16(body))
	if disk >= len(a.made.Disks) {
		return errOddFrame
	}
	if err := a.reach(disk); err != nil {
		return err
	}
	size := a.made.Disks[a.disk].Size
	wanted := make([]byte, count)
	pieces := make([]piece, count)
	for i := range pieces {
		one := body[2+i*offeredPiece:][:offeredPiece]
		n := binary.BigEndian.Uint32(one)
		if int64(n) >= int64(len(a.sums)) || one[4] > 1 {
			return errOddFrame
		}
		p := piece{n: int(n), sum: chunkSum(one[5:])}
		switch {
		case one[4] == 1:
			p.cut, wanted[i] = []extent{{}}, 1
		case p.sum == (chunkSum{}), a.vault.has(p.sum, chunkLength(size, p.n)):
			a.sums[p.n] = p.sum
		default:
			wanted[i] = 1
		}
		pieces[i] = p
	}
	err := a.f.write(frameWanted, wanted)
	if err == nil {
		err = a.f.flush()
	}
	for i, p := range pieces {
		if err == nil && wanted[i] == 1 {
			err = a.take(p)
		}
	}
	return err
}

// reach writes the lists of the disks before one, and begins that.
func (a *arrivingBackup) reach(disk int) (err error) {
	if disk < a.disk || disk > len(a.made.Disks) {
		return errOddFrame
	}
	for {
		if a.sums == nil && a.disk < len(a.made.Disks) {
			d := a.made.Disks[a.disk]
			a.sums = make([]chunkSum, (d.Size+chunkSize-1)/chunkSize)
			if a.base != nil {
				base, err := a.vault.sums(*a.base, a.disk)
				if err != nil {
					return err
				}
				copy(a.sums, base)
			}
		}
		if a.disk == disk {
			return nil
		}
		d := &a.made.Disks[a.disk]
		a.made.DataBytes += dataBytes(d.Size, a.sums)
		if d.Sums, err = a.vault.writeSums(a.made.list(a.disk), a.sums); err != nil {
			return err
		}
		a.disk, a.sums = a.disk+1, nil
	}
}

// take takes one piece that was wanted.
func (a *arrivingBackup) take(p piece) error {
	kind, body, err := a.f.read()
	if err != nil {
		return err
	}
	chunk := a.buf[:chunkLength(a.made.Disks[a.disk].Size, p.n)]
	switch {
	case kind == frameChunk && p.cut == nil:
		err = a.unpack(chunk, body)
		if err == nil && sha256.Sum256(chunk) != p.sum {
			err = errOddFrame
		}
	case kind == framePatch && p.cut != nil:
		if err = a.vault.get(a.sums[p.n], chunk); err != nil {
			return errors.Join(err, a.vault.condemn(err))
		}
		err = a.patch(chunk, body)
	default:
		err = errOddFrame
	}
	if err != nil {
		return err
	}
	sum, took, err := a.vault.put(chunk)
	a.sums[p.n] = sum
	a.made.AddedBytes += took
	return err
}

// unpack decodes what must be exactly as long as p.
func (a *arrivingBackup) unpack(p, packed []byte) error {
	data, err := a.f.code.out.DecodeAll(packed, make([]byte, 0, len(p)))
	if err != nil || len(data) != len(p) {
		return errOddFrame
	}
	copy(p, data)
	return nil
}

// patch lays parts over a chunk.
func (a *arrivingBackup) patch(chunk, body []byte) error {
	if len(body) < 2 {
		return errOddFrame
	}
	count := int(binary.BigEndian.Uint16(body))
	head := body[2:]
	if len(head) < 8*count {
		return errOddFrame
	}
	var cut []extent
	total := 0
	for i := range count {
		e := extent{int64(binary.BigEndian.Uint32(head[8*i:])), int64(binary.BigEndian.Uint32(head[8*i+4:]))}
		if e.start+e.length > int64(len(chunk)) {
			return errOddFrame
		}
		cut = append(cut, e)
		if total += int(e.length); total > len(chunk) {
			return errOddFrame
		}
	}
	data := make([]byte, total)
	if err := a.unpack(data, head[8*count:]); err != nil {
		return err
	}
	for _, e := range cut {
		data = data[copy(chunk[e.start:e.start+e.length], data):]
	}
	return nil
}

// whole makes a backup of what came.
func (a *arrivingBackup) whole(body []byte) (kept keptBackup, err error) {
	var end keepEnd
	if json.Unmarshal(body, &end) != nil || !end.sound() {
		return kept, errOddFrame
	}
	if err := a.reach(len(a.made.Disks)); err != nil {
		return kept, err
	}
	m := &a.made
	m.Created, m.Kind, m.State, m.Scheduled = end.Created, end.Kind, end.State, end.Keep != nil
	m.Definition, m.Checkpoint, m.ReadBytes = end.Definition, end.Checkpoint, end.ReadBytes
	if err := syncAll(a.vault.dir); err != nil {
		return kept, err
	}
	if err := a.vault.write(*m); err != nil {
		return kept, err
	}
	// From here on it is there, whatever becomes of the rest.
	if err := a.prune(end.Keep); err != nil {
		a.s.config.Log.Warn("old backups of another host stay", "machine", a.r.Name, "error", err)
	}
	kept = keptBackup{ID: m.ID, DataBytes: m.DataBytes, AddedBytes: m.AddedBytes}
	for _, d := range m.Disks {
		kept.Sums = append(kept.Sums, d.Sums)
	}
	all, err := a.vault.manifests()
	for _, m := range all {
		kept.All = append(kept.All, m.ID)
	}
	return kept, err
}

// sound says whether an end may be believed as far as it is shown and compared.
func (e keepEnd) sound() bool {
	kinds := []fusion.BackupKind{fusion.BackupFull, fusion.BackupIncremental}
	states := []fusion.BackupState{fusion.BackupOff, fusion.BackupFrozen, fusion.BackupRunning}
	mark := strings.TrimPrefix(e.Checkpoint, checkpointPrefix+awayMark)
	switch year := e.Created.Year(); {
	case year < 2000 || year > 2999, e.ReadBytes < 0, len(e.Definition) > mostDefinition:
		return false
	case !slices.Contains(kinds, e.Kind), !slices.Contains(states, e.State):
		return false
	case e.Checkpoint != "" && (mark == e.Checkpoint || len(mark) > 64 || fusion.CheckName(e.Checkpoint) != nil):
		return false
	case e.Keep != nil && (fusion.BackupSchedule{Every: fusion.Daily, Keep: *e.Keep}).Check() != nil:
		return false
	}
	_, err := domxml.ReadInfo(e.Definition)
	return err == nil
}

// prune removes what the schedule does not keep, by this host's clock.
func (a *arrivingBackup) prune(keep *fusion.BackupKeep) error {
	all, err := a.vault.manifests()
	if err == nil && keep != nil {
		for _, one := range keep.Surplus(backupsOf(all), time.Local) {
			err = errors.Join(err, a.vault.forget(one.ID))
		}
	}
	if err == nil {
		_, err = a.vault.clear()
	}
	return err
}
