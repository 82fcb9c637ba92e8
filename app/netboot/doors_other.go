//go:build !linux

package netboot

import (
	"errors"
	"net/netip"
	"syscall"
)

const ownProgram = ""

// onInterface: no socket of these systems is bound to an interface by its name.
func onInterface(string) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, _ syscall.RawConn) error { return errors.ErrUnsupported }
}

func neighbour(netip.Addr) string { return "" }
