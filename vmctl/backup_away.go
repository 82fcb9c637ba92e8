package vmctl

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hither/fusion"
)

// Keeper is another host that keeps backups of this one's machines.
type Keeper interface {
	ID() fusion.HostID
	Name() string
	// Backups are those of that host, as this one may see and change them.
	Backups() fusion.Backups
	// Dial opens a stream to its ServeBackups. Who got it closes it.
	Dial(ctx context.Context) (net.Conn, error)
}

// KeeperHint is what to do about hosts that do not know each other.
const KeeperHint = "pair the two hosts with each other first: hither pair"

func (s *Store) keeper(op string, id fusion.HostID) (Keeper, error) {
	if s.config.Keeper == nil {
		return nil, fusion.NotPaired(op, id, KeeperHint)
	}
	return s.config.Keeper(id)
}

// afar is the vault of a machine at another host. Nothing of what is read is staged here:
// chunks that the keeper has not are sent as they are read, and of a chunk that was written
// in part only that part, which the keeper lays over its own.
//
// What is kept there is noted here, in a directory of the machine's vault for each keeper:
// the manifest, by which the machine can be restored in place without believing the keeper
// what a definition is.
type afar struct {
	s      *Store
	keeper Keeper
	rule   *fusion.BackupKeep
	notes  *vault
	stream *fabric
	stop   func() bool
	// sums are of each disk the SHA-256 of the list that the keeper must come to, "" where
	// only the keeper knows what a patch was laid over.
	sums []string
}

// awayDir is the directory of notes in a vault.
const awayDir = "away"

// notesAt gives the notes of a machine's backups at a keeper.
func (s *Store) notesAt(uuid string, keeper fusion.HostID) *vault {
	return &vault{dir: filepath.Join(s.vaultDir(uuid), awayDir, string(keeper))}
}

// awayMark begins what a checkpoint's name says of its place: eight digits tell keepers apart.
const awayMark = "at-"

const awayMarkLength = len(awayMark) + 8 + len("-")

func (a *afar) mark() string {
	sum := sha256.Sum256([]byte(a.keeper.ID()))
	return checkpointPrefix + awayMark + hex.EncodeToString(sum[:4]) + "-"
}

// open asks the keeper before anything is done, and names the backup as it may be named there.
func (a *afar) open(t *taking) error {
	if err := fusion.CheckName(string(a.keeper.ID())); err != nil {
		return err
	}
	a.notes = a.s.notesAt(t.r.uuid, a.keeper.ID())
	if err := os.MkdirAll(a.notes.dir, 0o700); err != nil {
		return err
	}
	t.made.ID = a.notes.newID(t.made.Created)
	_, err := a.ask(t, nil)
	return err
}

// ask asks whether a backup may come, and which one it may go back to.
func (a *afar) ask(t *taking, marks []string) (*backupManifest, error) {
	stream, answer, err := a.s.talk(t.ctx, a.keeper, keepRequest{Do: doAsk, Machine: t.r.uuid, Name: t.r.shown, Marks: marks})
	if err != nil {
		return nil, err
	}
	return answer.Base, broke(t.ctx, a.keeper.Name(), stream.conn.Close())
}

// talk opens a stream, sends the request and reads the answer.
func (s *Store) talk(ctx context.Context, keeper Keeper, request keepRequest) (*fabric, keepAnswer, error) {
	conn, err := keeper.Dial(ctx)
	if err != nil {
		return nil, keepAnswer{}, err
	}
	stop := along(ctx, conn)
	defer stop()
	stream, err := newFabric(conn)
	var answer keepAnswer
	if err == nil {
		err = stream.say(frameRequest, request)
	}
	if err == nil {
		answer, err = stream.answer(keeper.Name())
	}
	if err != nil {
		_ = conn.Close() // the error tells more
		return nil, answer, broke(ctx, keeper.Name(), err)
	}
	return stream, answer, nil
}

