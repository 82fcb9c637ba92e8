//go:build linux && e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hither/app/client"
)

// outsideRouter is a second address of a router that opens ports: miniupnpd takes those
// of documentation (RFC 5737), which the network has, for a NAT's before it.
const outsideRouter = "11.0.0.10"

// opens makes a router of the network open ports when it is asked: miniupnpd, with
// NAT-PMP or UPnP. It gives what ends it and forgets all, as a restart of a router does.
func (n *internet) opens(ns string, pmp bool) (stop func()) {
	n.t.Helper()
	words := map[bool]string{true: "yes", false: "no"}
	conf := filepath.Join(n.t.TempDir(), "miniupnpd.conf")
	text := fmt.Sprintf(`ext_ifname=wan
ext_ip=%s
listening_ip=lan
http_port=5000
enable_natpmp=%s
enable_upnp=%s
secure_mode=yes
uuid=00000000-0000-0000-0000-000000000001
allow 1024-65535 192.168.0.0/16 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
upnp_table_name=mini
upnp_nat_table_name=mini
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
`, outsideRouter, words[pmp], words[!pmp])
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		n.t.Fatal(err)
	}
	n.in("net", "ip route replace "+outsideRouter+"/32 via $(ip netns exec "+n.name+ns+" ip -4 -o addr show dev wan | sed -n '1s/.*inet \\([^/]*\\).*/\\1/p')")
	n.in(ns, "ip addr replace "+outsideRouter+"/32 dev wan")
	n.in(ns, `nft -f - <<'EOF'
		table inet mini
		delete table inet mini
		table inet mini {
			chain miniupnpd { }
			chain prerouting_miniupnpd { }
			chain postrouting_miniupnpd { }
			chain forward { type filter hook forward priority -10; jump miniupnpd; }
			chain prerouting { type nat hook prerouting priority -110; jump prerouting_miniupnpd; }
			chain postrouting { type nat hook postrouting priority 90; jump postrouting_miniupnpd; }
		}
EOF`)
	program, err := exec.LookPath("miniupnpd")
	if err != nil {
		n.t.Fatal("miniupnpd is missing: sudo apt install miniupnpd-nftables")
	}
	cmd := exec.Command(program, "-d", "-f", conf, "-P", conf+".pid")
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := n.within(ns)(cmd); err != nil {
		n.t.Fatal(err)
	}
	ended := false
	stop = func() {
		if !ended {
			ended = true
			_ = cmd.Process.Kill() // as a power cut does
			_ = cmd.Wait()
			if n.t.Failed() {
				n.t.Logf("miniupnpd:\n%s", tail([]byte(log.String()), 4000))
			}
		}
	}
	n.t.Cleanup(stop)
	return stop
}

// mapped says whether the router leads the port of nodes on.
func (n *internet) mapped(ns string) bool {
	return strings.Contains(n.ask(ns, "nft list chain inet mini prerouting_miniupnpd"), listenPort)
}

// TestPortMapping: the router before a computer opens its port, by NAT-PMP or UPnP.
// A computer outside, which shares nothing with it but the code, then connects directly.
// The port is open again after the router's restart, and closed when the node ends.
func TestPortMapping(t *testing.T) {
	for kind, pmp := range map[string]bool{"NAT-PMP": true, "UPnP": false} {
		t.Run(kind, func(t *testing.T) {
			net := newInternet(t)
			net.connect("nas", keeps)
			net.connect("laptop", open)
			stop := net.opens("nasr", pmp)
			nas, laptop := newNode(t, "nas", nil), newNode(t, "laptop", nil)
			for _, n := range []*node{nas, laptop} {
				n.libvirt, n.within = "off", net.within(n.name)
				n.start("--listen", ":"+listenPort)
			}
			text := "the router opened port " + listenPort + " (" + kind + ")"
			began := time.Now()
			until(t, "the port is open", func() bool { out, _ := nas.command("doctor").Output(); return strings.Contains(string(out), text) })
			t.Logf("open after %v", time.Since(began).Round(time.Millisecond))
			offer, shown := nas.offerTo()
			if shown.Through != outsideRouter+":"+listenPort {
				t.Fatalf("%+v", shown)
			}
			laptop.hither("pair", shown.Code+"@"+shown.Through)
			if err := offer.Wait(); err != nil {
				t.Fatal(err)
			}
			c := client.Unix(field[string](laptop, "apiSocket", "status", "--json"))
			until(t, "direct", func() bool { return seenBy(t, c, nas).GetPath() == "direct" })

			stop()
			net.opens("nasr", pmp)
			if net.mapped("nasr") {
				t.Error("the router has forgotten nothing")
			}
			began = time.Now()
			until(t, "open again", func() bool { return net.mapped("nasr") })
			t.Logf("open again after %v", time.Since(began).Round(time.Millisecond))
			nas.hither("down")
			nas.waitEnded()
			if net.mapped("nasr") {
				t.Error("the port is still open after the node's end")
			}
		})
	}
}
