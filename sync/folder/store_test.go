package folder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
)

// two opens two nodes of one owner that see each other.
func two(t *testing.T) (a, b *node) {
	n := newNetwork()
	a, b = n.open(t, "host-a"), n.open(t, "host-b")
	n.pair(a.id, b.id, true)
	meet(a, b, true)
	return a, b
}

func TestShareBothWays(t *testing.T) {
	a, b := two(t)
	dir := a.add("docs")
	names := []string{"plain.txt", "sub/deep/ähm – ünïcode.txt", "日本語/文書.txt", "emoji 🦊", "Leerzeichen und 'quotes'"}
	for i, name := range names {
		write(t, dir, name, fmt.Sprint("text ", i))
	}
	if err := a.Share(t.Context(), "docs", b.id); err != nil {
		t.Fatal(err)
	}
	f := b.untilIdle("docs", int64(len(names)))
	if want := filepath.Join(b.home, "folders", "docs"); f.Path != want {
		t.Errorf("path %s, want %s", f.Path, want)
	}
	for i, name := range names {
		untilFile(t, f.Path, name, fmt.Sprint("text ", i))
	}
	write(t, f.Path, "back.txt", "from b")
	untilFile(t, dir, "back.txt", "from b")
	a.untilIdle("docs", int64(len(names))+1)
}

func TestConflictKeepsBoth(t *testing.T) {
	a, b := two(t)
	dir := a.add("docs")
	write(t, dir, "note.txt", "first")
	if err := a.Share(t.Context(), "docs", b.id); err != nil {
		t.Fatal(err)
	}
	there := b.untilIdle("docs", 1).Path
	untilFile(t, there, "note.txt", "first")
	meet(a, b, false)
	a.until("docs", "away", func(f fusion.Folder) bool { return strings.Contains(f.Note, "host-b is away") })
	write(t, dir, "note.txt", "changed on a")
	write(t, there, "note.txt", "changed on b, longer")
	for _, d := range []*node{a, b} {
		d.until("docs", "scanned", func(f fusion.Folder) bool { return f.GlobalBytes > int64(len("first")) })
	}
	meet(a, b, true)
	for _, dir := range []string{dir, there} {
		untilVersions(t, dir, "changed on a", "changed on b, longer")
	}
}

// untilVersions waits until dir has a file with each of the texts.
func untilVersions(t *testing.T, dir string, texts ...string) {
	t.Helper()
	var found map[string]bool
	ok := eventually(func() bool {
		found = map[string]bool{}
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if data, err := os.ReadFile(filepath.Join(dir, f.Name())); err == nil {
				found[string(data)] = true
			}
		}
		for _, text := range texts {
			if !found[text] {
				return false
			}
		}
		return true
	})
	if !ok {
		t.Fatalf("%s has %v", dir, found)
	}
}

func TestShareWhileAway(t *testing.T) {
	a, b := two(t)
	meet(a, b, false)
	dir := a.add("docs")
	write(t, dir, "one", "1")
	if err := a.Share(t.Context(), "docs", b.id); err != nil {
		t.Fatal(err)
	}
	f := a.until("docs", "waiting", func(f fusion.Folder) bool { return f.State == "waiting" })
	if !strings.Contains(f.Note, "host-b is away") || len(f.Hosts) != 1 || f.Hosts[0] != "host-b" {
		t.Errorf("waiting folder shows %+v", f)
	}
	meet(a, b, true)
	untilFile(t, b.untilIdle("docs", 1).Path, "one", "1")
	a.untilShared("docs", b.id)
}

func TestRemoveLeavesFiles(t *testing.T) {
	a, b := two(t)
	dir := a.add("docs")
	write(t, dir, "one", "1")
	if err := a.Share(t.Context(), "docs", b.id); err != nil {
		t.Fatal(err)
	}
	there := b.untilIdle("docs", 1).Path
	if err := b.Remove(t.Context(), "docs"); err != nil {
		t.Fatal(err)
	}
	untilFile(t, there, "one", "1")
	if _, err := b.Get(t.Context(), "docs"); !errors.Is(err, fusion.ErrNotFound) || fusion.Hint(err) == "" {
		t.Errorf("removed folder: %v", err)
	}
	a.until("docs", "alone", func(f fusion.Folder) bool { return len(f.Hosts) == 0 && f.State == "idle" })
	untilFile(t, dir, "one", "1")
	write(t, there, "two", "2")
	if err := b.Remove(t.Context(), "docs"); !errors.Is(err, fusion.ErrNotFound) {
		t.Errorf("second remove: %v", err)
	}
	// Shared again, the two directories become one.
	if err := a.Share(t.Context(), "docs", b.id); err != nil {
		t.Fatal(err)
	}
	untilFile(t, dir, "two", "2")
}

func TestRemoveWhileAway(t *testing.T) {
	a, b := two(t)
	a.add("docs")
	if err := a.Share(t.Context(), "docs", b.id); err != nil {
		t.Fatal(err)
	}
	meet(a, b, false)
	if err := b.Remove(t.Context(), "docs"); err != nil {
		t.Fatal(err)
	}
	meet(a, b, true)
	a.until("docs", "alone", func(f fusion.Folder) bool { return len(f.Hosts) == 0 })
	if list, err := b.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("it came back: %v, %v", list, err)
	}
}

