//go:build linux

// Command bench measures, on the machine it runs on, what a person feels at a
// mirrored screen, and sets TigerVNC beside it in the same run: the time from a
// key to the pixel that changes for it in the viewer's window, the bytes that a
// scrolling terminal costs on the wire and the CPU time that it costs the host,
// and whether the picture at rest equals the source. `make bench` runs it.
//
// Each peer has an X display as source, one little X client as the app, its own
// server, its own viewer on a second X display, and a counting proxy between
// them. Peers take turns in short rounds, so that what else the machine does
// meets all of them alike. A key is struck on the viewer's display with XTEST;
// the clock stops when a draw on that display has changed the watched pixels.
//
// It needs the packages of `build/deps.sh bench`, uses loopback addresses only,
// writes below a temporary directory, ends within some minutes and ends every
// process that it started.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"hither/fusion"
)

// plan is how much is measured.
type plan struct {
	rounds  int
	samples int // of each scene in a round
	scroll  time.Duration
	peers   []string
	json    string
}

// limit is when a run gives up.
const limit = 6 * time.Minute

func main() {
	if len(os.Args) > 1 {
		if part, ok := parts[os.Args[1]]; ok {
			exit(part(os.Args[2:]))
		}
	}
	p := plan{}
	var names string
	flag.IntVar(&p.rounds, "rounds", 5, "rounds in which the peers take turns")
	flag.IntVar(&p.samples, "samples", 60, "keys of each scene in a round")
	flag.DurationVar(&p.scroll, "scroll", 10*time.Second, "how long the terminal scrolls")
	flag.StringVar(&names, "peers", strings.Join(peerNames, ","), "who is measured")
	flag.StringVar(&p.json, "json", "", "write the figures to `FILE` too")
	flag.Parse()
	p.peers = strings.Split(names, ",")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, limit)
	err := bench(ctx, p)
	cancel()
	stop()
	exit(err)
}

// parts are what this program is when it starts itself.
var parts = map[string]func(args []string) error{
	"app":   runApp,
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

// bench runs a plan and prints what it found.
func bench(ctx context.Context, p plan) (err error) {
	if err := needPrograms(p.peers); err != nil {
		return err
	}
	run, err := newHouse(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.close()) }()
	var peers []*peer
	for _, name := range p.peers {
		one, err := startPeer(run, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		peers = append(peers, one)
	}
	result, err := measure(ctx, p, peers)
	if err != nil {
		return err
	}
	if err := result.print(os.Stdout); err != nil {
		return err
	}
	if p.json != "" {
		return result.save(p.json)
	}
	return nil
}
