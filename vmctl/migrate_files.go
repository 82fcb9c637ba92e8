package vmctl

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hither/fusion"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
)

// A machine that is off moves as files: each disk, then its definition, over a
// stream of its own. A stream is eight bytes of length, big endian, and that many
// bytes; the destination answers with one byte, arrivedWhole, once they are on its
// disk. The machine leaves when the source forgets its definition.
const arrivedWhole = 1

// maxDefinition bounds a definition, in bytes.
const maxDefinition = 1 << 20

// outgoing is a file of the pool that goes, and where its bytes are.
type outgoing struct{ file, path string }

// inPool are files that go as they are.
func (s *Store) inPool(files []string) (list []outgoing) {
	for _, file := range files {
		list = append(list, outgoing{file, filepath.Join(s.config.pool(), file)})
	}
	return list
}

// sendFiles copies files, one after the other.
func (s *Store) sendFiles(ctx context.Context, o MigrationOffer, room MigrationRoom, files []outgoing, peer MigrationPeer) error {
	var total, done int64
	for _, file := range files {
		info, err := os.Stat(file.path)
		if err != nil {
			return err
		}
		total += info.Size()
	}
	for _, file := range files {
		err := s.sendFile(ctx, o, room, file, peer, func(n int64) {
			done += n
			fusion.Report(ctx, fusion.Progress{Step: "copies files", Done: done, Total: total})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// moveOff copies a machine that is off and forgets it here. What is not in its
// definition stays until the verdict.
func (s *Store) moveOff(ctx context.Context, o MigrationOffer, room MigrationRoom, definition string, peer MigrationPeer) error {
	files, remove, err := s.whole(ctx, o)
	defer remove()
	if err != nil {
		return err
	}
	var state []byte
	if o.TPM {
		if state, err = s.readTPM(opMigrate, o.Name, o.UUID); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(s.config.pool(), o.Vars)); o.Vars != "" && err == nil { // none before its first start
		files = append(files, s.inPool([]string{o.Vars})...)
	}
	if err := s.sendFiles(ctx, o, room, files, peer); err != nil {
		return err
	}
	if state != nil {
		if err := deliver(ctx, peer, o, room, TPMDoor, bytes.NewReader(state), int64(len(state))); err != nil {
			return err
		}
	}
	text := s.rewriter(o, room)(definition)
	if err := deliver(ctx, peer, o, room, DefinitionDoor, strings.NewReader(text), int64(len(text))); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.do(context.WithoutCancel(ctx), func(d driver) error { return d.leave(o.UUID) })
}

func (s *Store) sendFile(ctx context.Context, o MigrationOffer, room MigrationRoom, file outgoing, peer MigrationPeer, sent func(n int64)) error {
	f, err := os.Open(file.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return deliver(ctx, peer, o, room, fileDoor+Door(file.file), &imagepool.CountedReader{Reader: f, Told: sent}, info.Size())
}

// deliver sends size bytes of r through a door and waits until they have arrived.
func deliver(ctx context.Context, peer MigrationPeer, o MigrationOffer, room MigrationRoom, door Door, r io.Reader, size int64) error {
	conn, err := peer.Dial(ctx, o.ID, room.Secret, door)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := binary.Write(conn, binary.BigEndian, uint64(size)); err != nil {
		return err
	}
	if _, err := io.CopyN(conn, r, size); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	var answer [1]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	if answer[0] != arrivedWhole {
		return fmt.Errorf("the other host answers %d", answer[0])
	}
	return nil
}

// receiveMoved takes what a file door or the definition door brings.
func (s *Store) receiveMoved(in *incoming, conn net.Conn, door Door) error {
	if err := in.open.add(conn); err != nil {
		return err
	}
	defer in.open.remove(conn)
	var size uint64
	if err := binary.Read(conn, binary.BigEndian, &size); err != nil {
		return err
	}
	var err error
	switch file, isFile := strings.CutPrefix(string(door), string(fileDoor)); {
	case isFile && in.offer.Vars != "" && file == in.offer.Vars:
		err = s.receiveVars(in, conn, size)
	case isFile:
		err = s.receiveFile(in, conn, file, size)
	case door == TPMDoor:
		err = s.receiveTPM(in, conn, size)
	default:
		err = s.receiveDefinition(in, conn, size)
	}
	if err != nil {
		return err
	}
	_, err = conn.Write([]byte{arrivedWhole})
	return err
}

func (s *Store) receiveFile(in *incoming, r io.Reader, file string, size uint64) error {
	disk := slices.ContainsFunc(in.offer.Disks, func(d MigrationDisk) bool { return d.File == file })
	if !disk && !slices.Contains(in.missing, file) || size > mostDisk {
		return invalid(opMigrate, in.offer.Name, "a disk is not its own", "update Hither on both computers")
	}
	if err := s.pool.Room(opMigrate, in.offer.Name, int64(size)); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.config.pool(), imagepool.Partial+"*")
	if err != nil {
		return s.poolError(opMigrate, in.offer.Name, err)
	}
	defer os.Remove(f.Name()) // after the rename there is nothing to remove
	_, err = io.CopyN(f, r, int64(size))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return s.poolError(opMigrate, in.offer.Name, err)
	}
	if h, err := imagefile.ReadHeader(f.Name()); err != nil || disk && h.Format != imagefile.Qcow2 {
		return errors.Join(imagefile.ErrForeign, err)
	}
	return os.Rename(f.Name(), filepath.Join(s.config.pool(), file))
}

// receiveVars takes the UEFI variables of a machine.
func (s *Store) receiveVars(in *incoming, r io.Reader, size uint64) error {
	text, err := readSized(r, size, mostVars)
	if err == nil && !soundVars(text) {
		err = invalid(opMigrate, in.offer.Name, "its UEFI variables are none", "update Hither on both computers")
	}
	if err != nil {
		return err
	}
	return s.poolError(opMigrate, in.offer.Name, imagepool.WriteWhole(s.config.pool(), in.offer.Vars, text))
}

func (s *Store) receiveTPM(in *incoming, r io.Reader, size uint64) error {
	text, err := readSized(r, size, mostTPM)
	if err == nil && !in.offer.TPM {
		err = invalid(opMigrate, in.offer.Name, "it has no TPM", "update Hither on both computers")
	}
	if err != nil {
		return err
	}
	return s.writeTPM(opMigrate, in.offer.Name, in.offer.UUID, text)
}

// readSized reads size bytes, which are most at most.
func readSized(r io.Reader, size, most uint64) ([]byte, error) {
	if size > most {
		return nil, invalid(opMigrate, "", "what comes with it is too large", "update Hither on both computers")
	}
	text := make([]byte, size)
	_, err := io.ReadFull(r, text)
	return text, err
}

// receiveDefinition puts the definition into the intent, for the verdict.
func (s *Store) receiveDefinition(in *incoming, r io.Reader, size uint64) error {
	if size > maxDefinition {
		return invalid(opMigrate, in.offer.Name, "its definition is too large", "update Hither on both computers")
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return err
	}
	id, i, err := s.intentOf(func(i intent) bool { return i.From != "" && i.Move == in.offer.ID })
	if err != nil || id == "" {
		return errors.Join(errCut, err)
	}
	i.Definition = string(text)
	return s.note(id, i)
}
