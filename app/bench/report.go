//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is what a run found. Times are milliseconds.
type report struct {
	Time     time.Time `json:"time"`
	CPUs     int       `json:"cpus"`
	Load     string    `json:"loadAverage"`
	Machines int       `json:"machines"`
	Rows     []*row    `json:"rows"`

	fewBytes int64
}

// row is one thing that was measured: of several samples the quantiles, else a number.
type row struct {
	What    string  `json:"what"`
	Samples int     `json:"samples,omitempty"`
	P50     float64 `json:"p50Ms,omitempty"`
	P99     float64 `json:"p99Ms,omitempty"`
	Max     float64 `json:"maxMs,omitempty"`
	Number  float64 `json:"number,omitempty"`
	Goal    string  `json:"goal,omitempty"`
	Met     *bool   `json:"met,omitempty"`
}

// atMost is a goal in milliseconds; 0 asks nothing.
type atMost struct{ p50, p99 float64 }

func newReport(machines int) *report {
	load, _ := os.ReadFile("/proc/loadavg") // without it the row is empty
	return &report{Time: time.Now(), CPUs: runtime.NumCPU(), Load: strings.TrimSpace(string(load)), Machines: machines}
}

// add makes a row of samples.
func (r *report) add(what string, samples []time.Duration, goal atMost) *row {
	sorted := slices.Sorted(slices.Values(samples))
	one := &row{What: what, Samples: len(samples), P50: quantile(sorted, 50), P99: quantile(sorted, 99), Max: quantile(sorted, 100)}
	switch {
	case goal.p99 > 0:
		one.ask(fmt.Sprintf("p99 ≤ %g", goal.p99), one.P99 <= goal.p99)
	case goal.p50 > 0:
		one.ask(fmt.Sprintf("p50 ≤ %g", goal.p50), one.P50 <= goal.p50)
	}
	r.Rows = append(r.Rows, one)
	return one
}

// number makes a row of one number; most 0 asks nothing.
func (r *report) number(what string, n, most float64) {
	one := &row{What: what, Number: n}
	if most > 0 {
		one.ask(fmt.Sprintf("≤ %g", most), n <= most)
	}
	r.Rows = append(r.Rows, one)
}

func (r *report) ratio(what string, n, most float64) { r.number(what, n, most) }

// none makes a row of something that must not be.
func (r *report) none(what string, n int) {
	one := &row{What: what, Number: float64(n)}
	one.ask("0", n == 0)
	r.Rows = append(r.Rows, one)
}

func (r *row) ask(goal string, met bool) { r.Goal, r.Met = goal, &met }

// quantile gives the smallest sample that percent of all do not exceed.
func quantile(sorted []time.Duration, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*percent + 99) / 100
	return float64(sorted[max(0, rank-1)].Microseconds()) / 1000
}

// print writes the rows as a table of Markdown.
func (r *report) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintf(t, "| %d machines, ms\t| p50\t| p99\t| max\t| of\t| goal\t| met\t|\n", r.Machines)
	fmt.Fprintln(t, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for _, one := range r.Rows {
		met := ""
		if one.Met != nil {
			met = map[bool]string{true: "yes", false: "**no**"}[*one.Met]
		}
		if one.Samples > 0 {
			fmt.Fprintf(t, "| %s\t| %.1f\t| %.1f\t| %.1f\t| %d\t| %s\t| %s\t|\n", one.What, one.P50, one.P99, one.Max, one.Samples, one.Goal, met)
		} else {
			fmt.Fprintf(t, "| %s\t| %.2f\t| \t| \t| \t| %s\t| %s\t|\n", one.What, one.Number, one.Goal, met)
		}
	}
	return t.Flush()
}

func (r *report) save(file string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
