//go:build e2e

package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFolder shares a folder of 503 files, one of them 200 MiB, and changes a
// file on both sides while the computers are apart.
func TestFolder(t *testing.T) {
	for _, tc := range []struct {
		name string
		as   *account
	}{{"root", nil}, {"ordinary_user", ordinaryUser(t)}} {
		t.Run(tc.name, func(t *testing.T) { folderStory(t, tc.as) })
	}
}

func folderStory(t *testing.T, as *account) {
	a, b := newNode(t, "here", as), newNode(t, "cloud", as)
	a.libvirt, b.libvirt = "off", "off"
	a.start()
	b.start()
	pair(t, a, b)
	until(t, "both see the other", func() bool { return a.sees(b) && b.sees(a) })

	source := filepath.Join(filepath.Dir(a.home), "docs")
	total := fill(t, source)
	own(t, as, source)
	a.hither("folder", "add", source, "--name", "docs")
	began := time.Now()
	a.hither("folder", "share", "docs", "cloud")
	target := filepath.Join(b.home, "folders", "docs")
	want := sums(t, source)
	until(t, "the folder is equal", func() bool { return idle(b, "docs") && same(want, sums(t, target)) })
	t.Logf("%d files, %d MiB: equal sums after %v", len(want), total>>20, time.Since(began).Round(time.Millisecond))

	// Apart, both change the same file; both versions are kept.
	b.kill()
	until(t, "a sees that b is gone", func() bool { return !a.sees(b) })
	write(t, as, filepath.Join(source, "both.txt"), "changed here")
	write(t, as, filepath.Join(target, "both.txt"), "changed there")
	b.start()
	until(t, "both versions are on both sides", func() bool { return bothVersions(t, source) && bothVersions(t, target) })
	a.hither("folder", "rm", "docs")
	if len(sums(t, source)) < len(want) {
		t.Error("removing the folder took files away")
	}
}

// fill makes 503 files of mixed sizes and gives their bytes.
func fill(t *testing.T, dir string) int64 {
	t.Helper()
	random := rand.NewChaCha8([32]byte{1})
	var total int64
	put := func(name string, size int64) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		file, err := os.Create(path)
		if err == nil {
			_, err = io.CopyN(file, random, size)
		}
		if err == nil {
			err = file.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		total += size
	}
	for i := range 500 {
		put(fmt.Sprintf("dir %d/file-%03d", i%17, i), int64(i*i%60000))
	}
	put("文件夹/图片 🖼.bin", 1<<20)
	put("both.txt", 100)
	put("big.bin", 200<<20)
	return total
}

// own gives files to the account.
func own(t *testing.T, as *account, path string) {
	t.Helper()
	if as == nil {
		return
	}
	err := filepath.WalkDir(path, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(p, as.uid, as.gid)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, as *account, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	own(t, as, path)
}

// sums gives the SHA-256 of each file under dir; a file that is being written
// or moved away has none yet.
func sums(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if entry != nil && entry.IsDir() && strings.HasPrefix(entry.Name(), ".st") {
				return filepath.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || strings.HasPrefix(entry.Name(), ".st") || strings.HasPrefix(entry.Name(), ".syncthing.") {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return nil
		}
		defer file.Close()
		hash := sha256.New()
		if _, err := io.Copy(hash, file); err == nil {
			out[name] = hex.EncodeToString(hash.Sum(nil))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func same(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name, sum := range a {
		if b[name] != sum {
			return false
		}
	}
	return true
}

// idle asks the receiver whether it has everything.
func idle(n *node, name string) bool {
	out, _, code := n.try("folder", "status", name, "--json")
	var f struct {
		State       string
		NeedBytes   int64
		GlobalBytes int64
	}
	return code == 0 && json.Unmarshal([]byte(out), &f) == nil && f.State == "idle" && f.NeedBytes == 0 && f.GlobalBytes > 200<<20
}

// bothVersions says whether a directory has both texts.
func bothVersions(t *testing.T, dir string) bool {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "both") {
			if text, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil {
				found[string(text)] = true
			}
		}
	}
	return found["changed here"] && found["changed there"]
}
