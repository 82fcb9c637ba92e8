//go:build linux

// Command bench measures how a node, its API and its page do with many machines.
// `make bench-machines` runs it; docs/benchmarks.md says what each row means.
//
// The machines are those of libvirt's test driver, which makes them up from an XML
// file: nothing of them runs, and everything of ours does. It starts a real
// `hither up` and a real Chromium, writes below a temporary directory, uses the
// loopback only, and ends what it started.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"hither/fusion"
	"hither/internal/awake"
)

// plan is how much is measured.
type plan struct {
	machines int
	few      int           // machines of the node that the memory is compared with
	rounds   int           // lists, of each kind
	changes  int           // changes of state, of each kind
	opens    int           // of the page
	looks    time.Duration // how long each way of measuring is watched
	browser  bool
	bin      string
	json     string
}

// limit is when a run gives up; a full one lasts about two minutes.
const limit = 10 * time.Minute

func main() {
	if len(os.Args) == 3 && os.Args[1] == bareMemory {
		exit(printBareMemory(os.Args[2]))
	}
	p := plan{few: 10}
	flag.IntVar(&p.machines, "machines", 1000, "how many machines there are")
	flag.IntVar(&p.rounds, "rounds", 60, "lists through the API, each beside a bare one")
	flag.IntVar(&p.changes, "changes", 60, "changes of a state")
	flag.IntVar(&p.opens, "opens", 8, "how often the page is opened")
	flag.DurationVar(&p.looks, "looks", 10*time.Second, "how long the node's own work is watched, for each way of looking")
	flag.BoolVar(&p.browser, "browser", true, "measure the page in Chromium too")
	flag.StringVar(&p.bin, "bin", "bin", "the directory of the real hither")
	flag.StringVar(&p.json, "json", "", "write the figures to `FILE` too")
	flag.Parse()
	if _, err := awake.Keep(); err != nil { // until it exits
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, limit)
	err := bench(ctx, p)
	cancel()
	stop()
	exit(err)
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

// bench runs a plan and prints what it found, also when a part failed.
func bench(ctx context.Context, p plan) error {
	dir, err := os.MkdirTemp("/tmp", "hbench") // short, for sockets
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r := newReport(p.machines)
	failed := r.measure(ctx, p, dir)
	errs := []error{failed, r.print(os.Stdout)}
	if p.json != "" {
		errs = append(errs, r.save(p.json))
	}
	return errors.Join(errs...)
}

func (r *report) measure(ctx context.Context, p plan, dir string) error {
	few, err := startNode(ctx, p, dir, "few", p.few)
	if err != nil {
		return err
	}
	err = r.measureFew(ctx, p, few)
	if err := errors.Join(err, few.end()); err != nil {
		return err
	}
	many, err := startNode(ctx, p, dir, "many", p.machines)
	if err != nil {
		return err
	}
	return errors.Join(r.measureMany(ctx, p, many), many.end())
}

// measureFew does what measureMany does, for the memory that it takes.
func (r *report) measureFew(ctx context.Context, p plan, n *node) error {
	for range p.rounds {
		if _, err := n.list(ctx); err != nil {
			return err
		}
	}
	if _, err := n.changes(ctx, p.changes); err != nil {
		return err
	}
	var err error
	r.fewBytes, err = residentBytes(n.cmd.Process.Pid)
	return err
}

func (r *report) measureMany(ctx context.Context, p plan, n *node) error {
	if err := r.lists(ctx, p, n); err != nil {
		return err
	}
	changes, err := n.changes(ctx, p.changes)
	if err != nil {
		return err
	}
	r.add("state change → event at a client", changes, atMost{p99: 100})
	if err := r.memory(ctx, n); err != nil {
		return err
	}
	if err := r.looking(ctx, p, n); err != nil {
		return err
	}
	if !p.browser {
		return nil
	}
	return r.page(ctx, p, n)
}
