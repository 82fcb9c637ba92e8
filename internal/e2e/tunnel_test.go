//go:build linux && e2e

package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/proxy"
)

// shouter is a service of the computer that both nodes run on, which answers in capitals.
func shouter(t *testing.T) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() {
				defer conn.Close()
				buf := make([]byte, 4096)
				for {
					n, err := conn.Read(buf)
					if err != nil {
						return
					}
					if _, err := conn.Write([]byte(strings.ToUpper(string(buf[:n])))); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		work.Wait()
	})
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// shouts says something over a connection and wants it back in capitals.
func shouts(conn net.Conn, err error) error {
	if err != nil {
		return err
	}
	defer conn.Close()
	return shoutsOver(conn)
}

func shoutsOver(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "hello"); err != nil {
		return err
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "HELLO" {
		return fmt.Errorf("%q, %w", got, err)
	}
	return nil
}

// dialing gives what tries an address.
func dialing(address string) func() bool {
	return func() bool { return shouts(net.Dial("tcp", address)) == nil }
}

// TestTunnels leads ports between two real nodes, ends either with kill -9, and takes the
// grant away.
func TestTunnels(t *testing.T) {
	a, b := newNode(t, "here", nil), newNode(t, "cloud", nil)
	a.libvirt, b.libvirt = "off", "off"
	together(t, a, b)
	port := shouter(t)
	forward := field[string](a, "listen", "forward", "0", "cloud:"+port, "--json")
	back := field[string](a, "listen", "forward", "--reverse", port, "cloud:0", "--json")
	proxied := field[string](a, "listen", "proxy", "0", "cloud", "--json")
	for _, address := range []string{forward, back} {
		if err := shouts(net.Dial("tcp", address)); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	through, err := proxy.SOCKS5("tcp", proxied, nil, proxy.Direct)
	if err != nil {
		t.Fatal(err)
	}
	if err := shouts(through.Dial("tcp", "localhost:"+port)); err != nil {
		t.Errorf("through the proxy: %v", err)
	}

	// Ports that are taken, and that no tunnel leads to.
	a.refused(1, "another program has this port", "forward", port, "cloud:80")
	a.refused(1, "another program has this port", "forward", "--reverse", "80", "cloud:"+port)
	a.refused(1, "exists already", "forward", strings.TrimPrefix(forward, "127.0.0.1:"), "cloud:80")
	_, _, listen := b.addr()
	own := field[string](a, "listen", "forward", "0", "cloud:"+listen, "--json")
	if err := shouts(net.Dial("tcp", own)); err == nil || !strings.Contains(a.hither("forward", "ls"), "a port of the node or of libvirt") {
		t.Errorf("to the node's own port: %v\n%s", err, a.hither("forward", "ls"))
	}

	// An open connection waits for a far node that was killed, which knows nothing of it: it
	// ends with a reset when that node is back, and all of the rest is there again.
	open, err := net.Dial("tcp", forward)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	if err := shoutsOver(open); err != nil {
		t.Fatal(err)
	}
	if live := b.hither("audit", "--live"); !strings.Contains(live, "/hither/tunnel/1") || !strings.Contains(live, "localhost:"+port) {
		t.Errorf("what is open at cloud:\n%s", live)
	}
	b.kill()
	until(t, "cloud is missed", func() bool { return !a.sees(b) })
	if list := a.hither("forward", "ls"); !strings.Contains(list, "waiting") || !strings.Contains(list, "the other computer is offline") {
		t.Errorf("while cloud is away:\n%s", list)
	}
	late := field[string](a, "listen", "forward", "0", "cloud:"+port, "--json") // it waits for nobody
	if dialing(forward)() {
		t.Error("somebody answers for cloud")
	}
	b.start()
	began := time.Now()
	if err := open.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := open.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("an open connection ended with %v", err)
	}
	for _, address := range []string{forward, back, late} {
		until(t, address+" is back", dialing(address))
	}
	t.Logf("all back %v after the far node was", time.Since(began).Round(time.Millisecond))

	// The near node killed: what it listened on is there again with it, and the port that
	// cloud listened on for it is free meanwhile.
	a.kill()
	until(t, "cloud listens no more", func() bool {
		conn, err := net.Dial("tcp", back)
		if err == nil {
			_ = conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	a.start()
	for _, address := range []string{forward, back, late} {
		until(t, address+" is there again", dialing(address))
	}

	// Without the grant nothing passes, with it everything does.
	b.hither("host", "grant", "here", "-admin", "+view")
	until(t, "the grant is gone", func() bool { return !dialing(forward)() && !dialing(back)() })
	if list := a.hither("forward", "ls"); !strings.Contains(list, `cloud did not grant "tunnel"`) {
		t.Errorf("without the grant:\n%s", list)
	}
	b.hither("host", "grant", "here", "+tunnel")
	for _, address := range []string{forward, back} {
		until(t, address+" may again", dialing(address))
	}
	a.refused(4, "did not grant", "forward", "--reverse", "--open", port, "cloud:0.0.0.0:0")

	// A grant of one port is of that one.
	other := field[string](a, "listen", "forward", "0", "cloud:"+shouter(t), "--json")
	until(t, "the whole grant is of every port", dialing(other))
	b.hither("host", "grant", "here", "-tunnel", "+tunnel@self/"+port)
	until(t, "the other port is not reached", func() bool { return !dialing(other)() })
	if !dialing(forward)() || dialing(back)() {
		t.Error("the port that was granted is not reached, or what listens there for others is")
	}
	b.hither("host", "grant", "here", "-tunnel@self/"+port, "+tunnel")
	until(t, "all again", func() bool { return dialing(other)() && dialing(back)() })

	// A limit is changed while the tunnel runs.
	a.hither("forward", "limit", forward, "1MiB/s")
	if list := a.hither("forward", "ls"); !strings.Contains(list, "1.0 MiB/s") || !dialing(forward)() {
		t.Errorf("with a limit:\n%s", list)
	}

	a.hither("forward", "rm", forward)
	if conn, err := net.Dial("tcp", forward); err == nil {
		_ = conn.Close()
		t.Error("a tunnel that was removed listens")
	}
}

// addr gives where the node listens for others.
func (n *node) addr() (id, host, port string) {
	n.t.Helper()
	addrs := field[[]any](n, "addrs", "status", "--json")
	parts := strings.Split(addrs[0].(string), "/") // /ip4/127.0.0.1/tcp/PORT/p2p/ID
	return parts[len(parts)-1], parts[2], parts[4]
}
