//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// figures are what was seen of one peer.
type figures struct {
	port     int
	programs []int // process IDs

	Down []float64       `json:"down"` // MiB/s of one stream from the service, for each turn
	Up   []float64       `json:"up"`   // and to it
	CPU  []float64       `json:"cpu"`  // seconds of all its programs for each GiB of both, for each turn
	Trip []time.Duration `json:"trip"` // of one byte, all turns
	Many []time.Duration `json:"many"` // the longest of the round trips of many connections, for each turn

	IdleMemory int64 `json:"idleMemory"` // bytes of both nodes that the idle tunnels cost
	IdleOpen   int64 `json:"idleOpen"`   // and with a connection through each
}

func dial(port int, what byte) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), 10*time.Second)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write([]byte{what}); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// trips sends a byte and waits for it, n times.
func trips(conn net.Conn, n int) ([]time.Duration, error) {
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return nil, err
	}
	out := make([]time.Duration, n)
	one := make([]byte, 1)
	for i := range out {
		begin := time.Now()
		if _, err := conn.Write(one); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(conn, one); err != nil {
			return nil, err
		}
		out[i] = time.Since(begin)
	}
	return out, nil
}

// measure takes the peers in turns, each round beginning with another.
func (b *world) measure(ctx context.Context) error {
	for round := range b.rounds {
		for i := range b.peers {
			name := b.peers[(i+round)%len(b.peers)]
			if err := b.turn(ctx, b.found[name]); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			fmt.Fprintf(os.Stderr, "round %d, %s: %.0f MiB/s down, %.0f up\n", round+1, name, b.found[name].Down[round], b.found[name].Up[round])
		}
	}
	if f := b.found["hither"]; f != nil && b.idle > 0 {
		return b.rest(ctx, f)
	}
	return nil
}

func (b *world) turn(ctx context.Context, f *figures) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	b.passed = 0
	before := cpuOf(f.programs)
	down, err := b.streamDown(f.port)
	if err != nil {
		return err
	}
	up, err := b.streamUp(f.port)
	if err != nil {
		return err
	}
	f.Down, f.Up = append(f.Down, down), append(f.Up, up)
	f.CPU = append(f.CPU, (cpuOf(f.programs)-before).Seconds()/(float64(b.passed)/(1<<30)))
	conn, err := dial(f.port, echo)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := trips(conn, 50); err != nil { // not counted
		return err
	}
	seen, err := trips(conn, b.pings)
	if err != nil {
		return err
	}
	f.Trip = append(f.Trip, seen...)
	most, err := b.manyAtOnce(f.port)
	f.Many = append(f.Many, most)
	return err
}

// warm is what passes before the clock starts: windows grow, buffers are made.
const warm = 32 << 20

// streamDown gives MiB/s from the service.
func (b *world) streamDown(port int) (float64, error) {
	conn, err := dial(port, source)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	buf := make([]byte, chunk)
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.LimitReader(conn, warm), buf); err != nil {
		return 0, err
	}
	begin, total := time.Now(), 0
	for time.Since(begin) < b.stream {
		n, err := conn.Read(buf)
		if err != nil {
			return 0, err
		}
		total += n
	}
	b.passed += warm + int64(total)
	return float64(total) / (1 << 20) / time.Since(begin).Seconds(), nil
}

// streamUp gives MiB/s to the service, by what it says that it took.
func (b *world) streamUp(port int) (float64, error) {
	conn, err := dial(port, sink)
	if err != nil {
		return 0, err
	}
	go func() { // ends with the connection
		buf := make([]byte, chunk)
		for {
			if _, err := conn.Write(buf); err != nil {
				return
			}
		}
	}()
	defer conn.Close()
	taken := make([]byte, 4096)
	if _, err := io.ReadFull(conn, taken[:warm>>20]); err != nil {
		return 0, err
	}
	begin, total := time.Now(), 0
	for time.Since(begin) < b.stream {
		n, err := conn.Read(taken)
		if err != nil {
			return 0, err
		}
		total += n
	}
	b.passed += warm + int64(total)<<20
	return float64(total) / time.Since(begin).Seconds(), nil
}

// manyAtOnce opens many connections, makes ten round trips on each at the same time, and
// gives the longest that one took.
func (b *world) manyAtOnce(port int) (most time.Duration, err error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range b.many {
		wg.Go(func() {
			conn, one := dial(port, echo)
			var seen []time.Duration
			if one == nil {
				defer conn.Close()
				seen, one = trips(conn, 10)
			}
			mu.Lock()
			defer mu.Unlock()
			err = errors.Join(err, one)
			if len(seen) > 0 {
				most = max(most, slices.Max(seen))
			}
		})
	}
	wg.Wait()
	return most, err
}

