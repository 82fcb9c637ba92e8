//go:build linux

// Command bench measures, on the machine it runs on, what a person feels at a
// mirrored screen, and sets the best free peers beside it in the same run:
// TigerVNC and xpra, each by default and tuned. `make bench` is a short run,
// `make bench-mirror` all of it; docs/benchmarks.md says what each row means.
//
// A row has its peers: each has an X display (or a QEMU guest) as source, a
// little X client or an xterm as the app, its own server, its own viewer on a
// second X display, and a counting proxy or a shaped path between them. Peers
// take turns in rounds, so that what else the machine does meets all of them
// alike. A key is struck on the viewer's display with XTEST; the clock stops
// when a draw on that display has changed the watched pixels. The processors
// are kept awake meanwhile, see package awake.
//
// It needs the packages of `build/deps.sh bench`, uses loopback addresses and
// namespaces of its own only, writes below a temporary directory, and ends
// every process that it started, on an interrupt too. Rows c and j need root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"hither/fusion"
	"hither/internal/awake"
)

// plan is how much is measured.
type plan struct {
	rows     []string
	rounds   int // in which peers take turns
	repeats  int // of films
	scrolls  int // of each kind of terminal
	samples  int // keys of each scene in a round
	length   time.Duration
	still    time.Duration
	soak     time.Duration
	opens    int
	peers    []string // only these; none: those of the row
	kinds    []string
	bin      string
	json     string
	markdown string
}

// limit is when a run gives up; a full one lasts about a quarter of an hour.
const limit = 25 * time.Minute

func main() {
	if len(os.Args) > 1 {
		if part, ok := parts[os.Args[1]]; ok {
			exit(part(os.Args[2:]))
		}
	}
	p, err := parsePlan()
	if err != nil {
		exit(err)
	}
	if err := adoptOrphans(); err != nil {
		exit(err)
	}
	debug.SetGCPercent(1000)                // or the probe collects garbage twice a second, amid keys of whoever's turn it is
	if _, err := awake.Keep(); err != nil { // until it exits
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, limit+p.soak)
	err = bench(ctx, p)
	cancel()
	stop()
	exit(err)
}

func parsePlan() (plan, error) {
	p := plan{}
	var names, peers, kinds string
	flag.StringVar(&names, "rows", rowNames(false), "the rows to measure; s is an extra one")
	flag.IntVar(&p.rounds, "rounds", 5, "rounds in which the peers take turns")
	flag.IntVar(&p.repeats, "repeats", 3, "turns of Hither with the film; the others have one")
	flag.IntVar(&p.scrolls, "scrolls", 3, "turns of each peer with each kind of terminal")
	flag.IntVar(&p.samples, "samples", 100, "keys of each scene in a round")
	flag.DurationVar(&p.length, "length", 10*time.Second, "how long a terminal scrolls, a person types, a film runs")
	flag.DurationVar(&p.still, "still", 20*time.Second, "how long a screen stands still")
	flag.DurationVar(&p.soak, "soak", time.Hour, "how long row s works")
	flag.IntVar(&p.opens, "opens", 10, "how often a view is opened")
	flag.StringVar(&peers, "peers", "", "measure only these peers (default: those of the row)")
	flag.StringVar(&kinds, "kinds", strings.Join(terminals, ","), "kinds of scrolling terminal")
	flag.StringVar(&p.bin, "bin", "bin", "the directory of the real hither")
	flag.StringVar(&p.json, "json", "", "write the figures to `FILE` too")
	flag.StringVar(&p.markdown, "markdown", "", "write the tables to `FILE` too")
	flag.Parse()
	p.rows, p.peers, p.kinds = list(names), list(peers), list(kinds)
	return p, p.check()
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// parts are what this program is when it starts itself.
var parts = map[string]func(args []string) error{
	"app":   runApp,
	"text":  runText,
	"serve": runServe,
	"view":  runView,
}

func exit(err error) {
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	if hint := fusion.Hint(err); hint != "" {
		fmt.Fprintln(os.Stderr, "hint:", hint)
	}
	os.Exit(1)
}

// bench runs a plan and prints what it found, also when a row failed.
func bench(ctx context.Context, p plan) error {
	r := newReport()
	failed := r.measure(ctx, p)
	errs := []error{failed, r.print(os.Stdout)}
	if p.json != "" {
		errs = append(errs, r.save(p.json))
	}
	if p.markdown != "" {
		errs = append(errs, r.saveMarkdown(p.markdown))
	}
	return errors.Join(errs...)
}
