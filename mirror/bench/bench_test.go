//go:build linux

package main

import (
	"bytes"
	"image"
	"strings"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	var sorted []time.Duration
	for i := range 100 {
		sorted = append(sorted, time.Duration(i+1)*time.Millisecond)
	}
	for _, c := range []struct {
		percent int
		want    float64
	}{{50, 50}, {90, 90}, {99, 99}, {100, 100}} {
		if got := quantile(sorted, c.percent); got != c.want {
			t.Errorf("quantile %d of 1..100 is %v", c.percent, got)
		}
	}
	if got := quantile(sorted[:1], 50); got != 1 {
		t.Errorf("quantile of one sample is %v", got)
	}
	if got := quantile(nil, 50); got != 0 {
		t.Errorf("quantile of none is %v", got)
	}
}

func TestReport(t *testing.T) {
	r := newReport()
	for range 2 {
		r.addKeys("a", "patch", []time.Duration{time.Millisecond})
		r.addKeys("b", "patch", []time.Duration{3 * time.Millisecond})
	}
	r.addScroll("a", "copy", scrolled{Bytes: 1e6, CPU: 1, XCPU: 0.5, Exact: true})
	r.addScroll("b", "copy", scrolled{Bytes: 2e6, CPU: 4, Different: 7})
	var out bytes.Buffer
	if err := r.print(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for i, want := range map[int]string{
		3: "a patch 2 1.00 1.00 1.00 1.00 1.00 1.00",
		4: "b patch 2 3.00 3.00 3.00 3.00 3.00 3.00",
		7: "a copy 0.0 1.00 1.00 0.50 0 0 yes 1.00 1.00",
		8: "b copy 0.0 2.00 4.00 0.00 0 0 no (7 px) 2.00 4.00",
	} {
		if got := strings.Join(strings.Fields(lines[i]), " "); got != want {
			t.Errorf("line %d is %q, want %q", i, got, want)
		}
	}
}

func TestPixels(t *testing.T) {
	const w, h = 10, 10
	a := make([]byte, w*h*4)
	b := bytes.Clone(a)
	if clearly(a, b) || different(a, b) != 0 || !difference(a, b, w).Empty() {
		t.Error("equal pictures differ")
	}
	for i := range b {
		b[i] = strong // noise everywhere
	}
	if clearly(a, b) || !difference(a, b, w).Empty() {
		t.Error("noise counts as drawn")
	}
	if got := different(a, b); got != w*h {
		t.Errorf("%d pixels differ", got)
	}
	for _, p := range []image.Point{{3, 4}, {6, 4}, {3, 5}, {6, 5}} {
		b[(p.Y*w+p.X)*4+1] = 255
	}
	if !clearly(a, b) {
		t.Error("four of a hundred pixels do not count")
	}
	if got := difference(a, b, w); got != image.Rect(3, 4, 7, 6) {
		t.Errorf("difference is %v", got)
	}
}
