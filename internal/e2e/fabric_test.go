//go:build linux && e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	"hither/app/client"
	pb "hither/proto/hither/v1"
)

// What the owner is promised of a fabric that something happened to.
const (
	saidAway = 5 * time.Second  // until the others say that a computer is away
	healed   = 15 * time.Second // until all answer each other again, once they can
)

// fabric is a fleet whose laptop roams and whose NAS stands behind a NAT that changes
// ports, and what happened to it.
type fabric struct {
	*fleet
	t       *testing.T
	nodes   []*node
	api     map[*node]*client.Client
	random  *rand.Rand
	plugged string // the laptop's network
	// away and back are the times of each kind of happening.
	away, back map[string][]time.Duration
}

// rounds reads how often to do something that a person may want oftener.
func rounds(t *testing.T, few int) int {
	text := os.Getenv("HITHER_ROUNDS")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFabric lets computers sleep, change their network, lose it, and be killed, one after
// the other, in an order that HITHER_SEED repeats: the others say what is away, and all
// answer each other again by themselves.
func TestFabric(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("HITHER_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("HITHER_SEED=%d", seed)
	f := &fabric{fleet: newFleet(t), t: t, api: map[*node]*client.Client{}, random: rand.New(rand.NewPCG(seed, 1)), plugged: "wan",
		away: map[string][]time.Duration{}, back: map[string][]time.Duration{}}
	f.net.roams()
	f.net.connect("home", changes)
	f.move(f.b, "home")
	f.move(f.a, "cafe")
	f.nodes = []*node{f.a, f.b, f.r1, f.r2}
	for _, n := range f.nodes {
		f.api[n] = client.Unix(field[string](n, "apiSocket", "status", "--json"))
	}
	if took, why := f.whole(f.nodes); why != "" {
		t.Fatalf("after %v: %s", took, why)
	}
	kinds := []struct {
		name string
		do   func() string
	}{{"sleep", f.sleep}, {"another network", f.roam}, {"no network", f.unplug}, {"a router killed", f.restart}, {"two asleep", f.sleepTwo}}
	order := f.random.Perm(len(kinds)) // each kind in any five rounds
	for round := range rounds(t, len(kinds)) {
		if round%len(kinds) == 0 {
			f.random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		kind := kinds[order[round%len(kinds)]]
		said := kind.do()
		took, why := f.whole(f.nodes)
		f.back[kind.name] = append(f.back[kind.name], took)
		t.Logf("round %d: %s %s; whole after %v", round+1, kind.name, said, took.Round(time.Millisecond))
		if why != "" {
			t.Errorf("round %d: %s %s: after %v: %s", round+1, kind.name, said, took, why)
			if _, why := f.whole(f.nodes); why != "" {
				t.Fatalf("it does not heal: %s", why)
			}
		}
	}
	f.report()
}

// report prints the median and the worst of each kind.
func (f *fabric) report() {
	lines := []string{"| what happened | times | said to be away: median, worst | whole again: median, worst |", "|---|---|---|---|"}
	figures := func(list []time.Duration) string {
		if len(list) == 0 {
			return "–"
		}
		slices.Sort(list)
		return fmt.Sprintf("%v, %v", list[len(list)/2].Round(10*time.Millisecond), list[len(list)-1].Round(10*time.Millisecond))
	}
	for _, kind := range []string{"sleep", "two asleep", "another network", "no network", "a router killed"} {
		lines = append(lines, fmt.Sprintf("| %s | %d | %s | %s |", kind, len(f.back[kind]), figures(f.away[kind]), figures(f.back[kind])))
	}
	f.t.Logf("\n%s", strings.Join(lines, "\n"))
}

// answers says why one computer's node does not have answers from another.
func (f *fabric) answers(from, to *node) string {
	ctx, cancel := context.WithTimeout(f.t.Context(), 2*time.Second)
	defer cancel()
	list, err := f.api[from].Hosts.List(ctx, connect.NewRequest(&pb.HostListRequest{}))
	if err != nil {
		return fmt.Sprintf("%s: %v", from.name, err)
	}
	i := slices.IndexFunc(list.Msg.GetHosts(), func(h *pb.Host) bool { return h.GetName() == to.name })
	if i < 0 || !list.Msg.GetHosts()[i].GetOnline() {
		return fmt.Sprintf("%s says that %s is away", from.name, to.name)
	}
	if _, err := f.api[from].Host(to.name).Machines().List(ctx); err != nil {
		return fmt.Sprintf("%s asks %s: %v", from.name, to.name, err)
	}
	return ""
}

// whole waits until all of some computers answer each other, and says what is missing
// when that takes too long.
func (f *fabric) whole(of []*node) (took time.Duration, why string) {
	var missing sync.Map
	var work sync.WaitGroup
	began := time.Now()
	for _, from := range of {
		for _, to := range of {
			if from == to {
				continue
			}
			work.Go(func() {
				last := ""
				if _, ok := soon(healed, func() bool { last = f.answers(from, to); return last == "" }); !ok {
					missing.Store(last, true)
				}
			})
		}
	}
	work.Wait()
	took = time.Since(began)
	var all []string
	missing.Range(func(what, _ any) bool { all = append(all, what.(string)); return true })
	slices.Sort(all)
	return took, strings.Join(all, "; ")
}

// missed waits until the others say that some computers are away, and gives how long that
// took.
func (f *fabric) missed(kind string, gone ...*node) {
	began := time.Now()
	for _, to := range gone {
		for _, from := range f.nodes {
			if slices.Contains(gone, from) {
				continue
			}
			if _, ok := soon(saidAway-time.Since(began), func() bool { return !seenBy(f.t, f.api[from], to).GetOnline() }); !ok {
				f.t.Errorf("%s: %s does not say that %s is away after %v", kind, from.name, to.name, time.Since(began))
			}
		}
	}
	f.away[kind] = append(f.away[kind], time.Since(began))
}

// rest lets what happened last a while.
func (f *fabric) rest() {
	time.Sleep(time.Duration(f.random.IntN(3000)) * time.Millisecond) // how long is drawn
}

func (f *fabric) sleep() string {
	n := f.nodes[f.random.IntN(len(f.nodes))]
	f.asleep("sleep", n)
	return "of " + n.name
}

func (f *fabric) sleepTwo() string {
	order := f.random.Perm(len(f.nodes))
	one, two := f.nodes[order[0]], f.nodes[order[1]]
	f.asleep("two asleep", one, two)
	return one.name + " and " + two.name
}

func (f *fabric) asleep(kind string, some ...*node) {
	for _, n := range some {
		n.signal(sigstop)
	}
	f.missed(kind, some...)
	f.rest()
	for _, n := range some {
		n.signal(sigcont)
	}
}

// roam gives the laptop another address; nobody has to miss it.
func (f *fabric) roam() string {
	out := f.plugged
	f.plugged = map[string]string{"wan": "phone", "phone": "wan"}[out]
	f.net.plugged(f.plugged, out)
	return "of the laptop: " + f.plugged
}

// unplug takes the laptop's network away and gives it back.
func (f *fabric) unplug() string {
	f.net.in("cafe", "ip link set "+f.plugged+" down")
	f.missed("no network", f.a)
	f.rest()
	other := map[string]string{"wan": "phone", "phone": "wan"}[f.plugged]
	f.net.plugged(f.plugged, other)
	return "at the laptop: " + f.plugged
}

func (f *fabric) restart() string {
	n := []*node{f.r1, f.r2}[f.random.IntN(2)]
	n.kill()
	f.missed("a router killed", n)
	f.rest()
	n.start("--listen", ":"+listenPort)
	f.api[n] = client.Unix(field[string](n, "apiSocket", "status", "--json"))
	return n.name
}
