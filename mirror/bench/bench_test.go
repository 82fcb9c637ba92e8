//go:build linux

package main

import (
	"bytes"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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
	if got := median([]float64{3, 1, 2, 9}); got != 2.5 {
		t.Errorf("median is %v", got)
	}
	if !math.IsNaN(median(nil)) {
		t.Error("the median of nothing is a number")
	}
}

// example is a row with two peers.
func example() *report {
	r := newReport()
	one := r.begin(row{name: "a", title: "keys"})
	for range 2 {
		one.addKeys("hither", "patch", []time.Duration{time.Millisecond})
		one.addKeys("tigervnc-tuned", "patch", []time.Duration{3 * time.Millisecond})
	}
	for round := range 2 {
		one.Scrolls = append(one.Scrolls,
			&scrolling{"hither", "copy", round + 1, scrolled{Bytes: 1e6, CPU: 1, XCPU: 0.5, Drawn: 100, Shown: 99, Exact: true}},
			&scrolling{"tigervnc-tuned", "copy", round + 1, scrolled{Bytes: 2e6, CPU: 4, Drawn: 100, Shown: 50, Different: 7}})
	}
	one.judgeScroll("copy")
	one.ratio("p50", one.keysOf("hither", "patch").p50(), one.keysOf("tigervnc-tuned", "patch").p50(), 0.3)
	one.ratio("p50 to nobody's", one.keysOf("hither", "patch").p50(), one.keysOf("xpra", "patch").p50(), 1)
	return r
}

func TestReport(t *testing.T) {
	var out bytes.Buffer
	if err := example().print(&out); err != nil {
		t.Fatal(err)
	}
	said := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"hither patch 2 1.00 1.00 1.00 1.00 1.00 1.00 1.00–1.00",
		"tigervnc-tuned patch 2 3.00 3.00 3.00 3.00 3.00 3.00 3.00–3.00",
		"hither copy 2 0.00 1.00 1.00 0.50 100 99 yes 1.00 1.00",
		"tigervnc-tuned copy 2 0.00 2.00 4.00 0.00 100 50 no (7 px) 2.00 4.00",
		"copy: bytes to tuned TigerVNC's 0.50 ≤ 0.70× yes",
		"copy: host CPU to tuned TigerVNC's 0.25 ≤ 1.50× yes",
		"copy: updates shown of 600 594 ≥ 590 yes",
		"p50 0.33 ≤ 0.30× no",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	if strings.Contains(said, "nobody") {
		t.Error("a peer that took no part has a goal")
	}
}

func TestMarkdown(t *testing.T) {
	text := example().Rows[0].goalTable().markdown()
	if !strings.Contains(text, "| p50 | 0.33 | ≤ 0.30× | no |\n") || !strings.HasPrefix(text, "\n| goal | measured | must be | met |\n|---|--:|--:|--:|\n") {
		t.Error(text)
	}
}

func TestMarkdownKeepsWhatStandsBefore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, []byte("# Method\n"+figuresMark+"old"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := example().saveMarkdown(file); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(text); !strings.HasPrefix(s, "# Method\n"+figuresMark+"## Figures\n") || strings.Contains(s, "old") || strings.Count(s, "### a. keys") != 1 {
		t.Error(s)
	}
}

