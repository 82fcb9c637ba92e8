//go:build e2e && linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// measured runs the whole program, short, and gives its report.
func measured(t *testing.T, args ...string) *report {
	t.Helper()
	dir := t.TempDir()
	program, figures := filepath.Join(dir, "bench"), filepath.Join(dir, "figures.json")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(program, append(args, "-json", figures)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(figures)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// TestBenchHither measures Hither alone.
func TestBenchHither(t *testing.T) {
	r := measured(t, "-rows", "a,d,e,f,g", "-peers", "hither,local", "-rounds", "1", "-samples", "5", "-scrolls", "1",
		"-repeats", "1", "-length", "1s", "-still", "1s")
	if len(r.Rows) != 5 || len(r.Rows[0].Keys) != 4 || len(r.Rows[1].Scrolls) != len(terminals) {
		t.Fatalf("figures are missing: %+v", r)
	}
	for _, s := range r.Rows[1].Scrolls {
		if !s.Exact || s.Bytes == 0 || s.Shown == 0 {
			t.Errorf("scroll: %+v", *s)
		}
	}
	for _, typed := range r.Rows[2].Typing {
		if !typed.Exact || typed.Bytes == 0 || typed.Keys != keysPerSecond {
			t.Errorf("typing: %+v", *typed)
		}
	}
	for _, film := range r.Rows[3].Films {
		if film.Drawn != framesPerSecond || film.Shown == 0 || film.Rest < 0 {
			t.Errorf("film: %+v", *film)
		}
	}
}

// TestBenchConsole measures a guest's console.
func TestBenchConsole(t *testing.T) {
	r := measured(t, "-rows", "b", "-peers", "hither", "-rounds", "1", "-samples", "5")
	if l := r.Rows[0].keysOf("hither", "letter"); l == nil || l.Samples < 5 || l.P50 <= 0 {
		t.Fatalf("figures are missing: %+v", r.Rows[0])
	}
}
