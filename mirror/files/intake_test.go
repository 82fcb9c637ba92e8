package files

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hither/mirror/wire"
)

func testStore(t *testing.T) *Store { return NewStore(filepath.Join(t.TempDir(), "pasted")) }

func begin(t *testing.T, p Place, files int, bytes uint64) *Intake {
	t.Helper()
	in, err := p.Begin(files, bytes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Drop() })
	return in
}

func put(t *testing.T, in *Intake, path, content string) {
	t.Helper()
	if err := errors.Join(in.Entry(wire.FileEntry{Path: path, Size: uint64(len(content))}), in.Piece([]byte(content))); err != nil {
		t.Fatal(err)
	}
}

// listing gives all files below a directory, with the beginnings of their
// contents.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all = append(all, rel+"="+string(b[:min(9, len(b))]))
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Join(all, "|")
}

func TestHostileNamesStayBelow(t *testing.T) {
	s := testStore(t)
	in := begin(t, s, 20, 1000)
	for _, path := range []string{"..", "\u202ea", "x\x00y", strings.Repeat("n", 4000), `..\..\a`, "a", "a", "a", "..", "CON"} {
		put(t, in, path, "c")
	}
	if err := in.Entry(wire.FileEntry{Path: "d", Dir: true}); err != nil {
		t.Fatal(err)
	}
	put(t, in, "d/..", "c")
	put(t, in, "d/a", "c")
	paths, err := in.Keep()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if _, err := os.Lstat(path); err != nil || filepath.Dir(filepath.Dir(path)) != s.dir || len(filepath.Base(path)) > 255 {
			t.Errorf("%q: %v", path, err)
		}
	}
	if got, want := len(paths), 11; got != want {
		t.Errorf("%d came, want %d: %q", got, want, paths)
	}
	for _, path := range []string{"../a", "/etc/passwd", "e/a", "d/../a", "d//a", "", "//"} {
		in := begin(t, s, 20, 1000)
		err := in.Entry(wire.FileEntry{Path: "d", Dir: true})
		if err == nil {
			err = in.Entry(wire.FileEntry{Path: path})
		}
		if err == nil {
			t.Errorf("%q was made", path)
		}
	}
}

func TestIntakeHoldsToWhatWasSaid(t *testing.T) {
	s := testStore(t)
	bad := func(what string, do func(in *Intake) error) {
		t.Helper()
		in := begin(t, s, 1, 10)
		put(t, in, "first", "x")
		err := do(in)
		if _, kept := in.Keep(); err == nil && kept == nil {
			t.Errorf("%s was kept", what)
		}
		if err := in.Drop(); err != nil {
			t.Error(err)
		}
	}
	bad("a short file", func(in *Intake) error { return in.Entry(wire.FileEntry{Path: "a", Size: 3}) })
	bad("a long file", func(in *Intake) error {
		return errors.Join(in.Entry(wire.FileEntry{Path: "a", Size: 1}), in.Piece([]byte("xx")))
	})
	bad("a piece of nothing", func(in *Intake) error { return in.Piece([]byte("x")) })
	bad("a file that began before one was whole", func(in *Intake) error {
		return errors.Join(in.Entry(wire.FileEntry{Path: "a", Size: 3}), in.Entry(wire.FileEntry{Path: "b"}))
	})
	bad("a directory named twice", func(in *Intake) error {
		return errors.Join(in.Entry(wire.FileEntry{Path: "d", Dir: true}), in.Entry(wire.FileEntry{Path: "d", Dir: true}))
	})
	bad("far more than was said", func(in *Intake) error { return in.Entry(wire.FileEntry{Path: "a", Size: 1 << 40}) })
	bad("what lies too deep", func(in *Intake) (err error) {
		for n := 1; n <= maxDepth+1 && err == nil; n++ {
			err = in.Entry(wire.FileEntry{Path: strings.Repeat("/d", n)[1:], Dir: true})
		}
		return err
	})
	bad("too many", func(in *Intake) (err error) {
		for n := 0; n <= maxEntries && err == nil; n++ {
			in.entries++
			if n == maxEntries {
				err = in.Entry(wire.FileEntry{Path: "a"})
			}
		}
		return err
	})
	if got := listing(t, s.dir); got != "" {
		t.Errorf("left %q", got)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("left %v, %v", entries, err)
	}
}

