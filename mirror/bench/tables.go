//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"
)

// table is figures of a row, a line for each peer. The first column is text.
type table struct {
	head  []string
	lines [][]string
}

func (t *table) add(cells ...string) { t.lines = append(t.lines, cells) }

// tables gives what a row found. A ratio is to the first peer of its scene or
// kind: above 1 it is the first that needs less.
func (r *result) tables() []table {
	all := []table{r.keyTable(), r.scrollTable(), r.typingTable(), r.filmTable(), r.stillTable(), r.openTable(), r.memoryTable(), r.goalTable()}
	var some []table
	for _, t := range all {
		if len(t.lines) > 0 {
			some = append(some, t)
		}
	}
	return some
}

func (r *result) keyTable() table {
	t := table{head: []string{"peer", "scene", "keys", "p50 ms", "p90", "p99", "max", "p50 ratio", "p99 ratio", "p50 of the rounds"}}
	for _, l := range r.Keys {
		first := l
		for _, other := range r.Keys {
			if other.Scene == l.Scene {
				first = other
				break
			}
		}
		low, high := spread(l.Rounds)
		t.add(l.Peer, l.Scene, fmt.Sprint(l.Samples), fixed(l.P50), fixed(l.P90), fixed(l.P99), fixed(l.Max),
			fixed(l.P50/first.P50), fixed(l.P99/first.P99), fixed(low)+"–"+fixed(high))
	}
	return t
}

func (r *result) scrollTable() table {
	t := table{head: []string{"peer", "terminal", "round", "seconds", "MB", "host CPU s", "its X server", "drawn", "shown", "exact at rest", "MB ratio", "CPU ratio"}}
	for _, s := range r.Scrolls {
		first := s
		for _, other := range r.Scrolls {
			if other.Terminal == s.Terminal && other.Round == s.Round {
				first = other
				break
			}
		}
		t.add(s.Peer, s.Terminal, fmt.Sprint(s.Round), fixed(s.Seconds), fixed(float64(s.Bytes)/1e6), fixed(s.CPU), fixed(s.XCPU),
			fmt.Sprint(s.Drawn), fmt.Sprint(s.Shown), exactly(s.scrolled), fixed(float64(s.Bytes)/float64(first.Bytes)), fixed(s.CPU/first.CPU))
	}
	return t
}

func (r *result) typingTable() table {
	t := table{head: []string{"peer", "keys", "seconds", "kB", "server CPU s", "X server's", "exact at rest"}}
	for _, y := range r.Typing {
		t.add(y.Peer, fmt.Sprint(y.Keys), fixed(y.Seconds), fixed(float64(y.Bytes)/1000), fixed(y.CPU), fixed(y.XCPU), yesNo(y.Exact))
	}
	return t
}

func (r *result) filmTable() table {
	t := table{head: []string{"peer", "frames", "shown", "shown by second", "behind p95", "behind max", "exact after ms", "MB", "host CPU s", "its X server"}}
	for _, f := range r.Films {
		after := fixed(f.Rest)
		if f.Rest < 0 {
			after = "never"
		}
		t.add(f.Peer, fmt.Sprint(f.Drawn), fmt.Sprint(f.Shown), strings.Trim(fmt.Sprint(f.BySecond), "[]"), number(f.Behind), number(f.Most), after,
			fixed(float64(f.Bytes)/1e6), fixed(f.CPU), fixed(f.XCPU))
	}
	return t
}

func (r *result) stillTable() table {
	t := table{head: []string{"peer", "seconds", "bytes", "of media", "host CPU %"}}
	for _, s := range r.Still {
		media := fmt.Sprint(s.Media)
		if s.Media < 0 {
			media = "?"
		}
		t.add(s.Peer, fixed(s.Seconds), fmt.Sprint(s.Bytes), media, fixed(s.CPU))
	}
	return t
}

func (r *result) openTable() table {
	t := table{head: []string{"program", "openings", "p50 ms", "p90", "max"}}
	if o := r.Opens; o != nil {
		t.add("hither view", fmt.Sprint(len(o.Times)), fixed(o.P50), fixed(o.P90), fixed(o.Max))
	}
	return t
}

func (r *result) goalTable() table {
	t := table{head: []string{"goal", "measured", "must be", "met"}}
	for _, g := range r.Goals {
		t.add(g.What, g.Measured, g.Must, yesNo(g.Met))
	}
	return t
}

func fixed(v float64) string { return fmt.Sprintf("%.2f", v) }

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func exactly(s scrolled) string {
	if s.Exact {
		return "yes"
	}
	return fmt.Sprintf("no (%d px)", s.Different)
}

func spread(of []float64) (low, high float64) {
	for i, v := range of {
		if i == 0 || v < low {
			low = v
		}
		high = max(high, v)
	}
	return low, high
}

func (r *result) heading() string {
	return fmt.Sprintf("%s. %s", r.Row, r.Title)
}

func (r *result) condition() string {
	return fmt.Sprintf("%.0f s; load average %.2f before, %.2f after", r.Seconds, r.LoadBefore, r.LoadAfter)
}

// print writes the tables as text.
func (r *report) print(out io.Writer) error {
	for _, one := range r.Rows {
		fmt.Fprintf(out, "\n%s (%s)\n", one.heading(), one.condition())
		for _, t := range one.tables() {
			fmt.Fprintln(out)
			if err := t.print(out); err != nil {
				return err
			}
		}
		for _, line := range one.remarks() {
			fmt.Fprintln(out, line)
		}
	}
	return nil
}

func (r *result) remarks() []string {
	if r.Failed == "" {
		return r.Notes
	}
	return append(r.Notes, "FAILED: "+r.Failed)
}

func (t table) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, line := range append([][]string{t.head}, t.lines...) {
		fmt.Fprintln(w, strings.Join(line, "\t")+"\t")
	}
	return w.Flush()
}

// figuresMark is where the figures begin in docs/benchmarks.md.
const figuresMark = "<!-- figures -->\n"

// saveMarkdown writes the tables into a file. What stands there before
// figuresMark stays.
func (r *report) saveMarkdown(file string) error {
	was, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	head := ""
	if before, _, found := strings.Cut(string(was), figuresMark); found {
		head = before + figuresMark
	}
	return os.WriteFile(file, []byte(head+r.markdown()), 0o644)
}

func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## Figures\n\n%s, %d CPUs.\n", r.Time.UTC().Format("2006-01-02 15:04 UTC"), r.CPUs)
	for _, one := range r.Rows {
		fmt.Fprintf(&b, "\n### %s\n\n%s.\n", one.heading(), one.condition())
		for _, t := range one.tables() {
			b.WriteString(t.markdown())
		}
		for _, line := range one.remarks() {
			fmt.Fprintf(&b, "\n%s\n", line)
		}
	}
	return b.String()
}

func (t table) markdown() string {
	var b strings.Builder
	b.WriteString("\n| " + strings.Join(t.head, " | ") + " |\n|---" + strings.Repeat("|--:", len(t.head)-1) + "|\n")
	for _, line := range t.lines {
		b.WriteString("| " + strings.ReplaceAll(strings.Join(line, "\x00"), "|", "\\|") + " |\n")
	}
	return strings.ReplaceAll(b.String(), "\x00", " | ")
}
