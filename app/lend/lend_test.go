package lend

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hither/fusion"
	"hither/fusion/hosttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// scene is a book, the host "nas" in memory, and a file of the owner.
type scene struct {
	t     *testing.T
	host  *hosttest.Memory
	dir   string
	path  string
	notes chan Note
	ended chan error
	loan  *Loan
	run   fusion.Screen
}

func newScene(t *testing.T) *scene {
	s := &scene{t: t, host: hosttest.NewMemory("id-nas", "nas"), dir: t.TempDir(), notes: make(chan Note, 16), ended: make(chan error, 1)}
	s.path = filepath.Join(s.dir, "notes.txt")
	s.write("one")
	return s
}

func (s *scene) write(text string) {
	s.t.Helper()
	if err := os.WriteFile(s.path, []byte(text), 0o640); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) open() *Book {
	s.t.Helper()
	b, err := Open(Config{Dir: filepath.Join(s.dir, "lent"), Host: func(fusion.HostID) (fusion.Handover, string, error) { return s.host.Apps(), "nas", nil }})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = b.Close() })
	return b
}

// lend hands the file over, runs an app with it and follows it.
func (s *scene) lend(b *Book) {
	s.t.Helper()
	ctx, apps := s.t.Context(), s.host.Apps()
	loan, err := Lend(ctx, "id-nas", apps, s.path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.run, err = apps.Run(ctx, fusion.Self, "terminal", []string{loan.File}); err != nil {
		s.t.Fatal(err)
	}
	s.loan = loan
	go func() { s.ended <- b.Begin(ctx, []*Loan{loan}, func(n Note) { s.notes <- n }) }()
}

func (s *scene) note(what string) Note {
	s.t.Helper()
	select {
	case n := <-s.notes:
		if n.What != what || n.File != s.path {
			s.t.Errorf("note %+v, want %q", n, what)
		}
		return n
	case <-time.After(patience):
		s.t.Fatalf("no note %q", what)
	}
	panic("unreachable")
}

func (s *scene) end() {
	s.t.Helper()
	if err := s.host.Apps().End(s.t.Context(), s.run.Name); err != nil {
		s.t.Fatal(err)
	}
	select {
	case err := <-s.ended:
		if err != nil {
			s.t.Error(err)
		}
	case <-time.After(patience):
		s.t.Fatal("the loan does not end")
	}
}

func (s *scene) holds(path, want string) {
	s.t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		s.t.Errorf("%s holds %q, want %q (%v)", path, got, want, err)
	}
}

func (s *scene) names() []string {
	s.t.Helper()
	files, err := os.ReadDir(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

func TestWrittenBack(t *testing.T) {
	s := newScene(t)
	s.lend(s.open())
	for _, text := range []string{"two", "", "three, longer"} {
		s.host.Write(s.loan.File, []byte(text))
		s.note("saved")
		s.holds(s.path, text)
	}
	if info, err := os.Stat(s.path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	s.end()
	if got := s.names(); !slices.Equal(got, []string{"lent", "notes.txt"}) {
		t.Errorf("left: %q", got)
	}
}

func TestBothAreKept(t *testing.T) {
	s := newScene(t)
	s.lend(s.open())
	s.host.Write(s.loan.File, []byte("two"))
	s.note("saved")
	s.write("mine")
	s.host.Write(s.loan.File, []byte("theirs"))
	n := s.note("kept")
	if name := filepath.Base(n.Path); !strings.HasPrefix(name, "notes.conflict-nas-") || !strings.HasSuffix(name, ".txt") {
		t.Errorf("kept as %q", name)
	}
	s.holds(s.path, "mine")
	s.holds(n.Path, "theirs")
	s.host.Write(s.loan.File, []byte("theirs again"))
	if again := s.note("kept"); again.Path != n.Path {
		t.Errorf("kept as %q, then as %q", n.Path, again.Path)
	}
	s.holds(n.Path, "theirs again")
	s.holds(s.path, "mine")
	s.end()
}

func TestARemovedFileIsNotLost(t *testing.T) {
	s := newScene(t)
	s.lend(s.open())
	if err := os.Remove(s.path); err != nil {
		t.Fatal(err)
	}
	s.host.Write(s.loan.File, []byte("two"))
	s.holds(s.note("kept").Path, "two")
	s.end()
}

func TestALinkStays(t *testing.T) {
	s := newScene(t)
	real := s.path
	s.path = filepath.Join(s.dir, "link.txt")
	if err := os.Symlink("notes.txt", s.path); err != nil {
		t.Fatal(err)
	}
	s.lend(s.open())
	s.host.Write(s.loan.File, []byte("two"))
	s.note("saved")
	s.holds(real, "two")
	if info, err := os.Lstat(s.path); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("%v, %v", info, err)
	}
	s.end()
}

// The next node follows on.
func TestARestartFollowsOn(t *testing.T) {
	s := newScene(t)
	b := s.open()
	s.lend(b)
	s.host.Write(s.loan.File, []byte("two"))
	s.note("saved")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-s.ended; !errors.Is(err, fusion.ErrOffline) {
		t.Errorf("the node stopped: %v", err)
	}
	s.host.Write(s.loan.File, []byte("three"))
	s.open()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if got, err := os.ReadFile(s.path); err == nil && string(got) == "three" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("not written back")
		}
	}
}

