package main

import (
	"cmp"
	"context"
	"sync"
	"time"

	"hither/fusion"
)

const (
	pathFresh   = 2 * time.Second
	pathTimeout = 500 * time.Millisecond
)

// hostPath asks how packets go to a host, not more often than needed.
type hostPath struct {
	host fusion.Host

	mu    sync.Mutex // guards the fields below, and is held while asking
	text  string
	asked time.Time
}

func (p *hostPath) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.asked) < pathFresh {
		return p.text
	}
	ctx, cancel := context.WithTimeout(context.Background(), pathTimeout)
	defer cancel()
	info, err := p.host.Info(ctx)
	p.asked = time.Now()
	switch {
	case err != nil:
		p.text = "unknown"
	case info.Local:
		p.text = "this computer"
	default:
		p.text = cmp.Or(info.Path, "offline")
	}
	return p.text
}
