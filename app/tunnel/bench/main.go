//go:build linux

// Command bench measures tunnels of two real nodes beside `ssh -L` and frp, in turns.
// `make bench-tunnels` runs it; docs/benchmarks.md says what each row means.
//
// It starts two `hither up`, an sshd with a key of its own, and frps and frpc, all on the
// loopback and below a temporary directory, and ends what it started.
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
	"hither/internal/awake"
)

// plan is how much is measured.
type plan struct {
	peers  []string
	rounds int
	stream time.Duration // of one stream
	pings  int
	many   int // connections at a time through one tunnel
	idle   int // tunnels that rest
	bin    string
	frp    string
	json   string
}

// limit is when a run gives up; a full one lasts about two minutes.
const limit = 15 * time.Minute

func main() {
	p := plan{}
	peers := flag.String("peers", "direct,hither,ssh,frp", "who is measured; hither:DIR is another build")
	flag.IntVar(&p.rounds, "rounds", 5, "turns of each peer")
	flag.DurationVar(&p.stream, "stream", 2*time.Second, "how long one stream is watched, each way")
	flag.IntVar(&p.pings, "pings", 1000, "round trips in each turn")
	flag.IntVar(&p.many, "many", 200, "connections at a time through one tunnel")
	flag.IntVar(&p.idle, "idle", 1000, "tunnels that rest; 0 leaves the row out")
	flag.StringVar(&p.bin, "bin", "bin", "the directory of the real hither")
	flag.StringVar(&p.frp, "frp", "bin/tools", "the directory of frps and frpc")
	flag.StringVar(&p.json, "json", "", "write the figures to `FILE` too")
	flag.Parse()
	p.peers = strings.Split(*peers, ",")
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
func bench(ctx context.Context, p plan) (err error) {
	dir, err := os.MkdirTemp("/tmp", "hbench") // short, for sockets
	if err != nil {
		return err
	}
	b := &world{plan: p, dir: dir, found: map[string]*figures{}}
	defer func() { err = errors.Join(err, b.end(), os.RemoveAll(dir)) }()
	if b.service, err = startService(); err != nil {
		return err
	}
	for _, name := range p.peers {
		if err := b.start(ctx, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	err = b.measure(ctx)
	return errors.Join(err, b.report())
}