// brokenHost gives versions that end too early, then whole ones.
type brokenHost struct {
	fusion.Handover
	broken int
}

func (b *brokenHost) Take(ctx context.Context, file, after string) (fusion.Taken, error) {
	taken, err := b.Handover.Take(ctx, file, after)
	if b.broken--; err == nil && b.broken >= 0 {
		taken.ReadCloser = io.NopCloser(io.MultiReader(strings.NewReader("ha"), failing{}))
	}
	return taken, err
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestABrokenVersionIsTakenAgain(t *testing.T) {
	s := newScene(t)
	b, err := Open(Config{Dir: filepath.Join(s.dir, "lent"), Host: func() func(fusion.HostID) (fusion.Handover, string, error) {
		broken := &brokenHost{s.host.Apps(), 1}
		return func(fusion.HostID) (fusion.Handover, string, error) { return broken, "nas", nil }
	}()})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	s.lend(b)
	s.host.Write(s.loan.File, []byte("two"))
	s.note("saved")
	s.holds(s.path, "two")
	s.end()
	if got := s.names(); !slices.Equal(got, []string{"lent", "notes.txt"}) {
		t.Errorf("left: %q", got)
	}
}

func TestLendRefuses(t *testing.T) {
	s := newScene(t)
	for path, want := range map[string]error{s.dir: fusion.ErrUnsupported, filepath.Join(s.dir, "none"): fusion.ErrNotFound} {
		if _, err := Lend(t.Context(), "id-nas", s.host.Apps(), path, nil); !errors.Is(err, want) || fusion.Hint(err) == "" {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestConflictNames(t *testing.T) {
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	for path, want := range map[string]string{
		"/a/notes.txt": "/a/notes.conflict-nas-20261121-100000.txt",
		"/a/.bashrc":   "/a/.bashrc.conflict-nas-20261121-100000",
		"/a/b.tar.gz":  "/a/b.tar.conflict-nas-20261121-100000.gz",
		"/a/plain":     "/a/plain.conflict-nas-20261121-100000",
		"/a/报告 1.odt":  "/a/报告 1.conflict-nas-20261121-100000.odt",
	} {
		if got := conflictName(path, "nas", now)(0); got != want {
			t.Errorf("%s gives %s, want %s", path, got, want)
		}
	}
	if got := conflictName("/a/b.c", "nas", now)(1); got != "/a/b.conflict-nas-20261121-100000-2.c" {
		t.Error(got)
	}
}

func TestSaveErrorsSayWhatToDo(t *testing.T) {
	if text := (saveError{&os.PathError{Op: "write", Path: "/a", Err: syscall.ENOSPC}}).text(); !strings.Contains(text, "free some space") {
		t.Error(text)
	}
	l := Loan{Target: filepath.Join(t.TempDir(), "none", "a.txt")}
	if err := l.save(bytes.NewReader(nil), "nas", time.Now(), nil); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// TestAKillAmidAWriteIsNoConflict: whatever was the last thing that a killed node did, what it
// wrote itself is not taken for the owner's.
func TestAKillAmidAWriteIsNoConflict(t *testing.T) {
	for _, owner := range []string{"one", "the owner's own"} { // the second has its conflict once
		s := newScene(t)
		loan, err := Lend(t.Context(), "id-nas", s.host.Apps(), s.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.write(owner)
		var noted []Loan // as lent.json has them
		write := func(l Loan, text string) Loan {
			t.Helper()
			if err := l.save(strings.NewReader(text), "nas", time.Now(), func() error { noted = append(noted, l); return nil }); err != nil {
				t.Fatal(err)
			}
			return l
		}
		done := write(*loan, "two")
		write(noted[0], "three") // killed after "two" took its place
		if err := os.WriteFile(done.Target, []byte("two"), 0o600); err != nil {
			t.Fatal(err)
		}
		write(write(noted[1], "two"), "") // killed before "three" took its place
		last := noted[len(noted)-1]
		s.holds(last.Target, "")
		want := 1
		if owner != "one" {
			s.holds(s.path, owner)
			want = 2
		}
		if names := s.names(); len(names) != want {
			t.Errorf("there are %q", names)
		}
	}
}

// TestWhatCannotBeNotedIsNotWritten: the owner's file stays, and nothing is beside it.
func TestWhatCannotBeNotedIsNotWritten(t *testing.T) {
	for _, owner := range []string{"one", "the owner's own"} {
		s := newScene(t)
		loan, err := Lend(t.Context(), "id-nas", s.host.Apps(), s.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.write(owner)
		err = loan.save(strings.NewReader("two"), "nas", time.Now(), func() error { return syscall.ENOSPC })
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%v", err)
		}
		s.holds(s.path, owner)
		if names := s.names(); len(names) != 1 {
			t.Errorf("left: %q", names)
		}
	}
}
