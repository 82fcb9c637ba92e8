package vmctl

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// echoTCP is a server of a guest: it says back what it hears, in capitals.
func echoTCP(t *testing.T) (ip string, port int) {
	t.Helper()
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			text, _ := io.ReadAll(conn)
			_, _ = conn.Write([]byte(strings.ToUpper(string(text))))
			_ = conn.Close()
		}
	}()
	at := l.Addr().(*net.TCPAddr)
	return at.IP.String(), at.Port
}

func echoUDP(t *testing.T) (ip string, port int) {
	t.Helper()
	c := must(net.ListenPacket("udp", "127.0.0.1:0"))(t)
	done := make(chan struct{})
	t.Cleanup(func() { _ = c.Close(); <-done })
	go func() {
		defer close(done)
		buf := make([]byte, 2000)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = c.WriteTo([]byte(strings.ToUpper(string(buf[:n]))), from)
		}
	}()
	at := c.LocalAddr().(*net.UDPAddr)
	return at.IP.String(), at.Port
}

// networked gives a running machine with a card on a network, whose address is ip.
func networked(f *fake, ip string) {
	d := vm("1", "m", fusion.Running)
	d.NICs = []domxml.NIC{{MAC: "52:54:00:00:00:01", Kind: "network", Network: "lab"}}
	f.put(d)
	f.plugged.seen = map[string]map[string][]string{"lease": {"52:54:00:00:00:01": {ip}}}
}

// through says something through a forward and gives the answer.
func through(t *testing.T, proto string, port int, text string) string {
	t.Helper()
	conn := must(net.Dial(proto, net.JoinHostPort("127.0.0.1", strconv.Itoa(port))))(t)
	defer conn.Close()
	ok(t, conn.SetDeadline(time.Now().Add(patience)))
	must(conn.Write([]byte(text)))(t)
	if half, is := conn.(*net.TCPConn); is {
		ok(t, half.CloseWrite())
		return string(must(io.ReadAll(conn))(t))
	}
	buf := make([]byte, 2000)
	n := must(conn.Read(buf))(t)
	return string(buf[:n])
}

// resets connects to a port that leads nowhere: it is listened on, and resets.
func resets(t *testing.T, port int) {
	t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err == nil {
		defer conn.Close()
		ok(t, conn.SetReadDeadline(time.Now().Add(patience)))
		_, err = conn.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("port %d, which leads nowhere, ended with %v", port, err)
	}
}

func TestForwardToAnAddress(t *testing.T) {
	for proto, echo := range map[string]func(*testing.T) (string, int){"tcp": echoTCP, "udp": echoUDP} {
		t.Run(proto, func(t *testing.T) {
			ip, port := echo(t)
			f := newFake()
			networked(f, ip)
			s := store(t, f)
			ctx := t.Context()
			got := must(s.Forwards().Add(ctx, "m", fusion.Forward{Proto: proto, GuestPort: port}))(t)
			if got.HostPort == 0 || got.Listen != "127.0.0.1" || got.Machine != "m" || got.Note != "" {
				t.Fatalf("%+v", got)
			}
			for _, text := range []string{"hello", "again"} {
				if answer := through(t, proto, got.HostPort, text); answer != strings.ToUpper(text) {
					t.Errorf("heard %q", answer)
				}
			}
			if list := must(s.Forwards().List(ctx, "m"))(t); len(list) != 1 || list[0] != got {
				t.Errorf("%+v", list)
			}
			ok(t, s.Forwards().Remove(ctx, "m", got))
			refused(t, s.Forwards().Remove(ctx, "m", got), fusion.ErrNotFound)
			if list := must(s.Forwards().List(ctx, "m"))(t); len(list) != 0 {
				t.Errorf("%+v", list)
			}
		})
	}
}

// TestForwardInUserMode: QEMU is asked for a port once, and again when it is another
// QEMU that has none.
func TestForwardInUserMode(t *testing.T) {
	_, guest := echoTCP(t)
	f := newFake()
	d := vm("1", "m", fusion.Running)
	d.NICs = []domxml.NIC{{MAC: "52:54:00:00:00:01", Kind: "user", Netdev: "hostnet0"}}
	f.put(d)
	f.plugged.usernet = []string{"  TCP[HOST_FORWARD]  15       127.0.0.1 " + strconv.Itoa(guest) + "       10.0.2.15    22     0     0\n"}
	s := store(t, f)
	got := must(s.Forwards().Add(t.Context(), "m", fusion.Forward{GuestPort: 22}))(t)
	if answer := through(t, "tcp", got.HostPort, "hello"); answer != "HELLO" {
		t.Errorf("heard %q", answer)
	}
	f.mu.Lock()
	f.plugged.usernet, f.plugged.asked = nil, nil
	f.mu.Unlock()
	resets(t, got.HostPort)
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.plugged.asked) != 3 || !strings.HasPrefix(f.plugged.asked[1], "hostfwd_add hostnet0 tcp:127.0.0.1:") || !strings.HasSuffix(f.plugged.asked[1], "-:22") {
		t.Errorf("QEMU was told %q", f.plugged.asked)
	}
}

func TestForwardsSurviveTheNodeAndEndWithTheMachine(t *testing.T) {
	ip, port := echoTCP(t)
	f := newFake()
	networked(f, ip)
	config := Config{Dir: t.TempDir(), URI: "fake:///", open: f.open}
	s := must(Open(t.Context(), config))(t)
	got := must(s.Forwards().Add(t.Context(), "m", fusion.Forward{GuestPort: port}))(t)
	ok(t, s.Close())
	if _, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(got.HostPort))); err == nil {
		t.Error("it listens without its node")
	}
	s = must(Open(t.Context(), config))(t)
	defer closeStore(t, s)
	if answer := through(t, "tcp", got.HostPort, "back"); answer != "BACK" {
		t.Errorf("heard %q", answer)
	}
	ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
	ok(t, s.Remove(t.Context(), "m"))
	eventually(t, "the port is free", func() bool {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(got.HostPort)))
		if err == nil {
			ok(t, l.Close())
		}
		return err == nil
	})
	eventually(t, "nothing is kept", func() bool {
		return !strings.Contains(string(must(os.ReadFile(filepath.Join(config.Dir, forwardsFile)))(t)), "hostPort")
	})
}

