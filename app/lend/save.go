package lend

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// source remembers that a version could not be read to its end.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// save writes what r gives in place of the loan's target, or beside it when the
// owner changed that. note writes the loan down as it is before anything takes the
// target's place. Nothing is left of one that fails, but for a conflict's name if that
// was noted: the next try goes there.
func (l *Loan) save(r io.Reader, hostName string, now time.Time, note func() error) error {
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(l.Target); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(l.Target), ".hither-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the rename there is nothing to remove
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, sum), r)
	if err == nil {
		err = errors.Join(f.Chmod(mode), f.Sync())
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return l.place(f.Name(), hex.EncodeToString(sum.Sum(nil)), hostName, now, note)
}

// place puts a whole file where it belongs.
func (l *Loan) place(file, sum, hostName string, now time.Time, note func() error) error {
	there, err := sumOf(l.Target)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	reserved := there == "" || there != l.Sum && there != l.Next && there != sum // none, or the owner's: the app's must not be lost
	if reserved {
		if l.Target, err = reserve(conflictName(l.Target, hostName, now)); err != nil {
			return err
		}
		there, l.Kept = sumOfNothing, true
	}
	if there != sum {
		l.Sum, l.Next = there, sum
		if err := note(); err != nil {
			if reserved {
				err = errors.Join(err, os.Remove(l.Target))
			}
			return err
		}
		if err := os.Rename(file, l.Target); err != nil {
			return err
		}
	}
	l.Sum, l.Next = sum, ""
	return nil
}

// sumOfNothing is that of a file without content, as reserve makes it.
var sumOfNothing = hex.EncodeToString(sha256.New().Sum(nil))

// reserve makes an empty file of the first name that nothing has.
func reserve(name func(n int) string) (string, error) {
	const most = 1000
	for n := range most {
		f, err := os.OpenFile(name(n), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			return name(n), f.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("%s: %w", name(0), fs.ErrExist)
}

// conflictName gives the names to try for an app's version beside the owner's.
func conflictName(path, host string, now time.Time) func(n int) string {
	dir, name := filepath.Split(path)
	ext := filepath.Ext(name)
	if ext == name {
		ext = "" // .bashrc has none
	}
	stem := strings.TrimSuffix(name, ext) + ".conflict-" + host + "-" + now.Format("20060102-150405")
	return func(n int) string {
		if n == 0 {
			return filepath.Join(dir, stem+ext)
		}
		return filepath.Join(dir, fmt.Sprintf("%s-%d%s", stem, n+1, ext))
	}
}

// sumOf gives the SHA-256 of a file in hex.
func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
