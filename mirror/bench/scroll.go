//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"time"
)

// terminals are the kinds of scrolling terminal: a real xterm with its usual
// font, the same with a smooth one, and the canvas, which copies its old lines
// or draws all of itself anew.
var terminals = []string{"xterm", "xterm-smooth", "copy", "redraw"}

// scrolled is what a scrolling terminal cost.
type scrolled struct {
	Seconds   float64 `json:"seconds"`
	Bytes     int64   `json:"bytes"`
	CPU       float64 `json:"cpuSeconds"`        // all of the host's side
	XCPU      float64 `json:"xServerCpuSeconds"` // of which its X server
	Drawn     int     `json:"updatesDrawn"`
	Shown     int     `json:"updatesShown"`
	Exact     bool    `json:"exactAtRest"`
	Different int     `json:"pixelsDifferent"`
}

// scrolling is what the terminal cost one peer in a round.
type scrolling struct {
	Peer     string `json:"peer"`
	Terminal string `json:"terminal"`
	Round    int    `json:"round"`
	scrolled
}

// scrolls is row d.
func scrolls(ctx context.Context, p plan, h *house, r *result) error {
	peers, err := h.startPeers(p.chosen([]string{"hither", "tigervnc-tuned"}, "hither-found", "tigervnc", "xpra", "xpra-tuned"), loopback)
	if err != nil {
		return err
	}
	for round := range p.scrolls {
		for _, kind := range p.kinds {
			for k := range peers {
				one := peers[(k+round)%len(peers)]
				s, err := one.scroll(ctx, kind, p.length)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", one.name, kind, err)
				}
				r.Scrolls = append(r.Scrolls, &scrolling{one.name, kind, round + 1, s})
			}
		}
		fmt.Fprintf(os.Stderr, "  round %d of %d\n", round+1, p.scrolls)
	}
	for _, kind := range p.kinds {
		r.judgeScroll(kind)
	}
	return nil
}

// judgeScroll compares the pairs of each round.
func (r *result) judgeScroll(kind string) {
	var bytes, cpu []float64
	shown, exact := math.NaN(), true
	for _, mine := range r.Scrolls {
		if mine.Peer != "hither" || mine.Terminal != kind {
			continue
		}
		if part := float64(mine.Shown) / float64(mine.Drawn); math.IsNaN(shown) || part < shown {
			shown = part
		}
		exact = exact && mine.Exact
		if theirs := r.scrollOf("tigervnc-tuned", kind, mine.Round); theirs != nil {
			bytes = append(bytes, float64(mine.Bytes)/float64(theirs.Bytes))
			cpu = append(cpu, mine.CPU/theirs.CPU)
		}
	}
	r.ratio(kind+": bytes to tuned TigerVNC's", median(bytes), 1, 0.7)
	r.ratio(kind+": host CPU to tuned TigerVNC's", median(cpu), 1, 1.5)
	if !math.IsNaN(shown) {
		r.least(kind+": updates shown of 600", shown*600, 590)
		r.holds(kind+": exact at rest", yesNo(exact), exact)
	}
}

func (r *result) scrollOf(peer, kind string, round int) *scrolling {
	for _, s := range r.Scrolls {
		if s.Peer == peer && s.Terminal == kind && s.Round == round {
			return s
		}
	}
	return nil
}

// scroll measures a scrolling terminal of one kind.
func (p *peer) scroll(ctx context.Context, kind string, length time.Duration) (s scrolled, err error) {
	offset, err := p.located(ctx)
	if err != nil {
		return s, err
	}
	if fonts[kind] == nil {
		if err := p.enter(ctx, kind); err != nil {
			return s, err
		}
		return p.scrollApp(ctx, p.app, lastLine.Add(offset), length)
	}
	term, err := startXterm(ctx, p.source, kind)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, term.close()) }()
	if err := term.scene("fill"); err != nil {
		return s, err
	}
	return p.scrollApp(ctx, term.app, term.last.Add(offset), length)
}

func (p *peer) scrollApp(ctx context.Context, a *app, last image.Rectangle, length time.Duration) (s scrolled, err error) {
	if err := p.rest(ctx, long); err != nil {
		return s, err
	}
	if err := p.probe.follow(last, hashLine); err != nil {
		return s, err
	}
	bill, start := p.bill(), time.Now()
	if s.Drawn, err = a.scroll(length); err != nil {
		return s, err
	}
	s.Seconds = time.Since(start).Seconds()
	if err := p.rest(ctx, long); err != nil {
		return s, err
	}
	spent := p.bill().minus(bill)
	s.Bytes, s.CPU, s.XCPU = spent.bytes, (spent.x + spent.server).Seconds(), spent.x.Seconds()
	sights, err := p.probe.followed()
	if err != nil {
		return s, err
	}
	s.Shown = len(sights)
	s.Different, err = p.differs()
	s.Exact = s.Different == 0
	return s, err
}

// differs gives how many pixels of the viewer differ from the source's.
func (p *peer) differs() (int, error) {
	want, err := sourceNow(p.source)
	if err != nil {
		return 0, err
	}
	if err := p.probe.shot.take(); err != nil {
		return 0, err
	}
	return p.probe.shot.differing(want, *p.offset, math.MaxInt), nil
}

// bill is what a peer has cost so far.
type bill struct {
	bytes     int64
	x, server time.Duration // CPU time
}

func (p *peer) bill() bill {
	return bill{p.wire.bytes(), cpuOf(p.servers[:1]), cpuOf(p.servers[1:])}
}

func (b bill) minus(a bill) bill { return bill{b.bytes - a.bytes, b.x - a.x, b.server - a.server} }