// TestForwardsOfAMachineRemovedMeanwhile end when the node is back.
func TestForwardsOfAMachineRemovedMeanwhile(t *testing.T) {
	f := newFake()
	networked(f, "127.0.0.1")
	f.put(vm("2", "other", fusion.Off))
	config := Config{Dir: t.TempDir(), URI: "fake:///", open: f.open}
	s := must(Open(t.Context(), config))(t)
	must(s.Forwards().Add(t.Context(), "m", fusion.Forward{GuestPort: 1}))(t)
	kept := must(s.Forwards().Add(t.Context(), "other", fusion.Forward{GuestPort: 2}))(t)
	ok(t, s.Close())
	delete(f.all, "1")
	s = must(Open(t.Context(), config))(t)
	defer closeStore(t, s)
	eventually(t, "it is forgotten", func() bool {
		return !strings.Contains(string(must(os.ReadFile(filepath.Join(config.Dir, forwardsFile)))(t)), `"guestPort": 1`)
	})
	if list := must(s.Forwards().List(t.Context(), "other"))(t); len(list) != 1 || list[0] != kept {
		t.Errorf("%+v", list)
	}
}

func TestForwardsThatCannotBe(t *testing.T) {
	f := newFake()
	networked(f, "127.0.0.1")
	s := store(t, f)
	ctx := t.Context()
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	_, err := s.Forwards().Add(ctx, "m", fusion.Forward{HostPort: taken, GuestPort: 22})
	refused(t, err, fusion.ErrBusy)
	_, err = s.Forwards().Add(ctx, "m", fusion.Forward{Listen: "203.0.113.1", GuestPort: 22})
	refused(t, err, fusion.ErrInvalid)
	for _, bad := range []fusion.Forward{{}, {GuestPort: 70000}, {Proto: "icmp", GuestPort: 1}, {Listen: "example.org", GuestPort: 1}} {
		_, err = s.Forwards().Add(ctx, "m", bad)
		refused(t, err, fusion.ErrInvalid)
	}
	_, err = s.Forwards().Add(ctx, fusion.Self, fusion.Forward{GuestPort: 1})
	refused(t, err, fusion.ErrUnsupported)
	_, err = s.Forwards().Add(ctx, "none", fusion.Forward{GuestPort: 1})
	refused(t, err, fusion.ErrNotFound)
	got := must(s.Forwards().Add(ctx, "m", fusion.Forward{GuestPort: 22}))(t)
	_, err = s.Forwards().Add(ctx, "m", got)
	refused(t, err, fusion.ErrExists)
}

// TestTakenPortIsToldAndTriedAgain: another program had the port when the node came back.
func TestTakenPortIsToldAndTriedAgain(t *testing.T) {
	ip, port := echoTCP(t)
	f := newFake()
	networked(f, ip)
	config := Config{Dir: t.TempDir(), URI: "fake:///", open: f.open}
	s := must(Open(t.Context(), config))(t)
	got := must(s.Forwards().Add(t.Context(), "m", fusion.Forward{GuestPort: port}))(t)
	ok(t, s.Close())
	l := must(net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(got.HostPort))))(t)
	s = must(Open(t.Context(), config))(t)
	defer closeStore(t, s)
	if list := must(s.Forwards().List(t.Context(), "m"))(t); len(list) != 1 || list[0].Note != "another program has this port" {
		t.Errorf("%+v", list)
	}
	ok(t, l.Close())
	if list := must(s.Forwards().List(t.Context(), "m"))(t); len(list) != 1 || list[0].Note != "" {
		t.Errorf("%+v", list)
	}
	if answer := through(t, "tcp", got.HostPort, "mine"); answer != "MINE" {
		t.Errorf("heard %q", answer)
	}
}

// TestWhatAGuestSaysOfItselfIsNotDialled: its agent may name any address.
func TestWhatAGuestSaysOfItselfIsNotDialled(t *testing.T) {
	f := newFake()
	networked(f, "127.0.0.1")
	f.plugged.seen = map[string]map[string][]string{"agent": {"52:54:00:00:00:01": {"192.0.2.1"}}}
	s := store(t, f)
	r := must(s.guestOf(t.Context(), "", "m"))(t)
	if at, err := s.guestAddress(t.Context(), r, "tcp", 1); err == nil {
		t.Errorf("would connect to %v", at)
	}
}

func TestAFileOfForwardsThatIsBrokenIsKept(t *testing.T) {
	f := newFake()
	networked(f, "127.0.0.1")
	dir := t.TempDir()
	path := filepath.Join(dir, forwardsFile)
	ok(t, os.WriteFile(path, []byte(`[{"hostPort":`), 0o600))
	s := must(Open(t.Context(), Config{Dir: dir, URI: "fake:///", open: f.open}))(t)
	defer closeStore(t, s)
	if _, err := s.Forwards().Add(t.Context(), "m", fusion.Forward{GuestPort: 1}); err == nil || fusion.Hint(err) == "" {
		t.Errorf("got %v", err)
	}
	if text := string(must(os.ReadFile(path))(t)); text != `[{"hostPort":` {
		t.Errorf("it has %q now", text)
	}
}
