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
	servers []*process // whose CPU time the host pays
}

// watched is what the probe looks at in a scene.
var watched = map[string]image.Rectangle{"patch": patch.Inset(28), "line": line}

// keys measures n keys of a scene.
func (p *peer) keys(ctx context.Context, scene string, n int) (samples []time.Duration, err error) {
	offset, err := p.locate(ctx, scene)
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

// locate finds where the viewer shows the source's corner, and leaves the app
// in a scene, shown and at rest.
func (p *peer) locate(ctx context.Context, scene string) (image.Point, error) {
	if err := p.app.scene("patch"); err != nil {
		return image.Point{}, err
	}
	if err := p.wire.rest(ctx, short); err != nil {
		return image.Point{}, err
	}
	offset, err := p.probe.locate(ctx)
	if err != nil {
		return image.Point{}, err
	}
	if err := p.app.scene(scene); err != nil {
		return image.Point{}, err
	}
	return offset, p.wire.rest(ctx, short)
}

// rest is how long nothing may have come before a picture counts as at rest;
// short is enough between scenes.
const (
	rest  = 1500 * time.Millisecond
	short = 250 * time.Millisecond
)

// scroll measures a scrolling terminal of one kind.
func (p *peer) scroll(ctx context.Context, terminal string, length time.Duration) (scrolled, error) {
	var s scrolled
	offset, err := p.locate(ctx, terminal)
	if err != nil {
		return s, err
	}
	if err := p.wire.rest(ctx, rest); err != nil {
		return s, err
	}
	if err := p.probe.countFrom(lastLine.Add(offset)); err != nil {
		return s, err
	}
	bytes, cpu, start := p.wire.bytes(), cpuOf(p.servers), time.Now()
	if s.Drawn, err = p.app.scroll(length); err != nil {
		return s, err
	}
	s.Seconds = time.Since(start).Seconds()
	if err := p.wire.rest(ctx, rest); err != nil {
		return s, err
	}
	s.Bytes = p.wire.bytes() - bytes
	s.CPU = (cpuOf(p.servers) - cpu).Seconds()
	if s.Shown, err = p.probe.count(); err != nil {
		return s, err
	}
	s.Different, err = p.probe.compare(p.source, offset)
	s.Exact = s.Different == 0
	return s, err
}