func (a *afar) earlier(t *taking, marks []string) (*backupManifest, error) {
	ours := slices.DeleteFunc(slices.Clone(marks), func(name string) bool { return !strings.HasPrefix(name, a.mark()) })
	if len(ours) == 0 {
		return nil, nil
	}
	base, err := a.ask(t, ours)
	if err != nil || base == nil {
		return nil, err
	}
	return t.sameAs([]backupManifest{*base}, ours), nil
}

// begin opens the stream over which the backup goes; before, QEMU may have been at work for
// long.
func (a *afar) begin(t *taking) (err error) {
	request := keepRequest{Do: doKeep, Machine: t.r.uuid, Name: t.r.shown, ID: t.made.ID, Disks: t.made.Disks}
	if t.since != nil {
		request.Base = t.since.ID
	}
	a.stream, _, err = a.s.talk(t.ctx, a.keeper, request)
	if err == nil {
		a.stop = along(t.ctx, a.stream.conn)
	}
	return err
}

// A piece is a chunk on its way: whole and named by its sum, or what was written of it.
type piece struct {
	n    int
	sum  chunkSum // zero for a patch
	data []byte   // a chunk, or the parts of a patch one after the other
	cut  []extent // of a patch, within the chunk
}

const (
	// mostPieces is how many are offered at once: they wait in memory.
	mostPieces = 16
	// offeredPiece is the length of a piece in an offer: u32 its number, u8 1 for a patch,
	// and the sum.
	offeredPiece = 4 + 1 + sha256.Size
)

func (a *afar) disk(t *taking, i int, src backupSource) error {
	var batch []piece
	var list []byte
	if t.since == nil {
		list = make([]byte, (src.size+chunkSize-1)/chunkSize*sha256.Size)
	}
	err := t.each(src, func(n int, parts []extent, read func([]byte) error) error {
		p, err := cutPiece(n, chunkLength(src.size, n), parts, t.since != nil, read)
		if err != nil {
			return err
		}
		if list != nil {
			copy(list[n*sha256.Size:], p.sum[:])
		}
		if batch = append(batch, p); len(batch) < mostPieces {
			return nil
		}
		err = a.send(i, batch)
		batch = batch[:0]
		return err
	})
	if err == nil && len(batch) > 0 {
		err = a.send(i, batch)
	}
	a.sums = append(a.sums, "")
	if list != nil {
		a.sums[i] = digest(list)
	}
	return broke(t.ctx, a.keeper.Name(), err)
}

// cutPiece reads a chunk. Over an earlier backup only what was written of it is known.
func cutPiece(n, length int, parts []extent, over bool, read func([]byte) error) (piece, error) {
	chunk := make([]byte, length)
	if err := read(chunk); err != nil {
		return piece{}, err
	}
	if whole := len(parts) == 1 && parts[0].length == int64(length); whole || !over {
		p := piece{n: n, data: chunk}
		if !isZero(chunk) {
			p.sum = sha256.Sum256(chunk)
		}
		return p, nil
	}
	p := piece{n: n}
	for _, part := range parts {
		at := part.start - int64(n)*chunkSize
		p.cut = append(p.cut, extent{at, part.length})
		p.data = append(p.data, chunk[at:at+part.length]...)
	}
	return p, nil
}

