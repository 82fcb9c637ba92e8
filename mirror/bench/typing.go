//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// typing is what a person who types costs.
type typing struct {
	Peer    string  `json:"peer"`
	Keys    int     `json:"keys"`
	Seconds float64 `json:"seconds"`
	Bytes   int64   `json:"bytes"`
	CPU     float64 `json:"serverCpuSeconds"`
	XCPU    float64 `json:"xServerCpuSeconds"`
	Exact   bool    `json:"exactAtRest"`
}

// keysPerSecond is how fast a person types who is good at it.
const keysPerSecond = 8

// typings is row e: a line of text in an xterm.
func typings(ctx context.Context, p plan, h *house, r *result) error {
	peers, err := h.startPeers(p.chosen([]string{"hither", "tigervnc-tuned"}, "tigervnc", "xpra", "xpra-tuned"), loopback)
	if err != nil {
		return err
	}
	r.Typing, err = turns(p.rounds, peers, func(one *peer) (*typing, error) { return one.typeText(ctx, p.length) })
	if err != nil {
		return err
	}
	var bytes, cpu []float64
	exact := true
	for _, t := range r.Typing {
		if t.Peer == "hither" {
			bytes, cpu = append(bytes, float64(t.Bytes)/1000/t.Seconds*10), append(cpu, t.CPU/t.Seconds*10)
			exact = exact && t.Exact
		}
	}
	r.most("kB in 10 s", median(bytes), 45)
	r.most("server CPU s in 10 s", median(cpu), 0.08)
	r.holds("exact at rest", yesNo(exact), exact)
	return nil
}

// typeText strikes letters in an xterm, which its line discipline echoes.
func (p *peer) typeText(ctx context.Context, length time.Duration) (_ *typing, err error) {
	if _, err := p.located(ctx); err != nil {
		return nil, err
	}
	term, err := startXterm(ctx, p.source, "xterm")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, term.close()) }()
	for _, scene := range []string{"fill", "clear"} {
		if err := term.scene(scene); err != nil {
			return nil, err
		}
	}
	if err := p.rest(ctx, long); err != nil {
		return nil, err
	}
	t := &typing{Peer: p.name}
	bill, start := p.bill(), time.Now()
	if t.Keys, err = p.strikeLetters(ctx, length); err != nil {
		return nil, err
	}
	t.Seconds = time.Since(start).Seconds()
	if err := p.rest(ctx, long); err != nil {
		return nil, err
	}
	spent := p.bill().minus(bill)
	t.Bytes, t.CPU, t.XCPU = spent.bytes, spent.server.Seconds(), spent.x.Seconds()
	if len(p.servers) == 1 {
		t.CPU = t.XCPU // it is one process
	}
	different, err := p.differs()
	t.Exact = different == 0
	return t, err
}

// letters are the X keycodes of a keyboard's three rows of letters.
var letters = []byte{24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 38, 39, 40, 41, 42, 43, 44, 45, 46, 52, 53, 54, 55, 56, 57, 58}

func (p *peer) strikeLetters(ctx context.Context, length time.Duration) (int, error) {
	ticker := time.NewTicker(time.Second / keysPerSecond)
	defer ticker.Stop()
	n := int(length.Seconds() * keysPerSecond)
	for range n {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-ticker.C:
		}
		key := letters[rand.IntN(len(letters))]
		p.probe.press(key)
		if err := sleep(ctx, 40*time.Millisecond); err != nil { // a finger's time
			return 0, err
		}
		p.probe.lift(key)
	}
	return n, nil
}

// turns lets Hither have some turns and the others, which are no part of the goal,
// one each.
func turns[T any](repeats int, peers []*peer, turn func(*peer) (T, error)) ([]T, error) {
	var all []T
	for round := range repeats {
		for k := range peers {
			one := peers[(k+round)%len(peers)]
			if round > 0 && one.name != "hither" {
				continue
			}
			t, err := turn(one)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", one.name, err)
			}
			all = append(all, t)
		}
	}
	return all, nil
}
