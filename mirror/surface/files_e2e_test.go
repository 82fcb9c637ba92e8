//go:build e2e && linux

package surface

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"hither/fusion"
	"hither/internal/xserver"
	"hither/mirror"
	"hither/mirror/files"
)

// between is a view of a far display with what both sides keep of files.
type between struct {
	*desk
	far               string
	outer, area       xproto.Window
	pipe              fusion.Pipe
	here, there, down string // stores of the viewer and the host, and the host's downloads
}

func viewFiles(t *testing.T, options fusion.ViewOptions) *between {
	b := &between{far: xserver.Start(t, "-screen", "0", "640x480x24").Display, desk: newDesk(t), here: filepath.Join(t.TempDir(), "pasted"),
		there: filepath.Join(t.TempDir(), "pasted"), down: filepath.Join(t.TempDir(), "Downloads")}
	s := mirror.NewServer(farDisplay(b.far), mirror.Config{Pasted: files.NewStore(b.there),
		Dropped: &files.Downloads{Dir: func() (string, error) { return b.down, nil }}})
	t.Cleanup(func() { s.Close() })
	var err error
	if b.pipe, err = s.Open(t.Context(), "far", options); err != nil {
		t.Fatal(err)
	}
	runView(t, b.desk, b.pipe, Config{Host: "nas", Pasted: b.here})
	b.outer, b.area = b.waitWindow("far — nas")
	b.until("the focus", func() bool { return b.focused() == b.outer })
	at := b.place(b.area)
	b.fake(xproto.MotionNotify, 0, at.X+9, at.Y+9)
	b.press(30)
	return b
}

// store is where what is pasted on a display goes.
func (b *between) store(display string) string {
	if display == b.far {
		return b.there
	}
	return b.here
}

func create(t *testing.T, path string, size int) {
	t.Helper()
	content := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(size)})
	_, _ = r.Read(content) // never fails
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// sums gives a sum for each file of a directory.
func sums(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	all := map[string][32]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, path))
		all[path] = sha256.Sum256(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// offered waits until a display's clipboard has files of the other side.
func (b *between) offered(display string) {
	b.t.Helper()
	b.until("files in the clipboard", func() bool {
		targets := pastes(display, "TARGETS")
		return bytes.Contains(targets, []byte("text/uri-list\n")) && bytes.Contains(targets, []byte("application/x-hither-clipboard\n"))
	})
}

// pasted gives what a program gets that pastes files on a display.
func (b *between) pasted(display, target string) []string {
	b.t.Helper()
	b.offered(display)
	return files.Paths(pastes(display, target))
}

func empty(t *testing.T, dir string) bool {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return len(left) == 0
}

func TestFilesBothWays(t *testing.T) {
	b := viewFiles(t, fusion.ViewOptions{})
	dir := t.TempDir()
	for n := range 300 {
		create(t, filepath.Join(dir, "many", fmt.Sprint(n%7), fmt.Sprintf("名 %d.txt", n)), n*31)
	}
	create(t, filepath.Join(dir, "large"), 100<<20)
	want := sums(t, dir)
	list := files.URIs([]string{filepath.Join(dir, "many"), filepath.Join(dir, "large")})
	gnome := append([]byte("cut\n"), bytes.ReplaceAll(list, []byte("\r\n"), []byte("\n"))...)
	for _, way := range []struct {
		from, to, target, paste string
		content                 []byte
	}{
		{b.far, b.name, "text/uri-list", "x-special/gnome-copied-files", list},
		{b.name, b.far, "x-special/gnome-copied-files", "text/uri-list", gnome},
	} {
		copies(t, way.from, way.target, way.content)
		began := time.Now()
		paths := b.pasted(way.to, way.paste)
		took := time.Since(began)
		b.until("the note", func() bool { return b.labels(b.area) == 1 }) // it goes after a while
		if len(paths) != 2 || filepath.Dir(filepath.Dir(paths[0])) != b.store(way.to) {
			t.Fatalf("pasted %q", paths)
		}
		if !maps.Equal(sums(t, filepath.Dir(paths[0])), want) {
			t.Error("not the same arrived")
		}
		t.Logf("301 files, 101 MiB in %v", took)
		if again := b.pasted(way.to, way.paste); len(again) != 2 || again[0] != paths[0] {
			t.Errorf("pasted again: %q", again)
		}
	}
}

// sparse makes a file that takes long to send and no disk here.
func sparse(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "long")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 4<<30)); err != nil {
		t.Fatal(err)
	}
	return files.URIs([]string{path})
}

// growing waits until a part of a transfer is there.
func growing(b *between, store string) {
	b.t.Helper()
	b.until("a part of the file", func() bool {
		found, err := filepath.Glob(filepath.Join(store, ".part-*", "long"))
		if err != nil || len(found) == 0 {
			return false
		}
		info, err := os.Stat(found[0])
		return err == nil && info.Size() > 1<<20
	})
}

func TestCancelLeavesNothing(t *testing.T) {
	b := viewFiles(t, fusion.ViewOptions{})
	for _, way := range [][2]string{{b.far, b.name}, {b.name, b.far}} {
		copies(t, way[0], "text/uri-list", sparse(t))
		b.offered(way[1])
		done := make(chan []byte)
		go func() { done <- pastes(way[1], "text/uri-list") }()
		growing(b, b.store(way[1]))
		b.press(keyLeftCtrl, keyLeftAlt, keyC)
		if got := <-done; len(got) > 0 {
			t.Errorf("pasted %q", got)
		}
		b.until("nothing left", func() bool { return empty(t, b.store(way[1])) })
	}
}

func TestLostConnectionLeavesNothing(t *testing.T) {
	for _, back := range []bool{false, true} {
		b := viewFiles(t, fusion.ViewOptions{})
		from, to := b.far, b.name
		if back {
			from, to = to, from
		}
		copies(t, from, "text/uri-list", sparse(t))
		b.offered(to)
		done := make(chan []byte)
		go func() { done <- pastes(to, "text/uri-list") }()
		growing(b, b.store(to))
		b.pipe.Close()
		if got := <-done; len(got) > 0 {
			t.Errorf("pasted %q", got)
		}
		b.until("nothing left", func() bool { return empty(t, b.store(to)) })
	}
}

func TestHostileNamesArriveSafe(t *testing.T) {
	b := viewFiles(t, fusion.ViewOptions{})
	dir := t.TempDir()
	names := []string{"a\nb", "gpj.\u202eexe", "back\\slash", "\x1b[31m", "bad\xff", "-rf"}
	var paths []string
	for _, name := range names {
		create(t, filepath.Join(dir, "d", name), 10)
		create(t, filepath.Join(dir, name), 10)
		paths = append(paths, filepath.Join(dir, name))
	}
	paths = append(paths, filepath.Join(dir, "d"))
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "d", "link")); err != nil {
		t.Fatal(err)
	}
	copies(t, b.far, "text/uri-list", files.URIs(paths))
	got := b.pasted(b.name, "text/uri-list")
	if len(got) != len(paths) {
		t.Fatalf("pasted %q", got)
	}
	err := filepath.WalkDir(filepath.Dir(got[0]), func(path string, e fs.DirEntry, err error) error {
		if name := e.Name(); err == nil && (files.Name(name) != name || !e.Type().IsRegular() && !e.IsDir()) {
			t.Errorf("%q came", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(filepath.Dir(got[0]), "d")); err != nil || len(left) != len(names) {
		t.Errorf("%v, %v", left, err)
	}
}