func TestPlanIsChecked(t *testing.T) {
	good := plan{rows: list("a,d"), kinds: list("copy"), rounds: 1, repeats: 1, scrolls: 1, samples: 1, opens: 1}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*plan){
		"row":    func(p *plan) { p.rows = list("z") },
		"kind":   func(p *plan) { p.kinds = list("vt100") },
		"peer":   func(p *plan) { p.peers = list("fax") },
		"rounds": func(p *plan) { p.rounds = 0 },
	} {
		bad := good
		if spoil(&bad); bad.check() == nil {
			t.Errorf("a wrong %s is not noticed", name)
		}
	}
	if got := (plan{}).chosen([]string{"hither"}, "xpra"); len(got) != 1 {
		t.Errorf("%v take part", got)
	}
	if got := (plan{peers: list("xpra,local")}).chosen([]string{"hither"}, "xpra"); len(got) != 1 || got[0] != "xpra" {
		t.Errorf("%v take part", got)
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

func TestShotFindsAPicture(t *testing.T) {
	s := &shot{size: image.Pt(4, 3), pix: make([]byte, 4*3*4)}
	p := picture{image.Pt(2, 2), make([]byte, 2*2*4)}
	for i := range p.pix {
		p.pix[i] = byte(i + 1)
	}
	for y := range 2 {
		copy(s.pix[((y+1)*4+2)*4:], p.pix[y*8:y*8+8])
	}
	if !s.shows(p, image.Pt(2, 1)) {
		t.Error("the picture is not seen where it is")
	}
	for _, at := range []image.Point{{1, 1}, {3, 1}, {2, 2}, {-1, 0}} {
		if s.shows(p, at) {
			t.Errorf("the picture is seen at %v", at)
		}
	}
	if got := s.differing(p, image.Pt(0, 0), math.MaxInt); got != 4 {
		t.Errorf("%d pixels differ", got)
	}
}

func TestFilmIsCounted(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	var drawn []time.Time
	var seen []sight
	for i := range 60 { // two seconds; each frame is shown 10 ms later, but for the 11th to 20th
		drawn = append(drawn, at(i*1000/30))
		if i < 10 || i >= 20 {
			seen = append(seen, sight{at(i*1000/30 + 10), uint64(i + 1)})
		}
	}
	seen = append(seen, sight{at(1990), 7}, sight{at(1991), 0xffff}) // old, and unreadable
	var f filmed
	f.count(drawn, seen)
	if f.Shown != 50 || f.Worst != 20 || f.Most != 11 || f.Behind < 8 {
		t.Errorf("%+v", f)
	}
	f = filmed{}
	f.count(drawn, nil)
	if f.Shown != 0 || f.Worst != 0 || f.Most < 59 {
		t.Errorf("of nothing: %+v", f)
	}
	if early := frames(drawn, []sight{{at(0), 3}}); len(early) != 0 {
		t.Error("a frame was seen before it was drawn")
	}
}

func TestStampIsRead(t *testing.T) {
	pix := make([]byte, stampLine.Dx()*4)
	want := uint64(0b1010_0000_0001_1001)
	for i := range bits {
		for x := range bitSize {
			pix[(i*bitSize+x)*4+1] = byte(30 + want>>i&1*200)
		}
	}
	if got := readStamp(pix); got != want {
		t.Errorf("read %b", got)
	}
}

func TestFilmGoesToAndFro(t *testing.T) {
	last := -1
	for n := range 100 {
		frame := toAndFro(n, filmFrames)
		if frame < 0 || frame >= filmFrames || frame == last {
			t.Fatalf("picture %d is %d after %d", n, frame, last)
		}
		last = frame
	}
}

func TestFilmMoves(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	far, near := newClouds(random, 4), newClouds(random, 3)
	a, b := make([]byte, width*height*4), make([]byte, width*height*4)
	paint(a, far, near, 0, random)
	paint(b, far, near, 1, random)
	if n := different(a, b); n < width*height*9/10 {
		t.Errorf("%d pixels of %d move", n, width*height)
	}
}

func TestLinesOfTextDiffer(t *testing.T) {
	p := newPage()
	last := ""
	for range 3000 {
		line := p.next()
		if line[:firstColumns] == last[:min(firstColumns, len(last))] || strings.ContainsAny(line, "\n\t\x1b") {
			t.Fatalf("%q after %q", line, last)
		}
		last = line
	}
}

// TestRhythm: each part of the time between keys has its key.
func TestRhythm(t *testing.T) {
	for scene, from := range map[string]time.Duration{"letter": minPause, typed: 100 * time.Millisecond} {
		const n = 50
		rests := rhythm(scene, n)
		slices.Sort(rests)
		spread := morePause
		if scene == typed {
			spread = 50 * time.Millisecond
		}
		for i, rest := range rests {
			if at := (rest - from) * n / spread; at != time.Duration(i) {
				t.Errorf("%s: the key of part %d waits %v", scene, i, rest)
			}
		}
	}
}
