package path

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

const netns = "/proc/thread-self/ns/net"

// Side is one namespace.
type Side struct {
	Addr netip.Addr

	at  At
	ns  *os.File // keeps the namespace
	tun *os.File
	way *way // what leaves this side
}

// Count gives what this side has sent.
func (s *Side) Count() Count { return s.way.counted() }

// Start starts a command inside the namespace.
func (s *Side) Start(cmd *exec.Cmd) error { return s.Do(cmd.Start) }

// Do runs f inside the namespace: what it starts and the sockets it makes by
// itself belong there, what its goroutines do does not.
func (s *Side) Do(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(s.ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		return f()
	})
}

// onThread runs f on a thread that may change its namespace, and changes it
// back. A thread that could not be changed back is given up.
func onThread(f func() error) error {
	runtime.LockOSThread()
	home, err := os.Open(netns)
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close()
	err = f()
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		return errors.Join(err, back)
	}
	runtime.UnlockOSThread()
	return err
}

func (s *Side) open(cfg Config) error {
	return onThread(func() (err error) {
		if err := s.enter(cfg.Congestion); err != nil {
			return err
		}
		if s.tun, err = openTUN(s.at.Device); err != nil {
			return err
		}
		return s.configure(cfg.MTU)
	})
}

// enter brings the thread into the side's namespace.
func (s *Side) enter(congestion string) (err error) {
	if s.at.Space == "" {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		if s.ns, err = os.Open(netns); err != nil {
			return err
		}
		return s.tune(congestion)
	}
	if s.ns, err = os.Open(s.at.Space); err != nil {
		return err
	}
	return unix.Setns(int(s.ns.Fd()), unix.CLONE_NEWNET)
}

// tune sets what is set per namespace; see Linux, Documentation/networking/ip-sysctl.rst.
func (s *Side) tune(congestion string) error {
	// The path counts what programs send, not what IPv6 says by itself.
	err := os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if congestion == "" {
		return nil
	}
	return os.WriteFile("/proc/sys/net/ipv4/tcp_congestion_control", []byte(congestion), 0)
}

// allow lets namespaces choose a TCP algorithm.
func allow(congestion string) error {
	const file = "/proc/sys/net/ipv4/tcp_allowed_congestion_control"
	text, err := os.ReadFile(file)
	if err != nil || congestion == "" || slices.Contains(strings.Fields(string(text)), congestion) {
		return err
	}
	return os.WriteFile(file, []byte(strings.TrimSpace(string(text))+" "+congestion), 0)
}

// openTUN makes the device; see Linux, Documentation/networking/tuntap.rst.
func openTUN(device string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	request, err := unix.NewIfreq(device)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), device), nil
}

// configure gives the device its address and brings it and the loopback up;
// see netdevice(7).
func (s *Side) configure(mtu int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	steps := []struct {
		device string
		call   uint
		fill   func(*unix.Ifreq)
	}{
		{s.at.Device, unix.SIOCSIFADDR, inet4(s.Addr.As4())},
		{s.at.Device, unix.SIOCSIFNETMASK, inet4([4]byte{255, 255, 255, 252})},
		{s.at.Device, unix.SIOCSIFMTU, func(r *unix.Ifreq) { r.SetUint32(uint32(mtu)) }},
		{s.at.Device, unix.SIOCSIFFLAGS, up},
		{"lo", unix.SIOCSIFFLAGS, up},
	}
	for _, step := range steps {
		request, err := unix.NewIfreq(step.device)
		if err != nil {
			return err
		}
		step.fill(request)
		if err := unix.IoctlIfreq(fd, step.call, request); err != nil {
			return err
		}
	}
	return nil
}

func up(r *unix.Ifreq) { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_MULTICAST) }

func inet4(addr [4]byte) func(*unix.Ifreq) {
	return func(r *unix.Ifreq) { _ = r.SetInet4Addr(addr[:]) } // it is of the right length
}
