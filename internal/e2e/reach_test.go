//go:build linux && e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"hither/app/client"
	pb "hither/proto/hither/v1"
)

// fleet is two computers and two routers of one owner, paired.
type fleet struct {
	t            *testing.T
	net          *internet
	a, b, r1, r2 *node

	direct, answer time.Duration // the slowest of the matrix
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{t: t, net: newInternet(t)}
	for _, one := range []struct {
		at   **node
		name string
	}{{&f.r1, "router1"}, {&f.r2, "router2"}, {&f.a, "laptop"}, {&f.b, "nas"}} {
		f.net.connect(one.name, open)
		n := newNode(t, one.name, nil)
		n.libvirt, n.within = "off", f.net.within(one.name)
		n.start("--listen", ":"+listenPort)
		*one.at = n
	}
	for _, two := range [][2]*node{{f.a, f.r1}, {f.b, f.r1}, {f.a, f.r2}, {f.b, f.r2}, {f.r1, f.r2}, {f.a, f.b}} {
		pair(t, two[0], two[1])
	}
	for _, r := range []*node{f.r1, f.r2} {
		r.hither("host", "role", r.name, "--add", "router")
	}
	return f
}

// move stops a node and starts it where it is connected in another way.
func (f *fleet) move(n *node, ns string) {
	f.t.Helper()
	if n.cmd != nil {
		n.hither("down")
		n.waitEnded()
	}
	n.within = f.net.within(ns)
	n.start("--listen", ":"+listenPort)
}

