//go:build machines && e2e && linux

package vmctl

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	"hither/vmctl/proxy"
)

// serving asks for an address and serves a page that says the guest's name.
const serving = `udhcpc -f -q -n -t 30 -i eth0 -s /lease
echo "I am $me" >/www/index.html
httpd -p 80 -h /www
echo "serves"
sleep 100000`

// TestNetworks: an isolated network, one with NAT and none, each with a guest that gets
// its address and answers through a forward, also after the node was away.
func TestNetworks(t *testing.T) { inNamespaces(t, "TestInsideNetworks") }

func TestInsideNetworks(t *testing.T) {
	if os.Getenv(asUserEnv) != "net" {
		return // TestNetworks runs it
	}
	dir := system(t)
	s := openSystem(t, dir)
	ctx, nets := t.Context(), s.Networks()
	lab := must(nets.Create(ctx, fusion.NetworkSpec{Name: "lab", Kind: fusion.Isolated, Subnet: "10.9.0.0/24"}))(t)
	if xml := virsh(t, s, "net-dumpxml", "lab"); !strings.Contains(xml, "ip address='10.9.0.1'") || !strings.Contains(xml, "prefix='24'") || strings.Contains(xml, "<forward") {
		t.Errorf("libvirt has %s", xml)
	}
	if info := virsh(t, s, "net-info", "lab"); !strings.Contains(info, lab.Bridge) || strings.Count(info, "yes") != 3 { // active, persistent, autostart
		t.Errorf("libvirt says %s of %+v", info, lab)
	}
	out := must(nets.Create(ctx, fusion.NetworkSpec{Name: "out", Kind: fusion.NAT}))(t)
	if xml := virsh(t, s, "net-dumpxml", "out"); !strings.Contains(xml, "<forward mode='nat'") {
		t.Errorf("libvirt has %s", xml)
	}
	for subnet, by := range map[string]string{"10.9.0.128/25": "network lab", out.Subnet: "network out"} {
		_, err := nets.Create(ctx, fusion.NetworkSpec{Name: "other", Kind: fusion.NAT, Subnet: subnet})
		refused(t, err, fusion.ErrInvalid)
		if !strings.Contains(err.Error(), by) {
			t.Error(err)
		}
	}
	run(t, "ip", "link", "add", "br7", "type", "bridge")
	run(t, "ip", "addr", "add", "10.44.0.1/24", "dev", "br7")
	run(t, "ip", "link", "set", "br7", "up")
	_, err := nets.Create(ctx, fusion.NetworkSpec{Name: "other", Kind: fusion.NAT, Subnet: "10.44.0.0/16"})
	refused(t, err, fusion.ErrInvalid)
	t.Logf("%v (hint: %s)", err, fusion.Hint(err))
	outside := must(nets.Create(ctx, fusion.NetworkSpec{Name: "outside", Kind: fusion.Bridged, Bridge: "br7"}))(t)
	if outside.Bridge != "br7" || outside.Subnet != "" {
		t.Errorf("%+v", outside)
	}

	consoles := map[string]string{}
	for name, network := range map[string]string{"isolated": "lab", "nat": "out", "alone": ""} {
		consoles[name] = booted(t, s, name, network, serving, "me="+name)
	}
	ports := map[string]fusion.Forward{}
	for name := range consoles {
		ports[name] = must(s.Forwards().Add(ctx, name, fusion.Forward{GuestPort: 80}))(t)
	}
	for name, console := range consoles {
		says(t, console, "serves")
		nics := must(nets.NICs(ctx, name))(t)
		t.Logf("%s: %+v", name, nics)
		if len(nics) != 1 {
			t.Fatalf("%s has %+v", name, nics)
		}
		if name != "alone" && (len(nics[0].Addresses) == 0 || nics[0].Addresses[0].Source != "lease") {
			t.Errorf("%s has no lease: %+v", name, nics)
		}
		for round := range 3 {
			if got := page(t, ports[name].HostPort); got != "I am "+name+"\n" {
				t.Errorf("%s, %d: the forward says %q", name, round, got)
			}
		}
	}
	leases := must(nets.Leases(ctx, "lab"))(t)
	if len(leases) != 1 || leases[0].Machine != "isolated" || !strings.Contains(virsh(t, s, "net-dhcp-leases", "lab"), leases[0].IP) {
		t.Errorf("%+v", leases)
	}
	if got := must(nets.Get(ctx, "lab"))(t); strings.Join(got.Machines, " ") != "isolated" || got.Leases != 1 {
		t.Errorf("%+v", got)
	}
	refused(t, nets.Stop(ctx, "lab"), fusion.ErrBusy)
	refused(t, nets.Remove(ctx, "lab"), fusion.ErrBusy)

	// Another node of the same home has the same forwards.
	ok(t, s.Close())
	s = openSystem(t, dir)
	defer closeStore(t, s)
	nets = s.Networks()
	for name := range consoles {
		if got := page(t, ports[name].HostPort); got != "I am "+name+"\n" {
			t.Errorf("after a restart %s says %q", name, got)
		}
	}
	for name := range consoles {
		ok(t, s.Do(ctx, name, fusion.ForceOff))
		eventually(t, name+" is off", func() bool { return must(s.Get(ctx, name))(t).State == fusion.Off })
		ok(t, s.Remove(ctx, name))
		eventually(t, "its port is free", func() bool {
			_, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", ports[name].HostPort))
			return err != nil && strings.Contains(err.Error(), "refused")
		})
	}
	for _, name := range []string{"lab", "out", "outside"} {
		ok(t, nets.Remove(ctx, name))
	}
	if list := virsh(t, s, "net-list", "--all", "--name"); strings.TrimSpace(list) != "" {
		t.Errorf("libvirt still has %s", list)
	}
}

