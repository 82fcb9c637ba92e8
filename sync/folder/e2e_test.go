//go:build e2e

package folder

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"hither/fusion"
)

// TestManyFiles brings 500 files of mixed sizes and names, one of 200 MiB, to
// another host, and compares every sum.
func TestManyFiles(t *testing.T) {
	a, b := two(t)
	dir := filepath.Join(a.home, "files", "docs")
	random := rand.NewChaCha8([32]byte{1})
	names := []string{"file", "größe", "文書", "файл", "emoji 🦊", "with space"}
	for i := range 500 {
		size := int64(i*i) % 60000
		if i == 250 {
			size = 200 << 20
		}
		path := filepath.Join(dir, "d"+strconv.Itoa(i%17), names[i%len(names)], fmt.Sprintf("%s %d", names[(i+1)%len(names)], i))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(f, random, size); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	want := sums(t, dir)
	begin := time.Now()
	if _, err := a.Add(t.Context(), "docs", dir); err != nil {
		t.Fatal(err)
	}
	if err := a.Share(t.Context(), "docs", b.id); err != nil {
		t.Fatal(err)
	}
	there := b.untilIdle("docs", 500).Path
	t.Logf("500 files and 200 MiB in %s", time.Since(begin).Round(time.Millisecond))
	got := sums(t, there)
	if len(got) != len(want) {
		t.Errorf("%d files arrived of %d", len(got), len(want))
	}
	for name, sum := range want {
		if got[name] != sum {
			t.Errorf("%s differs", name)
		}
	}
	a.until("docs", "told that b has all", func(f fusion.Folder) bool { return f.State == "idle" && f.Note == "" })
}

// sums gives the SHA-256 of every file below dir that is the owner's.
func sums(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	all := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == ".stfolder" {
			return filepath.SkipDir
		}
		if d.IsDir() {
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		h := sha256.New()
		if _, err := io.Copy(h, f); err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		all[name] = [32]byte(h.Sum(nil))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestKilled kills a store's process while it works, and opens its directory
// anew.
func TestKilled(t *testing.T) {
	home := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledChild$")
	child.Env = append(os.Environ(), "FOLDER_CHILD="+home)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	seen := 0
	for seen < 5 && lines.Scan() {
		seen++
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	if seen < 5 {
		t.Fatal("the child did not begin")
	}
	a := &node{t: t, net: newNetwork(), id: "host-a", home: home}
	a.start()
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	list, err := a.List(t.Context())
	if err != nil || len(list) < 5 {
		t.Fatalf("of five folders that were promised: %v, %v", list, err)
	}
	for _, f := range list[:5] {
		files, err := os.ReadDir(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		a.untilIdle(f.Name, int64(len(files)-1)) // without .stfolder
	}
}

// TestKilledChild is the process that TestKilled kills; alone it does nothing.
func TestKilledChild(t *testing.T) {
	home := os.Getenv("FOLDER_CHILD")
	if home == "" {
		return
	}
	a := &node{t: t, net: newNetwork(), id: "host-a", home: home}
	a.start()
	for i := range 1000 {
		dir := filepath.Join(home, "files", fmt.Sprintf("f%03d", i))
		for j := range 20 {
			write(t, dir, strconv.Itoa(j), "text")
		}
		if _, err := a.Add(t.Context(), filepath.Base(dir), dir); err != nil {
			t.Fatal(err)
		}
		fmt.Println("added", dir)
	}
}