// rest makes tunnels that rest, and gives what they cost both nodes.
func (b *world) rest(ctx context.Context, f *figures) error {
	before, err := b.memory()
	if err != nil {
		return err
	}
	var ports []int
	for range b.idle {
		t, err := b.tunnel(ctx)
		if err != nil {
			return err
		}
		_, port, err := net.SplitHostPort(t.Listen)
		if err != nil {
			return err
		}
		ports = append(ports, atoi(port))
	}
	after, err := b.memory()
	if err != nil {
		return err
	}
	f.IdleMemory = after - before
	for _, port := range ports {
		conn, err := dial(port, echo)
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err := trips(conn, 1); err != nil {
			return err
		}
	}
	after, err = b.memory()
	f.IdleOpen = after - before
	return err
}

// memory is what both nodes have of their own, in bytes (RssAnon of proc(5)), once it does not
// change any more.
func (b *world) memory() (int64, error) {
	last := int64(-1)
	for range 20 {
		time.Sleep(time.Second)
		now := int64(0)
		for _, pid := range b.nodes {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			if err != nil {
				return 0, err
			}
			for line := range strings.Lines(string(text)) {
				if value, is := strings.CutPrefix(line, "RssAnon:"); is {
					now += int64(atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))) << 10
				}
			}
		}
		if now-last < 1<<20 && last-now < 1<<20 {
			return now, nil
		}
		last = now
	}
	return last, nil
}

func middle[T int | float64 | time.Duration](list []T, share float64) T {
	if len(list) == 0 {
		var none T
		return none
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[min(int(float64(len(sorted))*share), len(sorted)-1)]
}

// report prints the table and the ratios with their goals.
func (b *world) report() error {
	load, _ := os.ReadFile("/proc/loadavg") // it is only shown
	fmt.Printf("\nload %s\n%-16s %10s %10s %10s %12s %12s %14s\n", strings.TrimSpace(string(load)), "peer", "down MiB/s", "up MiB/s", "CPU s/GiB", "trip p50", "trip p99", "longest of many")
	for _, name := range b.peers {
		f := b.found[name]
		fmt.Printf("%-16s %10.0f %10.0f %10.2f %12s %12s %14s\n", name, middle(f.Down, 0.5), middle(f.Up, 0.5), middle(f.CPU, 0.5),
			middle(f.Trip, 0.5).Round(time.Microsecond), middle(f.Trip, 0.99).Round(time.Microsecond), middle(f.Many, 0.5).Round(time.Millisecond))
	}
	ours := b.found["hither"]
	if ours == nil {
		return nil
	}
	for _, goal := range []struct {
		peer  string
		least float64
	}{{"ssh", 2.5}, {"frp", 1.2}} {
		if other := b.found[goal.peer]; other != nil {
			b.goal(fmt.Sprintf("one stream ≥ %.1f × %s", goal.least, goal.peer), "%.2f down, %.2f up",
				ratio(ours.Down, other.Down) >= goal.least && ratio(ours.Up, other.Up) >= goal.least, ratio(ours.Down, other.Down), ratio(ours.Up, other.Up))
		}
	}
	if other := b.found["direct"]; other != nil {
		more := middle(ours.Trip, 0.5) - middle(other.Trip, 0.5)
		b.goal("round trip ≤ 100 µs more than direct", "%s", more <= 100*time.Microsecond, more.Round(time.Microsecond))
	}
	b.goal(fmt.Sprintf("%d at once without a stall", b.many), "longest %s", len(ours.Many) > 0 && slices.Max(ours.Many) < time.Second, middle(ours.Many, 1))
	if b.idle > 0 {
		b.goal(fmt.Sprintf("%d idle tunnels < 50 MB", b.idle), "%.1f MB; %.1f MB with a connection through each, both nodes together", ours.IdleMemory < 50e6, float64(ours.IdleMemory)/1e6, float64(ours.IdleOpen)/1e6)
	}
	if b.json == "" {
		return nil
	}
	text, err := json.MarshalIndent(b.found, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(b.json, append(text, '\n'), 0o644)
}

// ratio is the median of the turns' own ratios: peers take turns, so neighbours are alike.
func ratio(ours, other []float64) float64 {
	var each []float64
	for i := range min(len(ours), len(other)) {
		each = append(each, ours[i]/other[i])
	}
	return middle(each, 0.5)
}

func (b *world) goal(what, seen string, met bool, values ...any) {
	word := "met"
	if !met {
		word = "MISSED"
	}
	fmt.Printf("%-40s %s (%s)\n", what, word, fmt.Sprintf(seen, values...))
}
