//go:build linux && e2e

package e2e

import (
	"fmt"
	"image"
	"net/netip"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"hither/internal/path"
	"hither/internal/xserver"
)

// distant is connect for a computer behind one NAT, which is a while away from it.
func (n *internet) distant(ns, how string, delay time.Duration) {
	n.t.Helper()
	router := ns + "r"
	n.space(ns)
	n.space(router)
	n.public(router)
	n.nat(router, how)
	at := func(space, device string, last byte) path.At {
		return path.At{Space: "/var/run/netns/" + n.name + space, Device: device, Addr: netip.AddrFrom4([4]byte{192, 168, byte(n.subnet(router)), last})}
	}
	p, err := path.Open(path.Config{Shape: path.Shape{Delay: delay}, Near: at(ns, "wan", 2), Far: at(router, "lan", 1)})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		if err := p.Close(); err != nil {
			n.t.Error(err)
		}
	})
	n.in(ns, "ip route add default via "+p.Far.Addr.String()+" dev wan")
}

// moved finds in a node's log how its last view goes on, and after how long.
var moved = regexp.MustCompile(`msg="a view (goes over datagrams|stays on its stream)".* (?:by=(\w+) "connected in"|after)=(\S+)`)

// TestScreenThroughNATs sees a screen from behind a NAT that is behind another one.
// Where both take another port for each connection it comes through a router by TURN,
// where ports are kept directly, and where there is no UDP over the stream: each time
// it equals the other's, also after that has changed.
func TestScreenThroughNATs(t *testing.T) {
	f := newFleet(t)
	whole := image.Rect(0, 0, 640, 480)
	there := &display{t: t, name: xserver.Start(t, "-screen", "0", "640x480x24", "-ac").Display}
	f.b.display = there.name
	for i, one := range []struct{ how, goes, by string }{
		{changes, "goes over datagrams", "relay"},
		{noUDP, "stays on its stream", ""},
		{keeps, "goes over datagrams", "srflx|prflx|host"},
	} {
		t.Run(one.how, func(t *testing.T) {
			a, b := fmt.Sprintf("v%d", i), fmt.Sprintf("h%d", i)
			f.net.distant(a, one.how, 5*time.Millisecond)
			f.net.distant(b, one.how, 5*time.Millisecond)
			f.b.hither("down")
			f.b.waitEnded()
			f.move(f.a, a)
			f.move(f.b, b)
			until(t, "both see the other online", func() bool { return f.a.sees(f.b) && f.b.sees(f.a) })
			said := len(f.a.log())
			draws := func(x, y int) {
				background(t, withDisplay(exec.Command("xterm", "-geometry", fmt.Sprintf("40x12+%d+%d", x, y), "-e", "sh", "-c", "ls /usr/share; exec sleep 600"), there))
			}
			draws(20, 20)
			d := newDisplay(t)
			began := time.Now()
			background(t, withDisplay(f.a.command("view", "nas/self"), d))
			window := d.window("nas")
			until(t, "the window equals the screen", func() bool { return differ(d.picture(window), there.part(whole)) == 0 })
			t.Logf("equal after %v", time.Since(began))
			var how []string
			until(t, "the view has found its way", func() bool {
				how = moved.FindStringSubmatch(f.a.log()[said:])
				return how != nil
			})
			t.Logf("it %s %s after %s", how[1], how[2], how[3])
			if how[1] != one.goes || !strings.Contains(one.by, how[2]) {
				t.Errorf("it should go as %s %s", one.goes, one.by)
			}
			draws(200, 200)
			until(t, "the changed screen is seen", func() bool {
				now := there.part(whole)
				return lit(now) > 100 && differ(d.picture(window), now) == 0
			})
		})
	}
}
