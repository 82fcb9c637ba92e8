//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"hither/fusion"
)

// looking takes how much of a processor the node uses while nobody looks, while
// somebody looks at one machine, and while it measures all of them always.
func (r *report) looking(ctx context.Context, p plan, n *node) error {
	idle, err := n.busy(ctx, p.looks)
	if err != nil {
		return err
	}
	r.number("the node's processor time while nobody looks, %", idle, 0)

	watching, stop := context.WithCancel(ctx)
	first, ended := make(chan bool, 1), make(chan error, 1)
	go func() {
		ended <- n.host.Meters().Watch(watching, machineName(0), func(fusion.MeterPoint) {
			select {
			case first <- true:
			default:
			}
		})
	}()
	select {
	case <-first:
	case err := <-ended:
		stop()
		return fmt.Errorf("watching %s: %w", machineName(0), err)
	}
	one, err := n.busy(ctx, p.looks)
	stop()
	<-ended
	if err != nil {
		return err
	}
	r.number("while somebody looks at one machine, %", one, 0)

	if err := n.host.Meters().KeepAlways(ctx, true); err != nil {
		return err
	}
	all, err := n.busy(ctx, p.looks)
	if err != nil {
		return err
	}
	r.number("while all are measured always, %", all, 0)
	return n.host.Meters().KeepAlways(ctx, false)
}

// busy gives the share of one processor that the node's process uses for a while, in
// percent, from its own clock.
func (n *node) busy(ctx context.Context, during time.Duration) (float64, error) {
	before, err := n.processorTime()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	select {
	case <-time.After(during):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	after, err := n.processorTime()
	return 100 * float64(after-before) / float64(time.Since(start)), err
}

func (n *node) processorTime() (time.Duration, error) {
	const processClock = 2 // CPUCLOCK_SCHED of a whole process, see clock_getcpuclockid(3)
	var t unix.Timespec
	err := unix.ClockGettime(int32(^n.cmd.Process.Pid<<3|processClock), &t)
	return time.Duration(t.Nano()), err
}
