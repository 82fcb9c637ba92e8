//go:build linux

package main

import (
	"context"
	"time"
)

// still is what a screen costs on which nothing happens.
type still struct {
	Peer    string  `json:"peer"`
	Seconds float64 `json:"seconds"`
	Bytes   int64   `json:"bytes"`
	Media   int64   `json:"mediaBytes"` // -1: unknown
	CPU     float64 `json:"hostCpuPercent"`
}

// stills is row g. All peers stand still at the same time.
func stills(ctx context.Context, p plan, h *house, r *result) error {
	peers, err := h.startPeers(p.chosen([]string{"hither", "tigervnc-tuned", "xpra"}, "tigervnc", "xpra-tuned"), loopback)
	if err != nil {
		return err
	}
	for _, one := range peers {
		if err := one.enter(ctx, "copy"); err != nil {
			return err
		}
		if err := one.rest(ctx, long); err != nil {
			return err
		}
	}
	start := time.Now()
	var before []bill
	var media []int64
	for _, one := range peers {
		before, media = append(before, one.bill()), append(media, one.media())
	}
	if err := sleep(ctx, p.still); err != nil {
		return err
	}
	for i, one := range peers {
		spent, seconds := one.bill().minus(before[i]), time.Since(start).Seconds()
		s := &still{one.name, seconds, spent.bytes, -1, 100 * (spent.x + spent.server).Seconds() / seconds}
		if one.name == "hither" {
			s.Media = one.media() - media[i]
			r.most("media bytes", float64(s.Media), 0)
			r.most("host CPU %", s.CPU, 0.5)
		}
		r.Still = append(r.Still, s)
	}
	return nil
}

// media gives the bytes that were more than signs of life.
func (p *peer) media() int64 {
	if c, ok := p.wire.(*counter); ok {
		return c.media.Load()
	}
	return 0
}
