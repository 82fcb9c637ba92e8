package vmctl

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What is known of an image beyond its bytes stands in a small file beside it. Its
// name begins with a dot, so that no image can have it.
const aboutPrefix, aboutSuffix = ".about-", ".json"

// imageNote is what is known of an image. It holds as long as the image's file is
// the one it was written of.
type imageNote struct {
	Sum    string    `json:"sum,omitempty"`
	Source string    `json:"source,omitempty"` // an address
	Arch   string    `json:"arch,omitempty"`
	User   string    `json:"user,omitempty"`
	Bytes  int64     `json:"bytes"`
	Time   time.Time `json:"time"` // when the image was written last
}

func aboutName(image string) string { return aboutPrefix + image + aboutSuffix }

// aboutImage reads the note on an image; without one that holds it is empty.
func (s *Store) aboutImage(name string, info os.FileInfo) (note imageNote) {
	text, err := os.ReadFile(filepath.Join(s.config.pool(), aboutName(name)))
	if err != nil || json.Unmarshal(text, &note) != nil || note.Bytes != info.Size() || !note.Time.Equal(info.ModTime()) {
		return imageNote{}
	}
	return note
}

// place gives the whole file at temp its name in the pool, with a note on it. It is
// an error of op when the name is taken.
func (s *Store) place(op, name, temp string, note imageNote) error {
	release, ok := s.claim("image", name)
	if !ok {
		return taken(op, name)
	}
	defer release()
	final := filepath.Join(s.config.pool(), name)
	if err := vacant(op, name, final); err != nil {
		return err
	}
	info, err := os.Stat(temp)
	if err != nil {
		return s.poolError(op, name, err)
	}
	note.Bytes, note.Time = info.Size(), info.ModTime()
	text, err := json.Marshal(note)
	if err == nil {
		err = writeWhole(s.config.pool(), aboutName(name), text)
	}
	if err == nil {
		err = os.Rename(temp, final)
	}
	return s.poolError(op, name, err)
}

func (s *Store) forgetImage(name string) {
	err := os.Remove(filepath.Join(s.config.pool(), aboutName(name)))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.config.Log.Warn("a note on an image stays", "image", name, "error", err)
	}
}

// sweepNotes removes notes on images that are gone, and downloads that nobody went
// on with for long.
func sweepNotes(pool string, now time.Time) {
	entries, err := os.ReadDir(pool)
	if err != nil {
		return
	}
	there := map[string]os.DirEntry{}
	for _, entry := range entries {
		there[entry.Name()] = entry
	}
	for name, entry := range there {
		image, about := strings.CutPrefix(name, aboutPrefix)
		download := strings.TrimSuffix(name, aboutSuffix)
		stale := about && there[strings.TrimSuffix(image, aboutSuffix)] == nil
		if strings.HasPrefix(name, downloadPrefix) {
			stale = there[download] == nil || there[download+aboutSuffix] == nil || olderThan(entry, now.Add(-keepDownload))
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