// send offers pieces of a disk and sends those that the keeper has not.
func (a *afar) send(disk int, batch []piece) error {
	offer := binary.BigEndian.AppendUint16(nil, uint16(disk))
	for _, p := range batch {
		offer = binary.BigEndian.AppendUint32(offer, uint32(p.n))
		offer = append(offer, byte(min(len(p.cut), 1)))
		offer = append(offer, p.sum[:]...)
	}
	if err := a.stream.write(frameOffer, offer); err != nil {
		return err
	}
	if err := a.stream.flush(); err != nil {
		return err
	}
	wanted, err := a.wanted(len(batch))
	if err != nil {
		return err
	}
	for i, p := range batch {
		switch {
		case wanted[i] == 0:
		case p.cut != nil:
			err = a.stream.write(framePatch, patchHead(p.cut), a.stream.code.in.EncodeAll(p.data, nil))
		default:
			err = a.stream.write(frameChunk, a.stream.code.in.EncodeAll(p.data, nil))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// wanted reads which of count pieces the keeper wants.
func (a *afar) wanted(count int) ([]byte, error) {
	kind, body, err := a.stream.read()
	switch {
	case err != nil:
		return nil, err
	case kind == frameAnswer:
		return nil, refusalIn(body, a.keeper.Name())
	case kind != frameWanted || len(body) != count:
		return nil, errOddFrame
	}
	return body, nil
}

// patchHead says where the parts of a patch go: u16 how many, and of each u32 where it
// begins and u32 its length.
func patchHead(cut []extent) []byte {
	head := binary.BigEndian.AppendUint16(nil, uint16(len(cut)))
	for _, e := range cut {
		head = binary.BigEndian.AppendUint32(head, uint32(e.start))
		head = binary.BigEndian.AppendUint32(head, uint32(e.length))
	}
	return head
}

func (a *afar) keep(t *taking) error {
	// Until the keeper's word is here nobody knows whether it has it, so this is the last
	// moment to give up; a backup that it has after all is listed.
	if err := t.ctx.Err(); err != nil {
		return err
	}
	name := a.keeper.Name()
	err := a.stream.say(frameEnd, keepEnd{Created: t.made.Created, Kind: t.made.Kind, State: t.made.State, Definition: t.made.Definition,
		Checkpoint: t.made.Checkpoint, ReadBytes: t.made.ReadBytes, Keep: a.rule})
	var answer keepAnswer
	if err == nil {
		answer, err = a.stream.answer(name)
	}
	if err == nil && (answer.Made == nil || len(answer.Made.Sums) != len(t.made.Disks) || fusion.CheckName(answer.Made.ID) != nil) {
		err = errOddFrame
	}
	for i := range t.made.Disks {
		if err == nil && a.sums[i] != "" && a.sums[i] != answer.Made.Sums[i] {
			err = &fusion.Error{Op: opBackup, Path: name, Cause: errBrokenChunk, Detail: "it did not keep what was sent", Hint: "look at the disk of that computer, and keep backups elsewhere"}
		}
	}
	if err != nil {
		return broke(t.ctx, name, err)
	}
	a.done(t, *answer.Made)
	return nil
}

// done notes what is kept there. Without its note a backup is only restored as a new machine.
func (a *afar) done(t *taking, made keptBackup) {
	a.stop()
	t.made.ID, t.made.DataBytes, t.made.AddedBytes = made.ID, max(made.DataBytes, 0), max(made.AddedBytes, 0)
	for i := range t.made.Disks {
		t.made.Disks[i].Sums = made.Sums[i]
	}
	err := errors.Join(a.notes.write(t.made), a.stream.conn.Close())
	all, failed := a.notes.manifests()
	for _, m := range all {
		if m.ID != made.ID && !slices.Contains(made.All, m.ID) {
			failed = errors.Join(failed, a.notes.forget(m.ID))
		}
	}
	if err := errors.Join(err, failed); err != nil {
		a.s.config.Log.Warn("what another host keeps is not noted", "machine", t.r.shown, "keeper", a.keeper.Name(), "error", err)
	}
	a.s.config.Log.Info("backup sent", "machine", t.r.shown, "keeper", a.keeper.Name(), "backup", made.ID, "sent", a.stream.sent)
}

func (a *afar) undo(*taking) error {
	if a.stream == nil {
		return nil
	}
	a.stop()
	_ = a.stream.conn.Close() // the keeper clears away what has no end
	return nil
}

func (a *afar) named(b fusion.Backup) fusion.Backup {
	b.Keeper, b.Where = a.keeper.ID(), a.keeper.Name()
	return b
}

// askTime bounds how long a keeper is waited for whose backups are listed.
const askTime = 10 * time.Second
