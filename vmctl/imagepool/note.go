package imagepool

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// NotePrefix and NoteSuffix are around the name of an image: what is known of it beyond its
// bytes stands in a small file of that name beside it. It begins with a dot, so that no image can have it.
const NotePrefix, NoteSuffix = ".about-", ".json"

// Note is what is known of an image. It holds as long as the image's file is
// the one it was written of.
type Note struct {
	Sum    string    `json:"sum,omitempty"`
	Source string    `json:"source,omitempty"` // an address
	Arch   string    `json:"arch,omitempty"`
	User   string    `json:"user,omitempty"`
	Bytes  int64     `json:"bytes"`
	Time   time.Time `json:"time"` // when the image was written last
}

// NoteName is the name of the file of the note on an image.
func NoteName(image string) string { return NotePrefix + image + NoteSuffix }

// About reads the note on an image; without one that holds it is empty.
func (p *Pool) About(name string, info os.FileInfo) (note Note) {
	text, err := os.ReadFile(filepath.Join(p.Dir, NoteName(name)))
	if err != nil || json.Unmarshal(text, &note) != nil || note.Bytes != info.Size() || !note.Time.Equal(info.ModTime()) {
		return Note{}
	}
	return note
}

// Place gives the whole file at temp its name in the pool, with a note on it. It is
// an error of op when the name is taken.
func (p *Pool) Place(op, name, temp string, note Note) error {
	release, ok := p.Claims.Take("image", name)
	if !ok {
		return taken(op, name)
	}
	defer release()
	final := filepath.Join(p.Dir, name)
	if err := Vacant(op, name, final); err != nil {
		return err
	}
	info, err := os.Stat(temp)
	if err != nil {
		return p.explain(op, name, err)
	}
	note.Bytes, note.Time = info.Size(), info.ModTime()
	text, err := json.Marshal(note)
	if err == nil {
		err = WriteWhole(p.Dir, NoteName(name), text)
	}
	if err == nil {
		err = os.Rename(temp, final)
	}
	return p.explain(op, name, err)
}

// Forget removes the note on an image that is gone.
func (p *Pool) Forget(name string) {
	err := os.Remove(filepath.Join(p.Dir, NoteName(name)))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		p.Log.Warn("a note on an image stays", "image", name, "error", err)
	}
}

// SweepNotes removes notes on images that are gone, and downloads that nobody went
// on with for long.
func SweepNotes(pool string, now time.Time) {
	entries, err := os.ReadDir(pool)
	if err != nil {
		return
	}
	there := map[string]os.DirEntry{}
	for _, entry := range entries {
		there[entry.Name()] = entry
	}
	for name, entry := range there {
		image, about := strings.CutPrefix(name, NotePrefix)
		download := strings.TrimSuffix(name, NoteSuffix)
		stale := about && there[strings.TrimSuffix(image, NoteSuffix)] == nil
		if strings.HasPrefix(name, DownloadPrefix) {
			stale = there[download] == nil || there[download+NoteSuffix] == nil || olderThan(entry, now.Add(-KeepDownload))
		}
		if stale {
			_ = os.Remove(filepath.Join(pool, name)) // it is tried again at the next start
		}
	}
}

func olderThan(entry os.DirEntry, limit time.Time) bool {
	info, err := entry.Info()
	return err == nil && info.ModTime().Before(limit)
}

// DownloadPrefix begins the name of what has come of an image so far; its note has
// NoteSuffix behind it. CheckName refuses both, so no list shows them.
const DownloadPrefix = ".fetch-"

// KeepDownload is how long one that broke off is kept for somebody who asks again.
const KeepDownload = 7 * 24 * time.Hour
