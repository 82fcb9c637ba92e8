//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"time"

	"hither/internal/path"
)

// watched is what the probe looks at in a scene of the canvas.
var watched = map[string]image.Rectangle{"patch": patch.Inset(28), "line": line}

// short is how long nothing may have come between scenes before a picture
// counts as at rest; long is it before and after what is counted.
const (
	short = 250 * time.Millisecond
	long  = 1200 * time.Millisecond
)

// pointer is where it rests in the picture, off everything that is watched.
var pointer = image.Pt(1700, 300)

// warmUp is how many keys of a turn are not counted: caches and clocks of a
// peer that has waited for its turn are cold.
const warmUp = 3

// takeTurns lets peers strike keys in rounds.
func (r *result) takeTurns(ctx context.Context, p plan, peers []*peer, scenes ...string) error {
	for round := range p.rounds {
		for _, scene := range scenes {
			for i := range peers {
				one := peers[(i+round)%len(peers)] // none is always first
				samples, err := one.strike(ctx, scene, one.samples(p))
				if err != nil {
					return fmt.Errorf("%s, %s: %w", one.name, scene, err)
				}
				r.addKeys(one.name, scene, samples)
			}
		}
		fmt.Fprintf(os.Stderr, "  round %d of %d\n", round+1, p.rounds)
	}
	return nil
}

// samples is how many keys a peer strikes in a turn: a third where it takes
// long and is no part of a goal.
func (p *peer) samples(plan plan) int {
	if p.slow {
		return max(1, plan.samples/3)
	}
	return plan.samples
}

// strike measures n keys of a scene.
func (p *peer) strike(ctx context.Context, scene string, n int) (samples []time.Duration, err error) {
	if p.turn != nil {
		if err := p.turn(true); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, p.turn(false)) }()
	}
	area, err := p.prepare(ctx, scene)
	if err != nil {
		return nil, err
	}
	if err := p.probe.watch(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.probe.unwatch()) }()
	n += (n + warmUp) % len(p.keys) // a letter typed is taken back
	for i, rest := range rhythm(scene, n+warmUp) {
		if err := sleep(ctx, rest); err != nil {
			return nil, err
		}
		d, err := p.probe.key(p.keys[i%len(p.keys)], area)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		if i >= warmUp {
			samples = append(samples, d)
		}
	}
	return samples, nil
}

// typed is the scene in which keys come as a person strikes them.
const typed = "typed"

// rhythm gives how long each of n keys waits after the one before was seen: spread evenly, in
// random order. What QEMU shows is in step with its clock, and with it the next key; with
// times that are drawn one by one the median of 500 keys would be known to 4 %.
func rhythm(scene string, n int) []time.Duration {
	least, spread := minPause, morePause
	if scene == typed {
		least, spread = 100*time.Millisecond, 50*time.Millisecond
	}
	rests := make([]time.Duration, n)
	for at, i := range rand.Perm(n) {
		rests[i] = least + (time.Duration(at)*spread+rand.N(spread))/time.Duration(n)
	}
	return rests
}

// prepare enters a scene and gives what to watch.
func (p *peer) prepare(ctx context.Context, scene string) (image.Rectangle, error) {
	if p.watch != nil {
		return p.watch(ctx, scene)
	}
	offset, err := p.located(ctx)
	if err != nil {
		return image.Rectangle{}, err
	}
	return watched[scene].Add(offset), p.enter(ctx, scene)
}

// located gives where the viewer shows the source's corner, which it finds out
// once.
func (p *peer) located(ctx context.Context) (image.Point, error) {
	if p.offset == nil {
		if err := p.enter(ctx, "patch"); err != nil {
			return image.Point{}, err
		}
		found, err := p.probe.locate(ctx, letterA, patch.Size())
		if err != nil {
			return image.Point{}, err
		}
		found = found.Sub(patch.Min)
		p.offset = &found
		// A person's pointer is in the picture; TigerVNC paints it into the
		// pixels until then.
		p.probe.point(found.Add(pointer))
	}
	return *p.offset, nil
}

// enter brings the app into a scene, shown and at rest.
func (p *peer) enter(ctx context.Context, scene string) error {
	if err := p.app.scene(scene); err != nil {
		return err
	}
	return p.rest(ctx, short)
}

// keysLocal is row a.
func keysLocal(ctx context.Context, p plan, h *house, r *result) error {
	names := p.chosen([]string{"hither", "tigervnc", "tigervnc-tuned", "xpra", "xpra-tuned", local})
	peers, err := h.startPeers(names, loopback)
	if err != nil {
		return err
	}
	if err := r.takeTurns(ctx, p, peers, "patch", "line"); err != nil {
		return err
	}
	for _, scene := range []string{"patch", "line"} {
		mine, theirs, tuned := r.keysOf("hither", scene), r.keysOf("tigervnc", scene), r.keysOf("tigervnc-tuned", scene)
		r.ratio(scene+": p50 to TigerVNC's", mine.p50(), theirs.p50(), 0.5)
		r.ratio(scene+": p50 to tuned TigerVNC's", mine.p50(), tuned.p50(), 1)
		r.ratio(scene+": p99 to tuned TigerVNC's", mine.p99(), tuned.p99(), 1)
	}
	return nil
}

// The path of row c.
const (
	oneWay = 20 * time.Millisecond
	lost   = 0.01
)

// keysFar is row c. Each peer has a path of its own, so that none pays for what
// another says at rest.
func keysFar(ctx context.Context, p plan, h *house, r *result) error {
	if os.Geteuid() != 0 {
		return errors.New("the shaped path is made of network namespaces: run this row as root, or leave it out with -rows")
	}
	names := p.chosen([]string{"hither-datagram", "hither", "tigervnc-tuned", "xpra-tuned"}, "tigervnc", "xpra")
	way := func(number int) (route, error) {
		return h.longWay(path.Shape{Delay: oneWay, Loss: lost}, uint64(2*number+1))
	}
	peers, err := h.startPeers(names, way)
	if err != nil {
		return err
	}
	for _, one := range peers {
		one.slow = one.slow || one.name == "hither"
	}
	if err := r.takeTurns(ctx, p, peers, "line"); err != nil {
		return err
	}
	r.note("TCP is pinned to cubic on both sides. The goal is hither-datagram's; hither is the same over a TCP stream.")
	trip := 2 * float64(oneWay.Milliseconds())
	mine := r.keysOf("hither-datagram", "line")
	r.most("p50 ms", mine.p50(), trip+6)
	r.most("p99 ms", mine.p99(), trip+30)
	return nil
}
