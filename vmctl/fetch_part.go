package vmctl

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/imagepool"
)

// download is an image that is on its way: a file that grows, and a note that tells
// the next try, also of the next node, how to go on. One call has it at a time.
type download struct {
	dir, path string
	f         *os.File
	size      int64 // of the file
	note      downloadNote
	sum       string // once check has seen all of it
}

// downloadNote is what is known of a download's bytes.
type downloadNote struct {
	// URL is where they are from, and Validator what that server calls them (an
	// ETag, else a date); they go on from there only when it still does.
	URL       string `json:"url,omitempty"`
	Validator string `json:"validator,omitempty"`
	// Peer says that some came from another host of the owner.
	Peer bool `json:"peer,omitempty"`
	// Boot is the boot of the computer that wrote them: after a power cut nobody
	// knows what reached the disk.
	Boot string `json:"boot,omitempty"`
}

// openDownload goes on with what there is of an image, or begins.
func (s *Store) openDownload(o order) (*download, error) {
	hashed := sha256.Sum256([]byte(o.id()))
	d := &download{dir: s.config.pool()}
	d.path = filepath.Join(d.dir, imagepool.DownloadPrefix+hex.EncodeToString(hashed[:16]))
	var err error
	if d.f, err = os.OpenFile(d.path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	info, err := d.f.Stat()
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	d.size = info.Size()
	text, err := os.ReadFile(d.notePath())
	known := err == nil && json.Unmarshal(text, &d.note) == nil
	if !known || o.sum == "" && d.note.Boot != computer.BootID() {
		err = d.clear()
		if err != nil {
			return nil, errors.Join(err, d.close())
		}
	}
	return d, nil
}

func (d *download) notePath() string { return d.path + imagepool.NoteSuffix }

// from notes where the next bytes are from, before they are written.
func (d *download) from(note downloadNote) error {
	note.Peer = note.Peer || d.note.Peer && d.size > 0
	note.Boot = computer.BootID()
	if d.note == note && d.size > 0 {
		return nil
	}
	d.note = note
	text, err := json.Marshal(note)
	if err != nil {
		return err
	}
	return imagepool.WriteWhole(d.dir, filepath.Base(d.notePath()), text)
}

// clear forgets all that came.
func (d *download) clear() error {
	d.size, d.note = 0, downloadNote{}
	return d.f.Truncate(0)
}

// cut goes back to the first size bytes.
func (d *download) cut(size int64) error {
	if size == d.size {
		return nil
	}
	if size == 0 {
		return d.clear()
	}
	d.size = size
	return d.f.Truncate(size)
}

// Write appends.
func (d *download) Write(b []byte) (int, error) {
	n, err := d.f.WriteAt(b, d.size)
	d.size += int64(n)
	return n, err
}

func (d *download) close() error { return d.f.Close() }

// remove leaves nothing; forget leaves the file, which has another name by now.
func (d *download) remove() {
	_ = os.Remove(d.path) // what stays is swept at the next start
	d.forget()
}

func (d *download) forget() { _ = os.Remove(d.notePath()) } // likewise

// worthKeeping says whether a failure may pass, so that what came is of use: the
// source could not be reached, or the node is closing. A person who cancels wants
// nothing left.
func (d *download) worthKeeping(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return !errors.Is(context.Cause(ctx), context.Canceled)
	}
	return isPassing(err)
}

// errWrongSum is the cause of bytes that are not those that were wanted.
var errWrongSum = errors.New("wrong sum")

// check puts all that came on the disk and sums it up; want may be "".
func (d *download) check(ctx context.Context, want string) error {
	if err := d.f.Sync(); err != nil {
		return err
	}
	kind, _, _ := strings.Cut(want, ":")
	var h hash.Hash = sha256.New()
	if kind == "sha512" {
		h = sha512.New()
	} else {
		kind = "sha256"
	}
	r := &imagepool.CountedReader{Reader: io.NewSectionReader(d.f, 0, d.size), Told: func(n int64) {}}
	var done int64
	r.Told = func(n int64) {
		done += n
		fusion.Report(ctx, fusion.Progress{Step: "checks the image", Done: done, Total: d.size})
	}
	if _, err := io.CopyBuffer(h, &imagepool.ContextReader{Ctx: ctx, Reader: r}, make([]byte, 1<<20)); err != nil {
		return err
	}
	d.sum = kind + ":" + hex.EncodeToString(h.Sum(nil))
	if want == "" || want == d.sum {
		return nil
	}
	return fmt.Errorf("%w: %s", errWrongSum, d.sum)
}
