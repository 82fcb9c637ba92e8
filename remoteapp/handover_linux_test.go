package remoteapp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hither/fusion"
)

// handoverStore is a Store that can only hand files over; no display is needed.
func handoverStore(t *testing.T, dir string) *Store {
	t.Helper()
	s := &Store{}
	s.ctx, s.stop = context.WithCancel(t.Context())
	var err error
	if s.handover, err = openHandover(dir, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	s.wg.Go(s.handover.watch)
	return s
}

func (s *Store) endHandover(t *testing.T) {
	t.Helper()
	s.stop()
	if err := s.handover.close(); err != nil {
		t.Error(err)
	}
	s.wg.Wait()
}

func hand(t *testing.T, s *Store, name, text string) (file, path string) {
	t.Helper()
	file, err := s.Hand(t.Context(), name, int64(len(text)), strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	paths, mine, err := s.handover.claim([]string{"/etc/hosts", file})
	if err != nil || len(paths) != 2 || len(mine) != 1 {
		t.Fatalf("claimed %q, %v", paths, err)
	}
	if err := s.handover.lend(mine, "editor-1"); err != nil {
		t.Fatal(err)
	}
	return file, paths[1]
}

func take(t *testing.T, s *Store, file, after string) (text, version string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	taken, err := s.Take(ctx, file, after)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(taken)
	if err := errors.Join(err, taken.Close()); err != nil {
		t.Fatal(err)
	}
	return string(data), taken.Version
}

func TestHandoverComesBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "files")
	s := handoverStore(t, dir)
	file, path := hand(t, s, "../notes.txt", "one")
	if filepath.Base(path) != "notes.txt" || !strings.HasPrefix(path, dir+"/") {
		t.Errorf("path %q", path)
	}
	if err := os.WriteFile(path, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, version := take(t, s, file, "")
	if text != "two" {
		t.Errorf("took %q", text)
	}
	// As editors save: into another file, which takes its place.
	if err := errors.Join(os.WriteFile(path+"~", []byte("three"), 0o600), os.Rename(path+"~", path)); err != nil {
		t.Fatal(err)
	}
	if text, version = take(t, s, file, version); text != "three" {
		t.Errorf("took %q", text)
	}
	// What is not closed yet comes with the end at the latest.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(" and four"); err != nil {
		t.Fatal(err)
	}
	s.handover.ended("editor-1")
	if text, version = take(t, s, file, version); text != "three and four" {
		t.Errorf("took %q", text)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Take(t.Context(), file, version); !errors.Is(err, fusion.ErrNotFound) {
		t.Errorf("after the end: %v", err)
	}
	s.endHandover(t)
	empty(t, dir)
}

func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left in %s: %v, %v", dir, left, err)
	}
}

// A version that is written while it is read is void.
func TestAVersionThatChangesIsVoid(t *testing.T) {
	s := handoverStore(t, t.TempDir())
	defer s.endHandover(t)
	file, path := hand(t, s, "a.txt", "one")
	if err := os.WriteFile(path, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := s.Take(t.Context(), file, "")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := io.ReadFull(taken, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("longer"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(taken); !errors.Is(err, errWriting) {
		t.Errorf("read whole: %v", err)
	}
	if text, _ := take(t, s, file, ""); text != "longer" {
		t.Errorf("took %q", text)
	}
}

// What an app wrote survives the node, and the app's end without it.
func TestHandoverSurvivesTheNode(t *testing.T) {
	dir := t.TempDir()
	s := handoverStore(t, dir)
	file, path := hand(t, s, "a.txt", "one")
	s.endHandover(t)
	if err := os.WriteFile(path, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, "HALF")
	if err := errors.Join(os.Mkdir(half, 0o700), os.WriteFile(filepath.Join(half, "x"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	s = handoverStore(t, dir)
	s.handover.settle(func(string) bool { return false })
	text, version := take(t, s, file, "")
	if text != "two" {
		t.Errorf("took %q", text)
	}
	if _, err := s.Take(t.Context(), file, version); !errors.Is(err, fusion.ErrNotFound) {
		t.Error(err)
	}
	s.endHandover(t)
	empty(t, dir)
}

func TestHandRefuses(t *testing.T) {
	dir := t.TempDir()
	s := handoverStore(t, dir)
	hintful := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) || fusion.Hint(err) == "" {
			t.Errorf("%s: %v (%s)", what, err, fusion.Hint(err))
		}
	}
	_, err := s.Hand(t.Context(), "a", 1<<60, bytes.NewReader(nil))
	hintful("a file larger than the disk", err, fusion.ErrInvalid)
	_, err = s.Hand(t.Context(), "a", -1, bytes.NewReader(nil))
	hintful("no size", err, fusion.ErrInvalid)
	for _, size := range []int64{2, 4} {
		_, err = s.Hand(t.Context(), "a", size, strings.NewReader("abc"))
		hintful("another size", err, fusion.ErrInvalid)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Hand(ctx, "a", 3, strings.NewReader("abc")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	hintful("drop", s.Drop(t.Context(), fusion.HandedPrefix+"none"), fusion.ErrNotFound)
	s.endHandover(t)
	empty(t, dir)
}

func TestOldFilesAreSwept(t *testing.T) {
	dir := t.TempDir()
	s := handoverStore(t, dir)
	unused, err := s.Hand(t.Context(), "a", 1, strings.NewReader("a"))
	if err != nil {
		t.Fatal(err)
	}
	used, _ := hand(t, s, "b", "b")
	s.handover.sweep(time.Now().Add(unusedFor + time.Second))
	if err := s.Drop(t.Context(), unused); !errors.Is(err, fusion.ErrNotFound) {
		t.Errorf("a file that no app has stays: %v", err)
	}
	s.handover.ended("editor-1")
	s.handover.sweep(time.Now().Add(keptFor - time.Minute))
	s.handover.sweep(time.Now().Add(keptFor + time.Minute))
	if err := s.Drop(t.Context(), used); !errors.Is(err, fusion.ErrNotFound) {
		t.Errorf("what nobody fetched stays: %v", err)
	}
	s.endHandover(t)
	empty(t, dir)
}
