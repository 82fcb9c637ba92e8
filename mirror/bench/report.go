//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"time"
)

// report is what a run found.
type report struct {
	Time time.Time `json:"time"`
	CPUs int       `json:"cpus"`
	Rows []*result `json:"rows"`
}

// result is what a row found. Load is the load average of the last minute.
type result struct {
	Row        string       `json:"row"`
	Title      string       `json:"title"`
	Seconds    float64      `json:"seconds"`
	LoadBefore float64      `json:"loadBefore"`
	LoadAfter  float64      `json:"loadAfter"`
	Keys       []*latency   `json:"keyToPixel,omitempty"`
	Scrolls    []*scrolling `json:"scroll,omitempty"`
	Typing     []*typing    `json:"typing,omitempty"`
	Films      []*filmed    `json:"film,omitempty"`
	Still      []*still     `json:"still,omitempty"`
	Opens      *opening     `json:"open,omitempty"`
	Memory     []*memory    `json:"memory,omitempty"`
	Goals      []goal       `json:"goals"`
	Notes      []string     `json:"notes,omitempty"`
	Failed     string       `json:"failed,omitempty"`
}

// goal is one thing that must hold.
type goal struct {
	What     string `json:"what"`
	Measured string `json:"measured"`
	Must     string `json:"must"`
	Met      bool   `json:"met"`
}

func newReport() *report { return &report{Time: time.Now(), CPUs: runtime.NumCPU()} }

func (r *report) begin(row row) *result {
	one := &result{Row: row.name, Title: row.title}
	r.Rows = append(r.Rows, one)
	return one
}

func (r *result) note(text string) { r.Notes = append(r.Notes, text) }

// most asks that a number is at most a bound; least, at least. A number that
// was not measured (NaN) asks nothing: its peer did not take part.
func (r *result) most(what string, measured, bound float64) {
	r.ask(what, measured, "≤ "+number(bound), measured <= bound)
}

func (r *result) least(what string, measured, bound float64) {
	r.ask(what, measured, "≥ "+number(bound), measured >= bound)
}

// ratio asks that mine is at most so many times theirs.
func (r *result) ratio(what string, mine, theirs, bound float64) {
	r.ask(what, mine/theirs, "≤ "+number(bound)+"×", mine/theirs <= bound)
}

// holds asks for something that is true or not.
func (r *result) holds(what, measured string, met bool) {
	r.Goals = append(r.Goals, goal{what, measured, "yes", met})
}

func (r *result) ask(what string, measured float64, must string, met bool) {
	if !math.IsNaN(measured) {
		r.Goals = append(r.Goals, goal{what, number(measured), must, met})
	}
}

// number writes a number with three digits that count.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100 || v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 0.1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.4f", v)
}

// latency is what the samples of one peer in one scene say, in milliseconds.
type latency struct {
	Peer    string    `json:"peer"`
	Scene   string    `json:"scene"`
	Samples int       `json:"samples"`
	P50     float64   `json:"p50Ms"`
	P90     float64   `json:"p90Ms"`
	P99     float64   `json:"p99Ms"`
	Max     float64   `json:"maxMs"`
	Rounds  []float64 `json:"p50MsOfRounds"`

	all []time.Duration
}

func (r *result) addKeys(peer, scene string, samples []time.Duration) {
	l := r.keysOf(peer, scene)
	if l == nil {
		l = &latency{Peer: peer, Scene: scene}
		r.Keys = append(r.Keys, l)
	}
	l.all = append(l.all, samples...)
	l.Samples = len(l.all)
	sorted := slices.Sorted(slices.Values(l.all))
	l.P50, l.P90, l.P99, l.Max = quantile(sorted, 50), quantile(sorted, 90), quantile(sorted, 99), quantile(sorted, 100)
	l.Rounds = append(l.Rounds, quantile(slices.Sorted(slices.Values(samples)), 50))
}

// keysOf gives a peer's figures, or nil.
func (r *result) keysOf(peer, scene string) *latency {
	i := slices.IndexFunc(r.Keys, func(l *latency) bool { return l.Peer == peer && l.Scene == scene })
	if i < 0 {
		return nil
	}
	return r.Keys[i]
}

func (l *latency) p50() float64 {
	if l == nil {
		return math.NaN()
	}
	return l.P50
}

func (l *latency) p99() float64 {
	if l == nil {
		return math.NaN()
	}
	return l.P99
}

// quantile gives the smallest sample that percent of all do not exceed, in
// milliseconds.
func quantile(sorted []time.Duration, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*percent + 99) / 100
	return float64(sorted[max(0, rank-1)].Microseconds()) / 1000
}

// median gives the middle of some numbers, NaN of none.
func median(of []float64) float64 {
	if len(of) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(of))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func (r *report) save(file string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
