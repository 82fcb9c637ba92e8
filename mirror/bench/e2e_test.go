//go:build e2e && linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestBenchHither runs the whole program, short, on Hither alone.
func TestBenchHither(t *testing.T) {
	dir := t.TempDir()
	program, figures := filepath.Join(dir, "bench"), filepath.Join(dir, "figures.json")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(program, "-peers", "hither,local", "-rounds", "1", "-samples", "5", "-scroll", "1s",
		"-json", figures).CombinedOutput()
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
	if len(r.Keys) != 4 || len(r.Scroll) != 2 {
		t.Fatalf("figures are missing:\n%s", b)
	}
	for _, s := range r.Scroll {
		if !s.Exact || s.Bytes == 0 || s.Shown == 0 {
			t.Errorf("scroll: %+v", *s)
		}
	}
}
