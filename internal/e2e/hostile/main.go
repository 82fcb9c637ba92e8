// Hostile speaks libp2p and the API by hand, as somebody would who means harm: it has a key
// of its own or one that it took, and none of Hither's client code stands between what it
// sends and the node. TestHostilePeers runs it; it is of no use to an owner.
//
//	hostile [flags] ATTACK TARGET
//
// TARGET is a multiaddr that ends in /p2p/ID, for the attacks on the loopback listener its
// HOST:PORT, for that on the socket its path. It prints one Report as JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Report is what came of an attack.
type Report struct {
	Attack string
	// Tries is how often the forbidden thing was tried, Through how often it was done.
	Tries, Through int
	// How counts the ways in which it was refused or allowed.
	How map[string]int
}

// attack is one run of the program. Its methods may be called from many goroutines.
type attack struct {
	target string
	// key is a file with the seed to use; "" makes a new key for each peer.
	key  string
	aim  string // what some attacks need to know beside the target
	keys int
	most int // streams of one key
	ctx  context.Context
	// begun starts the attack's clock, with its first connection.
	begun func()

	mu     sync.Mutex // guards report
	report Report
}

// tried counts one try and how it ended.
func (a *attack) tried(through bool, how string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.report.Tries++
	if through {
		a.report.Through++
	}
	if len(how) > 200 {
		how = how[:200]
	}
	if len(a.report.How) < 400 {
		a.report.How[how]++
	}
}

// most is how long an attack may take in any case.
const most = 2 * time.Minute

var attacks = map[string]func(*attack) error{
	"connections": (*attack).connections,
	"streams":     (*attack).streams,
	"tiny":        (*attack).tinyFrames,
	"half":        (*attack).halfBodies,
	"watches":     (*attack).fullWatches,
	"slow":        (*attack).slowReads,
	"lasting":     (*attack).lastingFlood,
	"methods":     (*attack).everyMethod,
	"malformed":   (*attack).malformed,
	"huge":        (*attack).huge,
	"guess":       (*attack).guesses,
	"owner":       (*attack).forgedOwner,
	"relay":       (*attack).relay,
	"paths":       (*attack).paths,
	"web":         (*attack).web,
	"socket":      (*attack).socket,
}

func main() {
	a := &attack{report: Report{How: map[string]int{}}}
	flag.StringVar(&a.key, "key", "", "a file with an Ed25519 seed in base64, as identity.key")
	flag.StringVar(&a.aim, "aim", "", "another computer, for relay; a grant's machine, for paths")
	flag.IntVar(&a.keys, "keys", 16, "how many peers attack at once")
	flag.IntVar(&a.most, "streams", 32, "how many streams each of them opens")
	last := flag.Duration("for", most, "how long a flood lasts from its first connection on")
	flag.Parse()
	run := attacks[flag.Arg(0)]
	if flag.NArg() != 2 || run == nil {
		fmt.Fprintln(os.Stderr, "usage: hostile [flags] ATTACK TARGET; attacks:", strings.Join(slices.Sorted(maps.Keys(attacks)), " "))
		os.Exit(2)
	}
	a.report.Attack, a.target = flag.Arg(0), flag.Arg(1)
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	a.ctx = ctx
	a.begun = sync.OnceFunc(func() { time.AfterFunc(*last, cancel) })
	err := run(a)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(a.report)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(1)
	}
}
