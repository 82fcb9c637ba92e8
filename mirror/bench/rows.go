//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"hither/fusion"
)

// row is one line of the table of what a mirror must show.
type row struct {
	name  string
	title string
	run   func(ctx context.Context, p plan, h *house, r *result) error
	extra bool // only when it is named
}

// rows is the table, in its order.
func rows() []row {
	return []row{
		{name: "a", title: "key → pixel in the native window, loopback", run: keysLocal},
		{name: "b", title: "key → pixel of a VM's console", run: keysConsole},
		{name: "c", title: "key → pixel, 40 ms round trip, 1 % lost each way", run: keysFar},
		{name: "d", title: "scrolling terminal, 60 lines a second", run: scrolls},
		{name: "e", title: "typing, 8 keys a second", run: typings},
		{name: "f", title: "full-motion 1080p film, 30 frames a second", run: films},
		{name: "g", title: "a screen at rest", run: stills},
		{name: "h", title: "`hither view` to the complete picture", run: opens},
		{name: "i", title: "key → pixel in Chromium", run: keysBrowser},
		{name: "j", title: "the film over 5 and 20 Mbit/s", run: narrowFilms},
		{name: "s", title: "memory under mixed work", run: soak, extra: true},
	}
}

// rowNames lists the rows, the extra ones too or not.
func rowNames(extra bool) string {
	var names []string
	for _, row := range rows() {
		if extra || !row.extra {
			names = append(names, row.name)
		}
	}
	return strings.Join(names, ",")
}

// check says at once what is wrong with a plan.
func (p plan) check() error {
	for _, name := range p.rows {
		if !strings.Contains(rowNames(true), name) || len(name) != 1 {
			return invalid("row "+name, "there are "+rowNames(true))
		}
	}
	for _, kind := range p.kinds {
		if !slices.Contains(terminals, kind) {
			return invalid("kind "+kind, "there are "+strings.Join(terminals, ","))
		}
	}
	for _, name := range p.peers {
		if !slices.Contains(peerNames, name) {
			return invalid("peer "+name, "there are "+strings.Join(peerNames, ","))
		}
	}
	if p.rounds < 1 || p.repeats < 1 || p.scrolls < 1 || p.samples < 1 || p.opens < 1 || len(p.kinds) == 0 {
		return invalid("counts", "each is at least 1")
	}
	return nil
}

func invalid(what, hint string) error {
	return &fusion.Error{Op: "bench", Path: what, Cause: fusion.ErrInvalid, Hint: hint}
}

// measure takes one row after the other, each in a house of its own. A row
// that fails does not stop the others.
func (r *report) measure(ctx context.Context, p plan) error {
	var errs []error
	for _, row := range rows() {
		if !slices.Contains(p.rows, row.name) || ctx.Err() != nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "row %s: %s\n", row.name, row.title)
		one := r.begin(row)
		err := one.measure(ctx, p, row)
		if err != nil {
			err = fmt.Errorf("row %s: %w", row.name, err)
			fmt.Fprintln(os.Stderr, err)
			one.Failed = err.Error()
		}
		errs = append(errs, err)
	}
	return errors.Join(append(errs, ctx.Err())...)
}

func (r *result) measure(ctx context.Context, p plan, row row) (err error) {
	h, err := newHouse(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close(), endOrphans()) }()
	began := time.Now()
	r.LoadBefore = load()
	if err = row.run(ctx, p, h, r); err != nil && ctx.Err() == nil {
		err = errors.Join(err, h.autopsy())
	}
	r.LoadAfter = load()
	r.Seconds = time.Since(began).Seconds()
	return err
}

// chosen gives the peers that take part in a row: the usual ones, or those of
// them and of others that the plan names.
func (p plan) chosen(usual []string, others ...string) []string {
	if len(p.peers) == 0 {
		return usual
	}
	return slices.DeleteFunc(append(usual, others...), func(name string) bool { return !slices.Contains(p.peers, name) })
}

// load is the load average of the last minute, proc_loadavg(5).
func load() float64 {
	var one float64
	text, err := os.ReadFile("/proc/loadavg")
	if err == nil {
		_, err = fmt.Sscan(string(text), &one)
	}
	if err != nil {
		return -1 // unknown
	}
	return one
}
