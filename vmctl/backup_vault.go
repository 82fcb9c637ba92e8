package vmctl

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"hither/vmctl/computer"
	"hither/vmctl/imagepool"
)

// A vault keeps the backups of one machine in a directory of its own, DIR/backups/UUID
// (docs/disk.md, docs/decisions/0025). Disks are cut into chunks, which are named by
// their SHA-256 and kept once: whatever backups have in common takes its room once, each
// backup is whole by itself, and any of them can go.
//
// A chunk that no backup names is debris. Only what holds the claim "backup" of the
// machine writes here, and it clears debris away before it begins: so whatever chunk is
// there belongs to a backup that is whole, and was on the disk before that was written.
type vault struct {
	dir  string
	code *codec
	// doubt is set while debris may be among the chunks: they are read before they are
	// believed.
	doubt bool
	// spare is what stays free on its file system, in bytes.
	spare int64
}

// chunkSize is the length of a chunk in bytes; the last one of a disk may be shorter. It
// is the most that one NBD request moves.
const chunkSize = mostNBD

// chunkSum names a chunk; that of a chunk of zeros, which is not kept, is zero.
type chunkSum [sha256.Size]byte

const chunkDir = "chunks"

// codec compresses chunks. It may be used by many goroutines.
type codec struct {
	in  *zstd.Encoder
	out *zstd.Decoder
}

func newCodec() (*codec, error) {
	in, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	out, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(4*chunkSize))
	return &codec{in, out}, err
}

// openVault makes the directory where there is none.
func openVault(dir string) (*vault, error) {
	code, err := newCodec()
	if err == nil {
		err = os.MkdirAll(filepath.Join(dir, chunkDir), 0o700)
	}
	return &vault{dir: dir, code: code, doubt: true, spare: imagepool.Reserve}, err
}

func (v *vault) chunk(sum chunkSum) string {
	name := hex.EncodeToString(sum[:])
	return filepath.Join(v.dir, chunkDir, name[:2], name)
}

// put keeps a chunk, and gives its name and how many bytes it took: none for one that is
// there. It is not yet on the disk; sync sees to that.
func (v *vault) put(data []byte) (sum chunkSum, took int64, err error) {
	if isZero(data) {
		return sum, 0, nil
	}
	sum = sha256.Sum256(data)
	path := v.chunk(sum)
	if v.has(sum, len(data)) {
		return sum, 0, nil
	}
	if free, err := computer.FreeBytes(v.dir); err == nil && free < v.spare {
		return sum, 0, errNoSpace
	}
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return sum, 0, err
	}
	f, err := os.CreateTemp(filepath.Join(v.dir, chunkDir), imagepool.Partial+"*")
	if err != nil {
		return sum, 0, err
	}
	packed := v.code.in.EncodeAll(data, nil)
	_, err = f.Write(packed)
	if err := errors.Join(err, f.Close()); err != nil {
		return sum, 0, errors.Join(err, os.Remove(f.Name()))
	}
	return sum, int64(len(packed)), os.Rename(f.Name(), path)
}

// has says whether a chunk is there.
func (v *vault) has(sum chunkSum, length int) bool {
	if v.doubt {
		return v.get(sum, make([]byte, length)) == nil
	}
	_, err := os.Lstat(v.chunk(sum))
	return err == nil
}

// errBrokenChunk says that a part of a backup is not what was written.
var errBrokenChunk = errors.New("a part of it is missing or is not what was written")

// brokenChunk is an errBrokenChunk that knows which.
type brokenChunk struct{ sum chunkSum }

func (e *brokenChunk) Error() string { return errBrokenChunk.Error() }
func (e *brokenChunk) Unwrap() error { return errBrokenChunk }

