package home

import (
	"errors"
	"path/filepath"
	"testing"

	"hither/fusion"
)

func TestLock(t *testing.T) {
	dir := t.TempDir()
	h := Home{Dir: filepath.Join(dir, "h"), Run: filepath.Join(dir, "r", "x")}
	locked := func(want bool) {
		t.Helper()
		if got, err := h.Locked(); err != nil || got != want {
			t.Errorf("locked: %v, %v; want %v", got, err, want)
		}
	}
	locked(false) // there is no home yet
	lock, err := h.Lock()
	if err != nil {
		t.Fatal(err)
	}
	locked(true)
	if _, err := h.Lock(); !errors.Is(err, fusion.ErrBusy) || fusion.Hint(err) == "" {
		t.Errorf("a second lock: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	locked(false)
	again, err := h.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}
