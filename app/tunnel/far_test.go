package tunnel

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"hither/fusion"
)

func TestWhatIsNotReached(t *testing.T) {
	a, b := two(t)
	port := shouter(t)
	b.own = []int{port}
	b.names = map[string][]netip.Addr{
		"rebind.example": {netip.MustParseAddr("127.0.0.1")},
		"mapped.example": {netip.MustParseAddr("::ffff:127.0.0.1")},
		"meta.example":   {netip.MustParseAddr("169.254.169.254")},
		"none.example":   {netip.MustParseAddr("0.0.0.0")},
	}
	other := b.add(t, fusion.TunnelSpec{Host: "a", Target: fusion.Target{Port: port}})
	_, otherPort, _ := net.SplitHostPort(other.Listen)
	for what, target := range map[string]fusion.Target{
		"the node's own":      {Port: port},
		"its own, by address": {Address: "127.0.0.1", Port: port},
		"mapped":              {Address: "::ffff:127.0.0.1", Port: port},
		"libvirt":             {Port: 16509},
		"rebound":             {Address: "rebind.example", Port: port + 1},
		"rebound and mapped":  {Address: "mapped.example", Port: port + 1},
		"a cloud's secrets":   {Address: "169.254.169.254", Port: 80},
		"by a name":           {Address: "meta.example", Port: 80},
		"nobody by a name":    {Address: "none.example", Port: 80},
		"another tunnel":      {Port: mustAtoi(otherPort)},
	} {
		_, _, err := a.ask(t.Context(), "b", hello{Do: doOpen, Proto: "tcp", Target: target})
		refusedWith(t, what, err, fusion.ErrPermission)
	}
	for what, target := range map[string]fusion.Target{"nobody": {Address: "0.0.0.0", Port: 1}, "several": {Address: "224.0.0.1", Port: 1}, "octal": {Address: "0177.0.0.1", Port: 1}, "hexadecimal": {Address: "0x7f000001", Port: 1}, "no port": {}} {
		_, _, err := a.ask(t.Context(), "b", hello{Do: doOpen, Proto: "tcp", Target: target})
		refusedWith(t, what, err, fusion.ErrInvalid)
	}
	_, _, err := a.ask(t.Context(), "b", hello{Do: doOpen, Proto: "tcp", Target: fusion.Target{Address: "unknown.example", Port: 1}})
	refusedWith(t, "an unknown name", err, fusion.ErrNotFound)
	_, _, err = a.ask(t.Context(), "b", hello{Do: doOpen, Proto: "tcp", Target: fusion.Target{Machine: "nobody", Port: 1}})
	refusedWith(t, "an unknown machine", err, fusion.ErrNotFound)
	_, _, err = a.ask(t.Context(), "b", hello{Do: "dance"})
	refusedWith(t, "an unknown request", err, fusion.ErrUnsupported)
}

func mustAtoi(text string) (n int) {
	_, _ = fmt.Sscan(text, &n)
	return n
}

// TestGrants: without the grant nothing is reached, and what is open ends with it.
func TestGrants(t *testing.T) {
	a, b := two(t)
	made := a.add(t, fusion.TunnelSpec{Host: "b", Target: fusion.Target{Port: shouter(t)}})
	conn, err := net.Dial("tcp", made.Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "x")
	var one [1]byte
	if _, err := io.ReadFull(conn, one[:]); err != nil {
		t.Fatal(err)
	}
	b.grant("a", fusion.ViewCap)
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Read(one[:]); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("what was open: %v", err)
	}
	if got, err := shoutAt(made.Listen, "x"); err == nil {
		t.Errorf("without the grant: %q", got)
	}
	if now := a.shownAs(t, made.ID); now.State != fusion.TunnelFailed || now.Note != "not granted" || now.Hint != "grant it" {
		t.Errorf("it is %+v", now)
	}
}

// TestGrantsOfObjects: one port is reached, and not the next, nor is anything listened on.
func TestGrantsOfObjects(t *testing.T) {
	a, b := two(t)
	port, other := shouter(t), shouter(t)
	b.grant("a")
	give := func(objects ...string) {
		b.f.mu.Lock()
		b.objects = nil
		for _, o := range objects {
			g, err := fusion.ParseGrant("tunnel@" + o)
			if err != nil {
				t.Error(err)
			}
			b.objects = append(b.objects, g)
		}
		b.f.mu.Unlock()
		b.GrantsChanged("a")
	}
	reach := func(target fusion.Target) error {
		conn, _, err := a.ask(t.Context(), "b", hello{Do: doOpen, Proto: "tcp", Target: target})
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	own, machine := fusion.Target{Port: port}, fusion.Target{Machine: "web", Port: port}
	for _, c := range []struct {
		objects []string
		may     []fusion.Target
		not     []fusion.Target
	}{
		{[]string{fmt.Sprintf("self/%d", port)}, []fusion.Target{own, {Address: "localhost", Port: port}, {Address: "127.0.0.1", Port: port}, {Machine: fusion.Self, Port: port}},
			[]fusion.Target{{Port: other}, machine, {Address: "10.0.0.5", Port: port}}},
		{[]string{"self"}, []fusion.Target{own, {Port: other}}, []fusion.Target{machine}},
		{[]string{"web"}, []fusion.Target{machine}, []fusion.Target{own}},
		{[]string{"10.0.0.5:80", "db.lan:80"}, nil, []fusion.Target{own, machine, {Address: "10.0.0.5", Port: 81}, {Address: "db.lan.evil", Port: 80}}},
		{nil, nil, []fusion.Target{own}},
	} {
		give(c.objects...)
		for _, target := range c.may {
			if err := reach(target); err != nil {
				t.Errorf("%v: %s: %v", c.objects, target, err)
			}
		}
		for _, target := range c.not {
			refusedWith(t, fmt.Sprint(c.objects, target), reach(target), fusion.ErrPermission)
		}
		_, _, err := a.ask(t.Context(), "b", hello{Do: doListen, Proto: "tcp", Listen: "127.0.0.1:0", Tunnel: "x"})
		refusedWith(t, "listening", err, fusion.ErrPermission)
	}
	// What is open ends with the grant of its object, and only that.
	give(fmt.Sprintf("self/%d", port), fmt.Sprintf("self/%d", other))
	open := func(port int) net.Conn {
		conn, _, err := a.ask(t.Context(), "b", hello{Do: doOpen, Proto: "tcp", Target: fusion.Target{Port: port}})
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	stays, ends := open(port), open(other)
	give(fmt.Sprintf("self/%d", port))
	if _, err := ends.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("what was open: %v", err)
	}
	if _, err := io.WriteString(stays, "x"); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(stays, make([]byte, 1)); err != nil {
		t.Error(err)
	}
}

// TestRemovedAtOnce: what a tunnel listened on is free when it is removed before it ran.
func TestRemovedAtOnce(t *testing.T) {
	a, _ := two(t)
	for range 50 {
		made := a.add(t, fusion.TunnelSpec{Host: "b", Target: fusion.Target{Port: 1}})
		if err := a.Remove(t.Context(), made.ID); err != nil {
			t.Fatal(err)
		}
		if conn, err := net.Dial("tcp", made.Listen); err == nil {
			_ = conn.Close()
			t.Fatalf("%s is still listened on", made.Listen)
		}
	}
}
