//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"time"
)

// measure lets the peers take turns.
func measure(ctx context.Context, p plan, peers []*peer) (*report, error) {
	r := newReport()
	for round := range p.rounds {
		for _, scene := range scenes {
			for i := range peers {
				one := peers[(i+round)%len(peers)] // none is always first
				samples, err := one.keys(ctx, scene, p.samples)
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", one.name, scene, err)
				}
				r.addKeys(one.name, scene, samples)
			}
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, p.rounds)
	}
	for _, terminal := range terminals {
		for _, one := range peers {
			if one.name == local {
				continue
			}
			s, err := one.scroll(ctx, terminal, p.scroll)
			if err != nil {
				return nil, fmt.Errorf("%s, scroll: %w", one.name, err)
			}
			r.addScroll(one.name, terminal, s)
		}
		fmt.Fprintf(os.Stderr, "terminal %q has scrolled\n", terminal)
	}
	return r, nil
}

// peer is one way to see a screen, set up and running.
type peer struct {
	name    string
	source  string // display
	app     *app
	probe   *probe
	wire    *counter
	servers []*process // whose CPU time the host pays; the X server first
	offset  *image.Point
}

// watched is what the probe looks at in a scene.
var watched = map[string]image.Rectangle{"patch": patch.Inset(28), "line": line}

// keys measures n keys of a scene.
func (p *peer) keys(ctx context.Context, scene string, n int) (samples []time.Duration, err error) {
	offset, err := p.prepare(ctx, scene)
	if err != nil {
		return nil, err
	}
	if err := p.probe.watch(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.probe.unwatch()) }()
	for i := range n {
		if err := pause(ctx); err != nil {
			return nil, err
		}
		d, err := p.probe.key(watched[scene].Add(offset))
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		samples = append(samples, d)
	}
	return samples, nil
}

// enter brings the app into a scene, shown and at rest.
func (p *peer) enter(ctx context.Context, scene string) error {
	if err := p.app.scene(scene); err != nil {
		return err
	}
	return p.wire.rest(ctx, short)
}

// prepare enters a scene and gives where the viewer shows the source's corner,
// which it finds out once.
func (p *peer) prepare(ctx context.Context, scene string) (image.Point, error) {
	if p.offset == nil {
		if err := p.enter(ctx, "patch"); err != nil {
			return image.Point{}, err
		}
		offset, err := p.probe.locate(ctx)
		if err != nil {
			return image.Point{}, err
		}
		p.offset = &offset
	}
	return *p.offset, p.enter(ctx, scene)
}

// rest is how long nothing may have come before a picture counts as at rest;
// short is enough between scenes.
const (
	rest  = 1200 * time.Millisecond
	short = 250 * time.Millisecond
)

// scroll measures a scrolling terminal of one kind.
func (p *peer) scroll(ctx context.Context, terminal string, length time.Duration) (scrolled, error) {
	var s scrolled
	offset, err := p.prepare(ctx, terminal)
	if err != nil {
		return s, err
	}
	if err := p.wire.rest(ctx, rest); err != nil {
		return s, err
	}
	if err := p.probe.countFrom(lastLine.Add(offset)); err != nil {
		return s, err
	}
	bytes, start := p.wire.bytes(), time.Now()
	cpu, x := cpuOf(p.servers), cpuOf(p.servers[:1])
	if s.Drawn, err = p.app.scroll(length); err != nil {
		return s, err
	}
	s.Seconds = time.Since(start).Seconds()
	if err := p.wire.rest(ctx, rest); err != nil {
		return s, err
	}
	s.Bytes = p.wire.bytes() - bytes
	s.CPU, s.XCPU = (cpuOf(p.servers) - cpu).Seconds(), (cpuOf(p.servers[:1]) - x).Seconds()
	if s.Shown, err = p.probe.count(); err != nil {
		return s, err
	}
	s.Different, err = p.probe.compare(p.source, offset)
	s.Exact = s.Different == 0
	return s, err
}