func TestStoreIsBounded(t *testing.T) {
	s := testStore(t)
	s.bytes, s.count = 100, 3
	add := func(content string) (string, error) {
		in, err := s.Begin(1, uint64(len(content)))
		if err != nil {
			return "", err
		}
		put(t, in, "f", content)
		paths, err := in.Keep()
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Dir(paths[0]), nil
	}
	age := func(dir string, d time.Duration) {
		at := time.Now().Add(-d)
		if err := os.Chtimes(dir, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := add(strings.Repeat("x", 101)); !errors.Is(err, errNoRoom) {
		t.Errorf("too large a transfer: %v", err)
	}
	var dirs []string
	for range 3 {
		dir, err := add("123")
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	if _, err := add("1"); !errors.Is(err, errNoRoom) {
		t.Errorf("what was pasted just now made room: %v", err)
	}
	age(dirs[1], storeRest+time.Minute)
	if _, err := add("1"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dirs[1]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the oldest did not make room: %v", err)
	}
	age(dirs[0], storeAge+time.Minute)
	if err := s.Sweep(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dirs[0]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what is old was not swept: %v", err)
	}
	if _, err := os.Stat(dirs[2]); err != nil {
		t.Errorf("what is new was swept: %v", err)
	}
}

func TestHalfAFileOfADeadProcessIsSwept(t *testing.T) {
	s := testStore(t)
	live := begin(t, s, 1, 10)
	put(t, live, "live", "x")
	dead := begin(t, s, 1, 10)
	put(t, dead, "dead", "x")
	if err := errors.Join(dead.root.Close(), dead.hold.Close()); err != nil { // as the end of the process does
		t.Fatal(err)
	}
	if err := s.Sweep(); err != nil {
		t.Fatal(err)
	}
	if got := listing(t, s.dir); got != filepath.Base(live.dir)+"/live=x" {
		t.Errorf("left %q", got)
	}
	if paths, err := live.Keep(); err != nil || len(paths) != 1 {
		t.Errorf("%q, %v", paths, err)
	}
}

func TestDownloadsWriteNothingOver(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "Downloads")
	d := &Downloads{Dir: func() (string, error) { return dir, nil }}
	for n := range 2 {
		in := begin(t, d, 3, 100)
		put(t, in, "a.txt", string('1'+rune(n)))
		if err := in.Entry(wire.FileEntry{Path: "d", Dir: true}); err != nil {
			t.Fatal(err)
		}
		put(t, in, "d/a.txt", string('1'+rune(n)))
		if got := listing(t, dir); strings.Count(got, "|") != n*2+1 || !strings.Contains(got, dropPrefix) {
			t.Errorf("before it is whole: %q", got)
		}
		paths, err := in.Keep()
		if err != nil || len(paths) != 2 {
			t.Fatalf("%q, %v", paths, err)
		}
	}
	if got, want := listing(t, dir), "a (2).txt=2|a.txt=1|d/a.txt=1|d (2)/a.txt=2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	in := begin(t, d, 1, 100)
	put(t, in, "half", "x")
	if err := in.Drop(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 4 {
		t.Errorf("left %v, %v", entries, err)
	}
}

func TestClaimWritesNothingOver(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	for path, content := range map[string]string{from: "new", to: "old"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := claim(from, to); !errors.Is(err, os.ErrExist) {
		t.Errorf("claimed what is there: %v", err)
	}
	if err := os.Remove(to); err != nil {
		t.Fatal(err)
	}
	if err := claim(from, to); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(to); err != nil || !bytes.Equal(b, []byte("new")) {
		t.Errorf("%q, %v", b, err)
	}
}

// FuzzIntake takes what a hostile side sends: it stays below its directory.
func FuzzIntake(f *testing.F) {
	for _, seed := range []string{"a|b", "d/|d/a|d/a", "../x|/y", "d/|d/..|d/\x00", "a/|A|a/./b"} {
		f.Add(seed)
	}
	root := f.TempDir()
	s := NewStore(filepath.Join(root, "pasted"))
	f.Fuzz(func(t *testing.T, list string) {
		in := begin(t, s, 10, 100)
		for path := range strings.SplitSeq(list, "|") {
			path, dir := strings.CutSuffix(path, "/")
			if err := in.Entry(wire.FileEntry{Path: path, Dir: dir}); err != nil {
				break
			}
		}
		if _, err := in.Keep(); err == nil {
			left, err := os.ReadDir(root)
			if err != nil || len(left) != 1 {
				t.Fatalf("%v, %v", left, err)
			}
		}
		if err := os.RemoveAll(s.dir); err != nil {
			t.Fatal(err)
		}
	})
}
