//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"hither/vmctl"
)

// lists asks for all machines through the API and of bare libvirt, in turns, so that
// what else the computer does meets both alike.
func (r *report) lists(ctx context.Context, p plan, n *node) error {
	bare, err := vmctl.OpenBare(n.uri)
	if err != nil {
		return err
	}
	defer bare.Close() // nothing of it is kept
	first, err := n.list(ctx)
	if err != nil {
		return err
	}
	r.add("first list through the API", []time.Duration{first}, atMost{})
	var ours, theirs []time.Duration
	for range p.rounds {
		took, err := n.list(ctx)
		if err != nil {
			return err
		}
		ours = append(ours, took)
		start := time.Now()
		count, err := bare.List()
		theirs = append(theirs, time.Since(start))
		if err != nil || count != p.machines {
			return fmt.Errorf("bare libvirt lists %d machines: %v", count, err)
		}
	}
	list := r.add("list through the API", ours, atMost{p99: 300})
	alone := r.add("ListAllDomains and the states, bare", theirs, atMost{})
	r.ratio("list through the API ÷ bare", list.P50/alone.P50, 1.5)
	return nil
}

// memory compares what two nodes hold, and what libvirt's test driver alone, which
// lives in the node's process, adds to that.
func (r *report) memory(ctx context.Context, n *node) error {
	many, err := residentBytes(n.cmd.Process.Pid)
	if err != nil {
		return err
	}
	driver, err := bareMemoryOf(ctx, n.uri)
	if err != nil {
		return err
	}
	r.number("resident memory of the node with 10 machines, MB", mb(r.fewBytes), 0)
	r.number(fmt.Sprintf("resident memory of the node with %d, MB", r.Machines), mb(many), 0)
	r.number("it grows by, MB", mb(many-r.fewBytes), 30)
	r.number("of which libvirt's test driver alone, MB", mb(driver), 0)
	return nil
}

func mb(n int64) float64 { return float64(n) / 1e6 }

// residentBytes reads what a process has in memory.
func residentBytes(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text)) // size, resident, … in pages, see proc(5)
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// bareMemory is what this program is called as to tell what the driver takes.
const bareMemory = "bare-memory"

func bareMemoryOf(ctx context.Context, uri string) (int64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	out, err := exec.CommandContext(ctx, self, bareMemory, uri).Output()
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
}

func printBareMemory(uri string) error {
	empty, err := vmctl.OpenBare("test:///default") // loads the library
	if err != nil {
		return err
	}
	before, err := residentBytes(os.Getpid())
	if err != nil {
		return err
	}
	bare, err := vmctl.OpenBare(uri)
	if err != nil {
		return err
	}
	after, err := residentBytes(os.Getpid())
	if err != nil {
		return err
	}
	if _, err := fmt.Println(after - before); err != nil {
		return err
	}
	if err := bare.Close(); err != nil {
		return err
	}
	return empty.Close()
}
