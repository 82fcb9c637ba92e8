//go:build linux && e2e

package path

import (
	"bytes"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPathBetweenNamespaces(t *testing.T) {
	p, err := Open(Config{Shape: Shape{Delay: 20 * time.Millisecond}, Congestion: "cubic"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var l net.PacketConn
	if err := p.Far.Do(func() (err error) {
		l, err = net.ListenPacket("udp", net.JoinHostPort(p.Far.Addr.String(), "0"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := l.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = l.WriteTo(b[:n], from) // the other side counts
		}
	}()
	var c net.Conn
	if err := p.Near.Do(func() (err error) {
		c, err = net.Dial("udp", l.LocalAddr().String())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	times := trips(t, c, 20)
	t.Logf("round trips %v to %v", times[0], times[len(times)-1])
	if times[0] < 40*time.Millisecond || times[len(times)/2] > 45*time.Millisecond {
		t.Error(times)
	}
	p.Set(Shape{Loss: 1})
	if _, err := c.Write([]byte("lost")); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err == nil {
		t.Error("the path was not cut")
	}
	if n := p.Near.Count(); n.Packets != 21 || n.Lost != 1 {
		t.Errorf("%+v", n)
	}
}

func trips(t *testing.T, c net.Conn, n int) (times []time.Duration) {
	t.Helper()
	b := make([]byte, 1500)
	for range n {
		start := time.Now()
		if _, err := c.Write(b[:1200]); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(b); err != nil {
			t.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return times
}

func TestCommandRunsInside(t *testing.T) {
	p, err := Open(Config{Congestion: "cubic"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var out bytes.Buffer
	cmd := exec.Command("sh", "-c", "cat /proc/net/dev /proc/sys/net/ipv4/tcp_congestion_control")
	cmd.Stdout = &out
	if err := p.Near.Start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"path0", "cubic"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, &out)
		}
	}
}
