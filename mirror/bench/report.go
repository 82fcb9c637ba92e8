//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// scenes are what the app draws for a key, terminals how it scrolls.
var (
	scenes    = []string{"patch", "line"}
	terminals = []string{"copy", "redraw"}
)

// latency is what the samples of one peer in one scene say, in milliseconds.
type latency struct {
	Peer    string  `json:"peer"`
	Scene   string  `json:"scene"`
	Samples int     `json:"samples"`
	P50     float64 `json:"p50Ms"`
	P90     float64 `json:"p90Ms"`
	P99     float64 `json:"p99Ms"`
	Max     float64 `json:"maxMs"`

	all []time.Duration
}

// scrolled is what a scrolling terminal cost.
type scrolled struct {
	Seconds   float64 `json:"seconds"`
	Bytes     int64   `json:"bytes"`
	CPU       float64 `json:"cpuSeconds"`        // all of the host's side
	XCPU      float64 `json:"xServerCpuSeconds"` // of which its X server
	Drawn     int     `json:"updatesDrawn"`
	Shown     int     `json:"updatesShown"`
	Exact     bool    `json:"exactAtRest"`
	Different int     `json:"pixelsDifferent"`
}

// scrolling is what the terminal cost one peer.
type scrolling struct {
	Peer     string `json:"peer"`
	Terminal string `json:"terminal"`
	scrolled
}

// report is what a run found.
type report struct {
	Time   time.Time    `json:"time"`
	Keys   []*latency   `json:"keyToPixel"`
	Scroll []*scrolling `json:"scroll"`
}

func newReport() *report { return &report{Time: time.Now()} }

func (r *report) addKeys(peer, scene string, samples []time.Duration) {
	i := slices.IndexFunc(r.Keys, func(l *latency) bool { return l.Peer == peer && l.Scene == scene })
	if i < 0 {
		i = len(r.Keys)
		r.Keys = append(r.Keys, &latency{Peer: peer, Scene: scene})
	}
	l := r.Keys[i]
	l.all = append(l.all, samples...)
	l.Samples = len(l.all)
	sorted := slices.Sorted(slices.Values(l.all))
	l.P50, l.P90, l.P99, l.Max = quantile(sorted, 50), quantile(sorted, 90), quantile(sorted, 99), quantile(sorted, 100)
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

func (r *report) addScroll(peer, terminal string, s scrolled) {
	r.Scroll = append(r.Scroll, &scrolling{peer, terminal, s})
}

// print writes the tables. Ratios are to the first peer: above 1 it is the
// first that needs less.
func (r *report) print(out io.Writer) error {
	if len(r.Keys) > 0 {
		fmt.Fprintf(out, "Ratios are to %s: above 1.00, %s is the better one.\n\n", r.Keys[0].Peer, r.Keys[0].Peer)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "key → pixel\tscene\tsamples\tp50 ms\tp90\tp99\tmax\tp50 ratio\tp99 ratio\t")
	for _, scene := range scenes {
		var first *latency
		for _, l := range r.Keys {
			if l.Scene != scene {
				continue
			}
			if first == nil {
				first = l
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t\n", l.Peer, l.Scene, l.Samples,
				l.P50, l.P90, l.P99, l.Max, l.P50/first.P50, l.P99/first.P99)
		}
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, "scrolling terminal\tkind\tseconds\tMB\thost CPU s\tits X server\tdrawn\tshown\texact at rest\tMB ratio\tCPU ratio\t")
	for _, terminal := range terminals {
		var first *scrolling
		for _, s := range r.Scroll {
			if s.Terminal != terminal {
				continue
			}
			if first == nil {
				first = s
			}
			fmt.Fprintf(w, "%s\t%s\t%.1f\t%.2f\t%.2f\t%.2f\t%d\t%d\t%s\t%.2f\t%.2f\t\n", s.Peer, s.Terminal, s.Seconds,
				float64(s.Bytes)/1e6, s.CPU, s.XCPU, s.Drawn, s.Shown, exactly(s.scrolled),
				float64(s.Bytes)/float64(first.Bytes), s.CPU/first.CPU)
		}
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, `The terminal writes 60 lines a second. "copy" moves its old lines with CopyArea, as xterm does, which a server
that is part of the X server is told; "redraw" draws all of itself, as most terminals do now.
"host CPU s" is all that the host spends: its X server, which draws the terminal too, and the mirror's server.`)
	return err
}

func exactly(s scrolled) string {
	if s.Exact {
		return "yes"
	}
	return fmt.Sprintf("no (%d px)", s.Different)
}

func (r *report) save(file string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
