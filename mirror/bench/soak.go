//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// memory is what the two sides held at the end of a cycle of mixed work, in
// MiB of resident memory (VmRSS, proc_pid_status(5)); memory shared with an X
// server counts.
type memory struct {
	Minute float64 `json:"minute"`
	Server float64 `json:"serverMiB"`
	Viewer float64 `json:"viewerMiB"`
	Exact  bool    `json:"exactAtRest"`
}

// soakPart is how long each kind of work lasts in a cycle.
const soakPart = 8 * time.Second

// soak is row s: mixed work at full speed, for hours. Memory must stay flat: the
// median of the last quarter beside that of the second.
func soak(ctx context.Context, p plan, h *house, r *result) error {
	one, err := h.startPeer("hither", route{})
	if err != nil {
		return err
	}
	for began := time.Now(); time.Since(began) < p.soak; {
		exact, err := one.cycle(ctx)
		if err != nil {
			return err
		}
		m := &memory{Minute: time.Since(began).Minutes(), Exact: exact}
		if m.Server, err = resident(one.servers[1]); err != nil {
			return err
		}
		if m.Viewer, err = resident(one.viewer); err != nil {
			return err
		}
		r.Memory = append(r.Memory, m)
		fmt.Fprintf(os.Stderr, "  minute %.1f: host %.1f MiB, viewer %.1f MiB, exact: %v\n", m.Minute, m.Server, m.Viewer, exact)
	}
	r.judgeMemory()
	return nil
}

// cycle does each kind of work once and says whether all of it rested exactly.
func (p *peer) cycle(ctx context.Context) (exact bool, err error) {
	if _, err := p.located(ctx); err != nil {
		return false, err
	}
	exact = true
	for _, work := range []func() (bool, error){
		func() (bool, error) { return p.soakKeys(ctx, "patch") },
		func() (bool, error) { return p.soakKeys(ctx, "line") },
		func() (bool, error) { return p.soakScroll(ctx, "copy") },
		func() (bool, error) { return p.soakScroll(ctx, "xterm") },
		func() (bool, error) { return p.soakScroll(ctx, "redraw") },
		func() (bool, error) {
			f, err := p.watchFilm(ctx, soakPart)
			return err == nil && f.Rest >= 0, err
		},
	} {
		is, err := work()
		if err != nil {
			return false, err
		}
		exact = exact && is
	}
	return exact, nil
}

func (p *peer) soakKeys(ctx context.Context, scene string) (exact bool, err error) {
	if _, err := p.strike(ctx, scene, 200); err != nil {
		return false, err
	}
	if err := p.rest(ctx, long); err != nil {
		return false, err
	}
	different, err := p.differs()
	return different == 0, err
}

func (p *peer) soakScroll(ctx context.Context, kind string) (exact bool, err error) {
	s, err := p.scroll(ctx, kind, soakPart)
	return s.Exact, err
}

// resident gives the resident memory of a process in MiB.
func resident(p *process) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kib, err := strconv.ParseFloat(number, 64)
	return kib / 1024, err
}

func (r *result) judgeMemory() {
	n := len(r.Memory)
	part := func(from, to int, of func(*memory) float64) float64 {
		var all []float64
		for _, m := range r.Memory[from:to] {
			all = append(all, of(m))
		}
		return median(all)
	}
	for name, of := range map[string]func(*memory) float64{
		"host":   func(m *memory) float64 { return m.Server },
		"viewer": func(m *memory) float64 { return m.Viewer },
	} {
		if n >= 4 {
			r.most(name+": memory of the last quarter to the second's", part(n*3/4, n, of)/part(n/4, n/2, of), 1.1)
		}
	}
	exact := !slices.ContainsFunc(r.Memory, func(m *memory) bool { return !m.Exact })
	r.holds("exact whenever it rested", yesNo(exact), exact)
}

func (r *result) memoryTable() table {
	t := table{head: []string{"minute", "host MiB", "viewer MiB", "exact at rest"}}
	for i, m := range r.Memory {
		if i%max(1, len(r.Memory)/12) == 0 || i == len(r.Memory)-1 {
			t.add(fixed(m.Minute), fixed(m.Server), fixed(m.Viewer), yesNo(m.Exact))
		}
	}
	return t
}