func TestUnpaired(t *testing.T) {
	a, b := two(t)
	dir := a.add("docs")
	if err := a.Share(t.Context(), "docs", b.id); err != nil {
		t.Fatal(err)
	}
	a.untilShared("docs", b.id)
	a.net.unpair(a.id, b.id)
	a.Unpaired(b.id)
	b.Unpaired(a.id)
	for _, d := range []*node{a, b} {
		if f, err := d.Get(t.Context(), "docs"); err != nil || len(f.Hosts) != 0 {
			t.Errorf("%s after: %+v, %v", d.id, f, err)
		}
		if len(d.ledger.Load().Devices) != 0 {
			t.Errorf("%s remembers %v", d.id, d.ledger.Load().Devices)
		}
	}
	if err := a.Share(t.Context(), "docs", b.id); !errors.Is(err, fusion.ErrUnpaired) || fusion.Hint(err) == "" {
		t.Errorf("share with a stranger: %v", err)
	}
	write(t, dir, "secret", "stays")
	a.untilIdle("docs", 1)
	if _, err := os.Stat(filepath.Join(b.home, "folders", "docs", "secret")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it went to a stranger: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	a, b := two(t)
	a.add("docs")
	b.add("docs")
	err := a.Share(t.Context(), "docs", b.id)
	if !errors.Is(err, fusion.ErrExists) || fusion.Hint(err) == "" {
		t.Errorf("name clash: %v", err)
	}
	a.net.pair(a.id, b.id, false)
	a.add("other")
	err = a.Share(t.Context(), "other", b.id)
	if !errors.Is(err, fusion.ErrPermission) || fusion.Hint(err) == "" {
		t.Errorf("guest: %v", err)
	}
	for _, name := range []string{"docs", "other"} {
		if f, err := a.Get(t.Context(), name); err != nil || len(f.Hosts) != 0 {
			t.Errorf("refused %s shows %+v, %v", name, f, err)
		}
	}
	if err := a.Share(t.Context(), "none", b.id); !errors.Is(err, fusion.ErrNotFound) {
		t.Errorf("no folder: %v", err)
	}
	if err := a.Share(t.Context(), "docs", a.id); !errors.Is(err, fusion.ErrInvalid) {
		t.Errorf("with itself: %v", err)
	}
}

// TestGrantTakenAway is so for the side that dials the link and for the other.
func TestGrantTakenAway(t *testing.T) {
	t.Run("by the dialed", func(t *testing.T) {
		a, b := two(t)
		takeGrant(t, a, b)
	})
	t.Run("by the dialer", func(t *testing.T) {
		b, a := two(t)
		takeGrant(t, a, b)
	})
}

func takeGrant(t *testing.T, a, b *node) {
	dir := a.add("docs")
	if err := a.Share(t.Context(), "docs", b.id); err != nil {
		t.Fatal(err)
	}
	a.untilShared("docs", b.id)
	b.net.pair(a.id, b.id, false)
	b.SetOnline(a.id, true)
	b.until("docs", "waiting", func(f fusion.Folder) bool {
		return f.State == "waiting" && strings.Contains(f.Note, "may no longer use files")
	})
	a.until("docs", "told that b refuses", func(f fusion.Folder) bool {
		return f.State == "waiting" && strings.Contains(f.Note, string(b.id)+" no longer takes files from here")
	})
	write(t, dir, "late", "not for b")
	a.until("docs", "scanned", func(f fusion.Folder) bool { return f.GlobalFiles == 1 })
	if _, err := os.Stat(filepath.Join(b.home, "folders", "docs", "late")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it was written: %v", err)
	}
	b.net.pair(a.id, b.id, true)
	b.SetOnline(a.id, true)
	untilFile(t, filepath.Join(b.home, "folders", "docs"), "late", "not for b")
	a.untilShared("docs", b.id)
}

func TestReopen(t *testing.T) {
	a, b := two(t)
	dir := a.add("docs")
	write(t, dir, "one", "1")
	if err := a.Share(t.Context(), "docs", b.id); err != nil {
		t.Fatal(err)
	}
	there := b.untilIdle("docs", 1).Path
	meet(a, b, false)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, there, "two", "written while the node was down")
	b.start()
	meet(a, b, true)
	untilFile(t, dir, "two", "written while the node was down")
	b.untilIdle("docs", 2)
}

func TestPathGone(t *testing.T) {
	a := newNetwork().open(t, "host-a")
	dir := a.add("docs")
	write(t, dir, "one", "1")
	a.untilIdle("docs", 1)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	a.engine.Load().rescan(a.ledger.Load().Folders[0].ID)
	f := a.until("docs", "error", func(f fusion.Folder) bool { return f.State == "error" })
	if !strings.Contains(f.Note, "gone") {
		t.Errorf("note %q", f.Note)
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	a.engine.Load().rescan(a.ledger.Load().Folders[0].ID)
	a.untilIdle("docs", 1)
}