// seenBy gives how the node of a client sees another one.
func seenBy(t *testing.T, c *client.Client, of *node) *pb.Host {
	t.Helper()
	list, err := c.Hosts.List(t.Context(), connect.NewRequest(&pb.HostListRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range list.Msg.GetHosts() {
		if h.GetName() == of.name {
			return h
		}
	}
	t.Fatalf("%s is not listed", of.name)
	return nil
}

// soon waits at most d for a condition and says how long it took.
func soon(d time.Duration, met func() bool) (time.Duration, bool) {
	began := time.Now()
	for !met() {
		if time.Since(began) > d {
			return time.Since(began), false
		}
		time.Sleep(10 * time.Millisecond) // between looks at a condition
	}
	return time.Since(began), true
}

// TestReachThroughARouter: two computers whose NATs give each connection another
// port answer each other through a router of their owner, and through another one
// after that was killed.
func TestReachThroughARouter(t *testing.T) {
	f := newFleet(t)
	f.net.connect("ca", changes)
	f.net.connect("cb", changes)
	f.move(f.a, "ca")
	f.move(f.b, "cb")
	c := client.Unix(field[string](f.a, "apiSocket", "status", "--json"))
	took, ok := soon(10*time.Second, func() bool { return seenBy(t, c, f.b).GetPath() == "relay" })
	h := seenBy(t, c, f.b)
	t.Logf("after %v: %v", took, h)
	if !ok {
		t.Fatal("no relayed path")
	}
	began := time.Now()
	if _, err := c.Host("nas").Machines().List(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("its machines were listed after %v", time.Since(began))
	via := map[string]*node{"router1": f.r1, "router2": f.r2}[h.GetVia()]
	via.kill()
	took, ok = soon(10*time.Second, func() bool {
		h = seenBy(t, c, f.b)
		return h.GetPath() == "relay" && h.GetVia() != via.name
	})
	t.Logf("%s was killed; after %v: %v", via.name, took, h)
	if !ok {
		t.Fatal("no path through the other router")
	}
	if _, err := c.Host("nas").Machines().List(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestReachMatrix connects two computers in every way, each with each. Who can have
// a direct connection gets it, the others go through a router. It prints the times,
// of which the slowest are to be 2 s and 500 ms on a computer that is not busy.
func TestReachMatrix(t *testing.T) {
	f := newFleet(t)
	for _, how := range connections {
		f.net.connect("a"+short(how), how)
		f.net.connect("b"+short(how), how)
	}
	only := os.Getenv("REACH_ONLY") // "open,keeps": one cell, while looking for a mistake
	rows := []string{"| laptop | nas | path | how | online after | this path after | first answer | why not |", "|---|---|---|---|---|---|---|---|"}
	for i, at := range connections {
		for _, other := range connections[i:] {
			if only != "" && only != at+","+other {
				continue
			}
			rows = append(rows, f.cell(at, other))
		}
	}
	t.Logf("the slowest was direct after %v, and gave its first answer after %v\n%s", f.direct, f.answer, strings.Join(rows, "\n"))
	if path := os.Getenv("REACH_TABLE"); path != "" {
		if err := os.WriteFile(path, []byte(strings.Join(rows, "\n")+"\n"), 0o644); err != nil {
			t.Error(err)
		}
	}
}

func short(how string) string { return strings.ToLower(strings.ReplaceAll(how, " ", "")[:4]) }

// paths reads a node's log: how long after its network was opened it saw another
// host, and how long until the path that it has now.
func (f *fleet) paths(n, of *node) (first, last time.Duration) {
	f.t.Helper()
	text, err := os.ReadFile(n.logFile())
	if err != nil {
		f.t.Fatal(err)
	}
	var opened time.Time
	for line := range strings.Lines(string(text)) {
		stamp, _, _ := strings.Cut(strings.TrimPrefix(line, "time="), " ")
		at, err := time.Parse(time.RFC3339Nano, stamp)
		switch {
		case err != nil:
		case strings.Contains(line, "msg=listening part=peers"):
			opened, first, last = at, 0, 0
		case strings.Contains(line, "msg=path part=peers host="+of.name+" "):
			if last = at.Sub(opened); first == 0 {
				first = last
			}
		}
	}
	return first, last
}

// cell measures one pair and gives its row.
func (f *fleet) cell(at, other string) string {
	t := f.t
	t.Helper()
	f.b.hither("down")
	f.b.waitEnded()
	f.move(f.a, "a"+short(at))
	f.move(f.b, "b"+short(other))
	c := client.Unix(field[string](f.a, "apiSocket", "status", "--json"))
	_, ok := soon(10*time.Second, func() bool { return seenBy(t, c, f.b).GetOnline() })
	if !ok {
		t.Errorf("%s and %s do not find each other", at, other)
		return fmt.Sprintf("| %s | %s | **none** | | | | | |", at, other)
	}
	call := time.Now()
	if _, err := c.Host("nas").Machines().List(t.Context()); err != nil {
		t.Errorf("%s and %s: %v", at, other, err)
	}
	answer := time.Since(call)
	want := "relay"
	if punchable(at, other) {
		want = "direct"
	}
	_, ok = soon(8*time.Second, func() bool { return seenBy(t, c, f.b).GetPath() == want })
	h := seenBy(t, c, f.b)
	online, best := f.paths(f.b, f.a)
	if !ok {
		t.Errorf("%s and %s: the path is %v, want %s", at, other, h, want)
	} else if want == "direct" {
		f.direct = max(f.direct, best)
	}
	f.answer = max(f.answer, answer)
	if want == "relay" {
		soon(6*time.Second, func() bool {
			h = seenBy(t, c, f.b)
			return h.GetWhyNot() != "" && !strings.Contains(h.GetWhyNot(), "being tried")
		})
	}
	row := fmt.Sprintf("| %s | %s | %s | %s | %v | %v | %v | %s |", at, other, h.GetPath(), h.GetTransport(),
		online.Round(time.Millisecond), best.Round(time.Millisecond), answer.Round(100*time.Microsecond), h.GetWhyNot())
	t.Log(row)
	return row
}

// roams connects a computer at "cafe" with two networks, of which one is plugged in at a
// time: "wan" keeps ports, "phone" changes them. The first is plugged in.
func (n *internet) roams() {
	n.t.Helper()
	n.connect("cafe", keeps)
	n.space("phone")
	n.public("phone")
	n.nat("phone", changes)
	n.in("cafe", "ip route del default")
	n.plug("cafe", "phone", "phone", changes)
	n.plugged("wan", "phone")
}

// plugged gives the computer of roams the one network in the place of the other.
func (n *internet) plugged(in, out string) {
	n.t.Helper()
	gateway := fmt.Sprintf("192.168.%d.1", n.subnet(map[string]string{"wan": "cafer", "phone": "phone"}[in]))
	net := strings.TrimSuffix(gateway, "1") + "2/24"
	n.in("cafe", fmt.Sprintf("ip addr flush dev %[2]s; ip link set %[2]s down; ip link set %[1]s up; ip addr flush dev %[1]s; ip addr add %[3]s dev %[1]s; ip route add default via %[4]s",
		in, out, net, gateway))
}

// TestReachRoams: a computer that changes its network is back within two seconds,
// through a router where it must be, and directly again once it can be.
func TestReachRoams(t *testing.T) {
	f := newFleet(t)
	f.net.roams()
	f.net.connect("home", keeps)
	f.move(f.b, "home")
	f.move(f.a, "cafe")
	atA := client.Unix(field[string](f.a, "apiSocket", "status", "--json"))
	atB := client.Unix(field[string](f.b, "apiSocket", "status", "--json"))
	path := func(want string) func() bool {
		return func() bool { return seenBy(t, atA, f.b).GetPath() == want && seenBy(t, atB, f.a).GetPath() == want }
	}
	if _, ok := soon(10*time.Second, path("direct")); !ok {
		t.Fatal("no direct path to begin with")
	}
	for i := range 6 {
		in, out, want := "phone", "wan", "relay"
		if i%2 == 1 {
			in, out, want = "wan", "phone", "direct"
		}
		f.net.plugged(in, out)
		began := time.Now()
		back, ok := soon(10*time.Second, func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			_, err := atA.Host("nas").Machines().List(ctx)
			h := seenBy(t, atA, f.b)
			return err == nil && h.GetOnline() && (want == "direct" || h.GetPath() == want)
		})
		if !ok || back > 2*time.Second {
			t.Errorf("change %d, to %s: back after %v", i, in, back)
		}
		if _, ok := soon(15*time.Second, path(want)); !ok {
			t.Errorf("change %d, to %s: the path is not %s", i, in, want)
		}
		t.Logf("change %d, to %s: back after %v, %s after %v", i, in, back.Round(time.Millisecond), want, (time.Since(began)).Round(time.Millisecond))
	}
}
