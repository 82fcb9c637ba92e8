package fusion

import (
	"context"
	"net/netip"
)

// Forward hands what reaches a port of the host to a port of a virtual machine.
type Forward struct {
	// Machine is empty in a request that names it beside.
	Machine string `json:"machine"`
	// Proto is "tcp" or "udp".
	Proto string `json:"proto"`
	// Listen is the host's address, as text; 127.0.0.1 is for the host alone.
	Listen string `json:"listen"`
	// HostPort is the port there; in a request 0 is one that is free.
	HostPort  int `json:"hostPort"`
	GuestPort int `json:"guestPort"`
	// Note says why it does not work now, "" when it does as far as is known.
	Note string `json:"note,omitempty"`
}

// Forwards are the port forwards to one host's virtual machines. They are kept over a
// restart of the node and end with the machine's removal. A connection is refused while
// the machine is off.
type Forwards interface {
	// List gives a machine's forwards by port. It promises ErrNotFound, and
	// ErrUnsupported for "self".
	List(ctx context.Context, machine string) ([]Forward, error)
	// Add begins a forward and gives it with its port. It promises ErrNotFound,
	// ErrInvalid for what Check refuses, ErrExists when the port is forwarded already,
	// ErrBusy when another program has it, ErrPermission when the node may not take it,
	// and ErrUnsupported for "self".
	Add(ctx context.Context, machine string, f Forward) (Forward, error)
	// Remove ends a forward and the connections through it; Listen, Proto and HostPort
	// tell which. It promises ErrNotFound.
	Remove(ctx context.Context, machine string, f Forward) error
}

// WithDefaults fills in the protocol and the address.
func (f Forward) WithDefaults() Forward {
	if f.Proto == "" {
		f.Proto = "tcp"
	}
	if f.Listen == "" {
		f.Listen = "127.0.0.1"
	}
	return f
}

// Check returns an error with cause ErrInvalid unless the forward can be asked for.
func (f Forward) Check() error {
	refuse := func(detail, hint string) error {
		return &Error{Op: "forward", Path: clip(f.Listen), Cause: ErrInvalid, Detail: detail, Hint: hint}
	}
	addr, err := netip.ParseAddr(f.Listen)
	switch {
	case err != nil || addr.Zone() != "":
		return refuse("it is no IP address of this computer", "listen on 127.0.0.1 for that computer alone, or on 0.0.0.0 for everybody")
	case f.Proto != "tcp" && f.Proto != "udp":
		return refuse("there is no such protocol", "tcp or udp")
	case f.HostPort < 0 || f.HostPort > 65535 || f.GuestPort < 1 || f.GuestPort > 65535:
		return refuse("that is no port", "a port is 1 to 65535, as in 8080:80")
	}
	return nil
}

// Same says whether two forwards are the same port of the host.
func (f Forward) Same(g Forward) bool {
	return f.Proto == g.Proto && f.HostPort == g.HostPort && f.Listen == g.Listen
}
