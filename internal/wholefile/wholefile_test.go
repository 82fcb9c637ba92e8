package wholefile

import (
	"os"
	"path/filepath"
	"testing"
)

// TestWrite: what was there is replaced, for the owner alone, also after a kill amid another
// write; where that fails, all is as before.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path+".new", []byte("half of a long one"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "second"} {
		if err := Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if info, serr := os.Stat(path); err != nil || string(got) != text || serr != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%q, %v, %v, %v", got, err, info, serr)
		}
	}
	if err := Write(filepath.Join(dir, "file", "below"), nil); err == nil {
		t.Error("a file below a file")
	}
	full := filepath.Join(dir, "taken")
	if err := os.Mkdir(full, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(full, []byte("text")); err == nil {
		t.Error("a directory was replaced")
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 2 {
		t.Errorf("left are %v, %v", list, err)
	}
}