// condemn removes the chunk that an error tells of, so that the next full backup keeps it
// anew, and marks all backups that have it.
func (v *vault) condemn(err error) error {
	var broken *brokenChunk
	if !errors.As(err, &broken) {
		return nil
	}
	if err := os.Remove(v.chunk(broken.sum)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	all, err := v.manifests()
	for _, m := range all {
		for i := range m.Disks {
			sums, failed := v.sums(m, i)
			if failed == nil && slices.Contains(sums, broken.sum) && m.Broken == "" {
				m.Broken = errBrokenChunk.Error()
				err = errors.Join(err, v.write(m))
			}
		}
	}
	return err
}

// get reads a chunk of a length into p, and checks it.
func (v *vault) get(sum chunkSum, p []byte) error {
	if sum == (chunkSum{}) {
		clear(p)
		return nil
	}
	packed, err := os.ReadFile(v.chunk(sum))
	if errors.Is(err, fs.ErrNotExist) {
		return &brokenChunk{sum}
	}
	if err != nil {
		return err
	}
	data, err := v.code.out.DecodeAll(packed, make([]byte, 0, chunkSize))
	if err != nil || len(data) != len(p) || sha256.Sum256(data) != sum {
		return &brokenChunk{sum}
	}
	copy(p, data)
	return nil
}

func isZero(data []byte) bool {
	for _, b := range data {
		if b != 0 {
			return false
		}
	}
	return true
}

// clear removes what belongs to no backup, and gives how much the others take in bytes.
// While a backup cannot be understood, chunks stay.
func (v *vault) clear() (stored int64, err error) {
	all, err := v.manifests()
	if err != nil {
		return 0, err
	}
	named, lists := map[string]bool{}, map[string]bool{}
	v.doubt = slices.ContainsFunc(all, func(m backupManifest) bool { return m.Version == 0 })
	for _, m := range all {
		for i := range m.Disks {
			lists[m.list(i)] = true
			sums, err := v.sums(m, i)
			if errors.Is(err, errBrokenChunk) {
				continue // nothing can be restored of it anyway
			}
			if err != nil {
				return 0, err
			}
			for _, sum := range sums {
				named[filepath.Base(v.chunk(sum))] = true
			}
		}
	}
	err = filepath.WalkDir(v.dir, func(path string, e fs.DirEntry, err error) error {
		name := filepath.Base(path)
		switch {
		case err != nil || e.IsDir():
			return err
		case strings.HasPrefix(name, imagepool.Partial), !v.doubt && strings.HasSuffix(name, listSuffix) && !lists[name], !v.doubt && len(name) == 2*len(chunkSum{}) && !named[name]:
			return os.Remove(path)
		}
		info, err := e.Info()
		if err == nil {
			stored += info.Size()
		}
		return err
	})
	return stored, err
}

// listSuffix ends the name of a file that lists the chunks of a disk: their sums, one
// after the other.
const listSuffix = ".sums"

// writeSums writes the list of a disk's chunks, and gives the list's own SHA-256.
func (v *vault) writeSums(name string, sums []chunkSum) (string, error) {
	text := make([]byte, 0, len(sums)*len(chunkSum{}))
	for _, sum := range sums {
		text = append(text, sum[:]...)
	}
	return digest(text), imagepool.WriteWhole(v.dir, name, text)
}

// sums reads the list of a disk's chunks.
func (v *vault) sums(m backupManifest, disk int) ([]chunkSum, error) {
	text, err := os.ReadFile(filepath.Join(v.dir, m.list(disk)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errBrokenChunk
	}
	if err != nil {
		return nil, err
	}
	d := m.Disks[disk]
	count := int((d.Size + chunkSize - 1) / chunkSize)
	if digest(text) != d.Sums || len(text) != count*len(chunkSum{}) {
		return nil, errBrokenChunk
	}
	sums := make([]chunkSum, count)
	for i := range sums {
		sums[i] = chunkSum(text[i*len(chunkSum{}):])
	}
	return sums, nil
}

// chunkLength is how long the n-th chunk of a disk is.
func chunkLength(size int64, n int) int { return int(min(chunkSize, size-int64(n)*chunkSize)) }

// list names the file that lists the chunks of a disk.
func (m backupManifest) list(disk int) string { return fmt.Sprintf("%s.%d%s", m.ID, disk, listSuffix) }
