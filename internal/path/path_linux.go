package path

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"
)

// Shape is what the path does to packets, each way by itself. The zero value
// passes them on at once.
type Shape struct {
	// Delay is one way: half the round trip.
	Delay time.Duration
	// Loss is the share of packets that vanish, 0 to 1. Each is lost or not by
	// itself. 1 cuts the path.
	Loss float64
	// Rate bounds the bytes a second of IP packets; 0 is no bound.
	Rate int
	// Queue is how many bytes may wait for the rate before packets are dropped;
	// default 256 KiB.
	Queue int
}

// Config says how a path begins. The zero value works.
type Config struct {
	Shape
	// Seed makes the losses the same in each run.
	Seed uint64
	// Congestion pins the TCP of both sides to an algorithm, as "cubic"; default
	// the system's. It is added to those that any program of this machine may
	// choose, which a namespace needs.
	Congestion string
	// MTU in bytes; default 1500.
	MTU int
	// Near and Far say where the sides are.
	Near, Far At
}

// At is where one side of a path is. The zero value is a namespace of its own.
type At struct {
	// Space is the file of a namespace that is there, as /run/netns/NAME, which
	// stays as it is but for the device.
	Space string
	// Device is the TUN device's name; default path0.
	Device string
	// Addr is its address, in the /30 of the other side's; default 10.77.0.1 for
	// Near and 10.77.0.2 for Far.
	Addr netip.Addr
}

func side(at At, addr netip.Addr) *Side {
	at.Device, at.Addr = cmp.Or(at.Device, "path0"), cmp.Or(at.Addr, addr)
	return &Side{Addr: at.Addr, at: at}
}

// Count is what entered the path at one side.
type Count struct {
	Packets, Bytes int64 // of IP packets, lost ones too
	Lost           int64 // packets that vanished by Loss
	Full           int64 // packets that the queue had no place for
}

// Path joins the namespaces Near and Far. Four goroutines carry packets until
// Close.
type Path struct {
	Near, Far *Side

	running sync.WaitGroup
}

// Open makes both namespaces and the path between them.
func Open(cfg Config) (_ *Path, err error) {
	p := &Path{Near: side(cfg.Near, netip.AddrFrom4([4]byte{10, 77, 0, 1})), Far: side(cfg.Far, netip.AddrFrom4([4]byte{10, 77, 0, 2}))}
	cfg.MTU = cmp.Or(cfg.MTU, 1500)
	if err := allow(cfg.Congestion); err != nil {
		return nil, fmt.Errorf("path: TCP %q: %w", cfg.Congestion, err)
	}
	for _, side := range []*Side{p.Near, p.Far} {
		if err := side.open(cfg); err != nil {
			return nil, errors.Join(fmt.Errorf("path: namespace (it needs root and /dev/net/tun): %w", err), p.Close())
		}
	}
	p.Near.way, p.Far.way = newWay(cfg.Shape, cfg.Seed), newWay(cfg.Shape, cfg.Seed+1)
	p.carry(p.Near, p.Far, cfg.MTU)
	p.carry(p.Far, p.Near, cfg.MTU)
	return p, nil
}

func (p *Path) carry(from, to *Side, mtu int) {
	p.running.Go(func() {
		defer from.way.close()
		from.way.fill(from.tun, mtu)
	})
	p.running.Go(func() { from.way.drain(to.tun) })
}

// Set changes the shape of both ways; packets under way keep their time.
func (p *Path) Set(shape Shape) {
	p.Near.way.set(shape)
	p.Far.way.set(shape)
}

// Close ends the path. The namespaces end with the last process in them.
func (p *Path) Close() error {
	var errs []error
	for _, side := range []*Side{p.Near, p.Far} {
		for _, f := range []*os.File{side.tun, side.ns} {
			if f != nil {
				errs = append(errs, f.Close())
			}
		}
	}
	p.running.Wait()
	return errors.Join(errs...)
}