// roaming asks for an address again and again, on whatever network its card is.
const roaming = `while :; do
	ip addr flush dev eth0
	udhcpc -f -q -n -t 3 -T 2 -i eth0 -s /lease
	sleep 2
done`

// TestACardOnAnotherNetwork: the card of a machine that runs goes from one network to the
// next, as its guest and virsh see; onto one of another kind, and to another address, while
// it is off.
func TestACardOnAnotherNetwork(t *testing.T) { inNamespaces(t, "TestInsideCard") }

func TestInsideCard(t *testing.T) {
	if os.Getenv(asUserEnv) != "net" {
		return // TestACardOnAnotherNetwork runs it
	}
	dir := system(t)
	s := openSystem(t, dir)
	defer closeStore(t, s)
	ctx, nets := t.Context(), s.Networks()
	for name, subnet := range map[string]string{"lab": "10.9.0.0/24", "office": "10.8.0.0/24"} {
		must(nets.Create(ctx, fusion.NetworkSpec{Name: name, Kind: fusion.Isolated, Subnet: subnet}))(t)
	}
	console := booted(t, s, "m", "lab", roaming, "")
	says(t, console, "lease 10.9.0.")
	card := parts(t, s).NICs[0].MAC
	plugged := func(wanted string, half ...string) {
		t.Helper()
		if list := virsh(t, s, append([]string{"domiflist", "m"}, half...)...); !strings.Contains(list, " "+wanted+" ") || strings.Count(list, ":") != 5 {
			t.Errorf("virsh says %s, want %s", list, wanted)
		}
	}
	pid := qemuPID(must(s.Get(ctx, "m"))(t).UUID)
	start := time.Now()
	change(t, s, fusion.Change{Kind: fusion.SetNIC, NIC: card, Network: "office"}, fusion.Now)
	t.Logf("the card was put onto another network in %v", time.Since(start).Round(time.Millisecond))
	plugged("office")
	plugged("office", "--inactive")
	says(t, console, "lease 10.8.0.")
	if got := must(nets.Get(ctx, "office"))(t); strings.Join(got.Machines, " ") != "m" || got.Leases != 1 {
		t.Errorf("%+v", got)
	}
	if p := parts(t, s); p.Pending || p.NICs[0].Network != "office" || qemuPID(must(s.Get(ctx, "m"))(t).UUID) != pid {
		t.Errorf("%+v", p)
	}

	done := change(t, s, fusion.Change{Kind: fusion.SetNIC, NIC: card, Network: fusion.UserNetwork}, fusion.NextStart)
	t.Log(done.Note)
	plugged("office")
	plugged("user", "--inactive")
	if p := parts(t, s); !p.Pending || len(p.NICs) != 1 || p.NICs[0].NextNetwork != "user" {
		t.Errorf("%+v", p)
	}
	const mac = "52:54:00:0a:0b:0c"
	_, err := s.Change(ctx, "m", fusion.Change{Kind: fusion.SetNIC, NIC: card, MAC: mac})
	refused(t, err, fusion.ErrInvalid)
	ok(t, s.Do(ctx, "m", fusion.ForceOff))
	eventually(t, "it is off", func() bool { return must(s.Get(ctx, "m"))(t).State == fusion.Off })
	change(t, s, fusion.Change{Kind: fusion.SetNIC, NIC: card, MAC: mac}, fusion.Now)
	if list := virsh(t, s, "domiflist", "m"); !strings.Contains(list, mac) || strings.Contains(list, card) {
		t.Errorf("virsh says %s", list)
	}
	ok(t, os.Remove(console))
	ok(t, s.Do(ctx, "m", fusion.Start))
	says(t, console, "lease 10.0.2.") // of QEMU's own network
}

