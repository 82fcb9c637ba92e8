package main

import (
	"context"
	"slices"
	"strings"

	"hither/fusion"
)

// target reads a machine's address and finds its host.
func (g *globals) target(ctx context.Context, text string) (fusion.Address, fusion.Host, error) {
	address, err := g.address(ctx, text, machineAddress)
	return g.at(ctx, address, err)
}

// thing reads HOST/NAME of something that is no machine and finds its host.
func (g *globals) thing(ctx context.Context, text string) (fusion.Address, fusion.Host, error) {
	address, err := machineAddress(text)
	return g.at(ctx, address, err)
}

// at finds the host of an address that was read without an error.
func (g *globals) at(ctx context.Context, address fusion.Address, err error) (fusion.Address, fusion.Host, error) {
	if err != nil {
		return fusion.Address{}, nil, err
	}
	host, err := g.machine(ctx, address)
	return address, host, err
}

// address reads the address of a machine, or of something on it, with read. Where read refuses
// the machine's name, it may be the own one of a machine that others made: its host is asked, and
// the address that is given has the name that Hither has for it. A hypervisor has each name once.
func (g *globals) address(ctx context.Context, text string, read func(string) (fusion.Address, error)) (fusion.Address, error) {
	address, err := read(text)
	if err == nil {
		return address, nil
	}
	parts := strings.Split(text, "/")
	at := min(len(parts)-1, 1)
	own := parts[at]
	if len(parts) > 3 || own == "" || fusion.CheckName(own) == nil {
		return address, err
	}
	parts[at] = "x"
	if address, other := read(strings.Join(parts, "/")); other != nil { // it is not the name alone
		return address, err
	}
	list, err := g.machinesOn(ctx, parts[:at])
	if err != nil {
		return fusion.Address{}, err
	}
	i := slices.IndexFunc(list, func(m fusion.Machine) bool { return m.OriginalName == own })
	if i < 0 {
		return fusion.Address{}, fusion.NoMachine("machine", text)
	}
	parts[at] = list[i].Name
	return read(strings.Join(parts, "/"))
}

// machinesOn lists the machines of a host, of this computer for none.
func (g *globals) machinesOn(ctx context.Context, host []string) ([]fusion.Machine, error) {
	c, err := g.join(ctx)
	if err != nil {
		return nil, err
	}
	return c.Host(strings.Join(host, "")).Machines().List(ctx)
}

// machineAddress reads MACHINE or HOST/MACHINE.
func machineAddress(text string) (fusion.Address, error) {
	address, err := fusion.ParseAddress(text)
	if err == nil && address.App != "" {
		err = &fusion.Error{Op: "address", Path: text, Cause: fusion.ErrInvalid, Hint: "a machine is MACHINE or HOST/MACHINE"}
	}
	if err != nil {
		return fusion.Address{}, usage(err)
	}
	return address, nil
}

// partAddress reads HOST/MACHINE/PART too: an app, what runs of it, or a monitor.
func partAddress(text string) (fusion.Address, error) {
	address, err := fusion.ParseAddress(text)
	if err != nil {
		return fusion.Address{}, usage(err)
	}
	return address, nil
}
