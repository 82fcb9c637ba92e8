//go:build linux && e2e

package wol

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hither/fusion"
)

// TestMagicPacketCrossesABridge sends from one namespace over a bridge to another,
// where a listener sees the packet's bytes; the same card in a network that the
// sender is not in gets none.
func TestMagicPacketCrossesABridge(t *testing.T) {
	within(t, func() {
		sh(t, `ip link set lo up
ip link add br0 type bridge forward_delay 0 && ip addr add 10.66.0.254/24 dev br0 && ip link set br0 up
ip link add port1 type veth peer name eth1 && ip link set port1 master br0 && ip link set port1 up`)
		sleeper := inside(t, func() { sh(t, "ip link set lo up") })
		sh(t, "ip link set eth1 netns "+sleeper.path)
		var listener *net.UDPConn
		sleeper.do(t, func() {
			sh(t, "ip addr add 10.66.0.2/24 dev eth1 && ip link set eth1 up")
			var err error
			if listener, err = net.ListenUDP("udp4", &net.UDPAddr{Port: port}); err != nil {
				t.Fatal(err)
			}
		})
		defer listener.Close()

		mac := net.HardwareAddr{0x52, 0x54, 0, 0xaa, 0xbb, 0xcc}
		card := fusion.Card{Name: "eth1", MAC: mac.String(), Nets: []string{"10.66.0.2/24"}}
		packet, from := heard(t, listener, func() {
			if sent, err := Send([]fusion.Card{card}); err != nil || sent != 1 {
				t.Fatalf("%d sent, %v", sent, err)
			}
		})
		if !bytes.Equal(packet, Packet(mac)) || len(packet) != 102 || from.IP.String() != "10.66.0.254" {
			t.Errorf("%d bytes from %s: %x", len(packet), from, packet)
		}
		card.Nets = []string{"10.67.0.2/24", "127.0.0.1/8"}
		if sent, err := Send([]fusion.Card{card}); err != nil || sent != 0 {
			t.Errorf("into a network it is not in: %d sent, %v", sent, err)
		}
	})
}

// heard sends until the listener hears it: the kernel takes its time to see that
// both ends of a cable are up.
func heard(t *testing.T, listener *net.UDPConn, send func()) ([]byte, *net.UDPAddr) {
	t.Helper()
	packet := make([]byte, 2048)
	for range 60 {
		send()
		if err := listener.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		n, from, err := listener.ReadFromUDP(packet)
		if err == nil {
			return packet[:n], from
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
	}
	t.Fatal("nothing came over the bridge")
	return nil, nil
}

func sh(t *testing.T, script string) {
	t.Helper()
	if out, err := exec.Command("sh", "-ec", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s (it needs root and iproute2)", script, err, out)
	}
}

// within runs f on a thread in a network namespace of its own, which ends with it.
func within(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends here
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Errorf("a namespace (it needs root): %v", err)
			return
		}
		f()
	}()
	<-done
}

// space is a namespace that a file keeps.
type space struct {
	file *os.File
	path string
}

// inside makes a namespace and runs f in it.
func inside(t *testing.T, f func()) *space {
	s := &space{}
	within(t, func() {
		var err error
		if s.file, err = os.Open("/proc/thread-self/ns/net"); err != nil {
			t.Error(err)
			return
		}
		f()
	})
	if s.file == nil {
		t.FailNow()
	}
	t.Cleanup(func() { _ = s.file.Close() })
	s.path = "/proc/" + strconv.Itoa(os.Getpid()) + "/fd/" + strconv.Itoa(int(s.file.Fd()))
	return s
}

// do runs f in the namespace; the sockets that it opens belong there.
func (s *space) do(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err := unix.Setns(int(s.file.Fd()), unix.CLONE_NEWNET); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}