// TestForwardsOfAPrivateMachine: what an ordinary user has, also once its QEMU is
// another one.
func TestForwardsOfAPrivateMachine(t *testing.T) {
	s, _ := stage(t, "private")
	ctx := t.Context()
	const body = `udhcpc -f -q -n -t 30 -i eth0 -s /lease
echo "I am $me" >/www/index.html
httpd -p 80 -h /www
echo serves
sleep 100000`
	console := booted(t, s, "m", "", body, "me=m")
	says(t, console, "serves")
	tcp := must(s.Forwards().Add(ctx, "m", fusion.Forward{GuestPort: 80}))(t)
	udp := must(s.Forwards().Add(ctx, "m", fusion.Forward{GuestPort: 7, Proto: "udp"}))(t)
	for range 3 {
		if got := page(t, tcp.HostPort); got != "I am m\n" {
			t.Errorf("the forward says %q", got)
		}
	}
	conn := must(net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", udp.HostPort)))(t)
	defer conn.Close()
	must(conn.Write([]byte("hello")))(t) // Debian's busybox has nobody who would answer
	eventually(t, "QEMU forwards datagrams", func() bool {
		return proxy.UsernetPort(virsh(t, s, "qemu-monitor-command", "m", "--hmp", "info usernet"), "hostnet0", "udp", 7) != 0
	})
	ok(t, s.Do(ctx, "m", fusion.ForceOff))
	eventually(t, "it is off", func() bool { return must(s.Get(ctx, "m"))(t).State == fusion.Off })
	ok(t, os.Remove(console))
	ok(t, s.Do(ctx, "m", fusion.Start))
	says(t, console, "serves")
	if got := page(t, tcp.HostPort); got != "I am m\n" {
		t.Errorf("after it was started again the forward says %q", got)
	}
}

// page fetches what a guest serves, through its forward.
func page(t *testing.T, port int) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	req := must(http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/", port), nil))(t)
	res := must(client.Do(req))(t)
	defer res.Body.Close()
	return string(must(io.ReadAll(res.Body))(t))
}

// meeting pings the other guest and fetches its page.
const meeting = `ip addr add $at/24 dev eth0
echo "I am $me" >/www/index.html
httpd -p 80 -h /www
until ping -c 1 -W 1 $peer; do sleep 1; done
echo "pinged $peer"
until printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 5 $peer 80 >/tmp/page && grep "I am" /tmp/page; do sleep 1; done
echo "the page of $peer: $(grep "I am" /tmp/page)"
sleep 100000`

// TestSwitchedNetwork: two guests on a bridge of Open vSwitch that Hither made reach each
// other.
func TestSwitchedNetwork(t *testing.T) { inNamespaces(t, "TestInsideSwitched") }

func TestInsideSwitched(t *testing.T) {
	if os.Getenv(asUserEnv) != "net" {
		return // TestSwitchedNetwork runs it
	}
	dir := system(t)
	openSwitch(t)
	s := openSystem(t, dir)
	defer closeStore(t, s)
	ctx, nets := t.Context(), s.Networks()
	made := must(nets.Create(ctx, fusion.NetworkSpec{Name: "sw", Kind: fusion.Switched}))(t)
	if made.Bridge != "sw" || made.Kind != fusion.Switched {
		t.Errorf("%+v", made)
	}
	if xml := virsh(t, s, "net-dumpxml", "sw"); !strings.Contains(xml, "<virtualport type='openvswitch'") {
		t.Errorf("libvirt has %s", xml)
	}
	a := booted(t, s, "a", "sw", meeting, "me=a at=10.7.0.1 peer=10.7.0.2")
	b := booted(t, s, "b", "sw", meeting, "me=b at=10.7.0.2 peer=10.7.0.1")
	says(t, a, "pinged 10.7.0.2")
	says(t, b, "pinged 10.7.0.1")
	says(t, a, "the page of 10.7.0.2: I am b")
	says(t, b, "the page of 10.7.0.1: I am a")
	t.Logf("Open vSwitch has\n%s", must(exec.Command("ovs-vsctl", "show").CombinedOutput())(t))
	refused(t, nets.Remove(ctx, "sw"), fusion.ErrBusy)
	for _, name := range []string{"a", "b"} {
		ok(t, s.Do(ctx, name, fusion.ForceOff))
		eventually(t, name+" is off", func() bool { return must(s.Get(ctx, name))(t).State == fusion.Off })
		ok(t, s.Remove(ctx, name))
	}
	ok(t, nets.Remove(ctx, "sw"))
	if left := strings.TrimSpace(string(must(exec.Command("ovs-vsctl", "list-br").Output())(t))); left != "" {
		t.Errorf("Open vSwitch still has %s", left)
	}
	nodeKilledWhileCreating(t, s, dir)
}

// nodeKilledWhileCreating kills the process that makes a network at random moments: the
// next one finds it whole, or nothing of it.
func nodeKilledWhileCreating(t *testing.T, s *Store, dir string) {
	whole, all := 0, rounds(t, 4)
	for round := range all {
		name := fmt.Sprintf("k%d", round)
		cmd := exec.CommandContext(t.Context(), must(os.Executable())(t), "-test.run", "^TestInsideCreateNetwork$")
		cmd.Env = append(os.Environ(), asUserEnv+"=create|"+dir+"/other|"+name)
		pipe := must(cmd.StdoutPipe())(t)
		ok(t, cmd.Start())
		must(bufio.NewReader(pipe).ReadString('\n'))(t) // it is about to create
		wait := time.Duration(rand.IntN(500)) * time.Millisecond
		time.Sleep(wait)
		ok(t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
		next := must(Open(t.Context(), Config{Dir: dir + "/other", RunDir: dir + "/r2", URI: uriSystem}))(t)
		var is bool
		eventually(t, "nothing is half done", func() bool { return len(must(os.ReadDir(next.config.intents()))(t)) == 0 })
		for _, n := range must(next.Networks().List(t.Context()))(t) {
			if n.Name == name {
				is = n.Active && n.Autostart
				if !is {
					t.Errorf("half a network: %+v", n)
				}
			}
		}
		bridges := string(must(exec.Command("ovs-vsctl", "list-br").Output())(t))
		if has := strings.Contains(bridges, name+"\n"); has != is {
			t.Errorf("round %d, killed after %v: network %v, bridge %v", round, wait, is, has)
		}
		t.Logf("killed after %v: there is %v", wait, is)
		if is {
			whole++
			ok(t, next.Networks().Remove(t.Context(), name))
		}
		ok(t, next.Close())
	}
	t.Logf("%d of %d were whole", whole, all)
	if left := virsh(t, s, "net-list", "--all", "--name"); strings.TrimSpace(left) != "" {
		t.Errorf("libvirt still has %s", left)
	}
}

func TestInsideCreateNetwork(t *testing.T) {
	args := strings.Split(os.Getenv(asUserEnv), "|")
	if len(args) != 3 || args[0] != "create" {
		return // nodeKilledWhileCreating runs it
	}
	s := must(Open(t.Context(), Config{Dir: args[1], RunDir: args[1] + "-r", URI: uriSystem}))(t)
	defer closeStore(t, s)
	must(os.Stdout.WriteString("creating\n"))(t)
	must(s.Networks().Create(t.Context(), fusion.NetworkSpec{Name: args[2], Kind: fusion.Switched}))(t)
}
