package netboot

import (
	"errors"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownProgram is the program that runs, also when its file was replaced.
const ownProgram = "/proc/self/exe"

// onInterface binds a socket to one interface, beside others that do the same: a DHCP server
// of this computer's own hears broadcasts too.
func onInterface(name string) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var err error
		set := func(fd uintptr) {
			err = unix.BindToDevice(int(fd), name)
			for _, option := range []int{unix.SO_REUSEADDR, unix.SO_BROADCAST} {
				err = errors.Join(err, unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, option, 1))
			}
		}
		return errors.Join(c.Control(set), err)
	}
}

// arpTable is proc(5)'s.
const arpTable = "/proc/net/arp"

// neighbour gives the MAC that the kernel knows of an address, or "".
func neighbour(addr netip.Addr) string {
	table, err := os.ReadFile(arpTable)
	if err != nil {
		return ""
	}
	return neighbourIn(string(table), addr)
}

// neighbourIn reads the table: address, kind of hardware, flags, MAC, mask, interface.
func neighbourIn(table string, addr netip.Addr) string {
	const complete = 2 // ATF_COM
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 6 || f[0] != addr.Unmap().String() {
			continue
		}
		if flags, err := strconv.ParseUint(strings.TrimPrefix(f[2], "0x"), 16, 32); err == nil && flags&complete != 0 {
			return f[3]
		}
	}
	return ""
}
