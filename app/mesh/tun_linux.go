package mesh

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/tun"

	"hither/fusion"
)

// deviceName lets the kernel number it: hither0, unless there is one.
const deviceName = "hither%d"

// openDevice makes a TUN device with this computer's address, up. It is gone when its file is
// closed, also by a kill.
func (r *running) openDevice() error {
	if r.m.cfg.noTUN {
		return deviceError(syscall.EPERM)
	}
	if name := holderOfPrefix(); name != "" {
		return &fusion.Error{Op: "net.up", Path: name, Cause: fusion.ErrExists, Detail: "another node of this computer has the network device", Hint: "one node has it at a time: run hither net down there"}
	}
	dev, err := tun.CreateTUN(deviceName, MTU)
	if err != nil {
		return deviceError(err)
	}
	go func() {
		for range dev.Events() { // it ends with the device
		}
	}()
	if r.device, err = dev.Name(); err == nil {
		err = address(r.device, r.m.own)
	}
	if err != nil {
		r.device = ""
		return errors.Join(deviceError(err), dev.Close())
	}
	r.tun = dev
	return nil
}

// address gives a device its address, and puts it up: the route to the network comes with the
// prefix. Nobody else is on the device to have the address too (no duplicate detection).
func address(device string, at netip.Addr) error {
	link, err := netlink.LinkByName(device)
	if err != nil {
		return err
	}
	own := &netlink.Addr{IPNet: &net.IPNet{IP: at.AsSlice(), Mask: net.CIDRMask(Prefix.Bits(), 128)}, Flags: unix.IFA_F_NODAD}
	if err := netlink.AddrAdd(link, own); err != nil {
		return err
	}
	// No link-local address: nobody is on the link. Where it cannot be left out it does no harm.
	_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+device+"/addr_gen_mode", []byte("1"), 0o644)
	return netlink.LinkSetUp(link)
}

// holderOfPrefix gives the network device that has an address of the network already.
func holderOfPrefix() string {
	list, err := net.Interfaces()
	if err != nil {
		return ""
	}
	for _, card := range list {
		addrs, _ := card.Addrs() // one that went has none
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && Prefix.Contains(p.Addr()) {
				return card.Name
			}
		}
	}
	return ""
}

// deviceError says why there is no device.
func deviceError(err error) error {
	e := &fusion.Error{Op: "net.up", Path: "/dev/net/tun", Cause: err, Detail: err.Error(), Hint: "programs go out by a proxy meanwhile: hither proxy 1080 HOST"}
	switch {
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		e.Cause, e.Detail = fusion.ErrPermission, "this user may not have a network device, or IPv6 is switched off"
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ENODEV):
		e.Cause, e.Detail = fusion.ErrUnsupported, "this system has no TUN devices"
	}
	return e
}

// passing says whether reading goes on after an error.
func passing(err error) bool { return errors.Is(err, tun.ErrTooManySegments) }
