//go:build linux && e2e

package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hither/app/client"
)

// netspace is a computer in a namespace of its own.
type netspace struct {
	*node
	net *internet
	ns  string
}

// place puts a node into a namespace, as an account or as root.
func (n *internet) place(t *testing.T, name string, as *account) netspace {
	s := netspace{newNode(t, name, as), n, name}
	s.libvirt, s.within = "off", n.within(name)
	if as != nil {
		s.within = func(cmd *exec.Cmd) error { // entering a namespace needs root
			cmd.SysProcAttr.Credential = nil
			bin, err := exec.LookPath("setpriv")
			if err != nil {
				return err
			}
			user := []string{bin, fmt.Sprintf("--reuid=%d", as.uid), fmt.Sprintf("--regid=%d", as.gid), "--clear-groups", cmd.Path}
			cmd.Path, cmd.Args = bin, append(user, cmd.Args[1:]...)
			return n.within(name)(cmd)
		}
	}
	return s
}

// mesh is place with a public address, and a node that runs.
func (n *internet) mesh(t *testing.T, name string, as *account) netspace {
	n.connect(name, open)
	s := n.place(t, name, as)
	s.start("--listen", ":"+listenPort)
	return s
}

// command makes a command of the computer.
func (s netspace) cmd(script string) *exec.Cmd {
	return exec.Command("ip", "netns", "exec", s.net.name+s.ns, "sh", "-ec", script)
}

// run runs a script there that must work.
func (s netspace) run(script string) string {
	s.t.Helper()
	out, err := s.cmd(script).CombinedOutput()
	if err != nil {
		s.t.Fatalf("at %s: %v: %s\n%s", s.ns, err, out, script)
	}
	return string(out)
}

// can says whether a script there works.
func (s netspace) can(script string) bool { return s.cmd(script).Run() == nil }

// resolves has programs there ask a server for names.
func (s netspace) resolves(server string) {
	s.t.Helper()
	dir := filepath.Join("/etc/netns", s.net.name+s.ns)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			s.t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte("nameserver "+server+"\n"), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// up switches the private network on and gives the computer's address there.
func (s netspace) up() string {
	s.t.Helper()
	s.hither("net", "up")
	return field[string](s.node, "address", "net", "status", "--json")
}

// peer gives a line of `hither net status`.
func (s netspace) peer(name string) string {
	s.t.Helper()
	for line := range strings.Lines(s.hither("net", "status")) {
		if strings.HasPrefix(line, name+" ") {
			return line
		}
	}
	return ""
}

// serves has an HTTP server give out a directory, at all addresses or one.
func (s netspace) serves(dir, bind, port string) {
	s.t.Helper()
	server := s.cmd("exec python3 -m http.server --bind " + bind + " --directory " + dir + " " + port)
	if err := server.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = server.Process.Kill() // it was started by this test
		_ = server.Wait()
	})
	at := "127.0.0.1"
	if strings.Contains(bind, ":") {
		at = "[::1]"
	}
	until(s.t, "files are served", func() bool { return s.can("curl -sS -o /dev/null http://" + at + ":" + port + "/") })
}

// fetches fetches a file and gives how long that took.
func (s netspace) fetches(want []byte, args string) time.Duration {
	s.t.Helper()
	began := time.Now()
	cmd := s.cmd("exec curl -sS --max-time 100 " + args)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	got, err := cmd.Output()
	took := time.Since(began)
	if err != nil || sha256.Sum256(got) != sha256.Sum256(want) {
		s.t.Fatalf("curl %s: %d bytes, %v %s", args, len(got), err, errs.String())
	}
	return took
}

// aFile gives a directory with a file "sent".
func aFile(t *testing.T, size int) (dir string, sent []byte) {
	t.Helper()
	sent = make([]byte, size)
	for i := range sent {
		sent[i] = byte(i * 7 >> (i % 11))
	}
	dir = tempDir(t, nil)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sent"), sent, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, sent
}

// TestMesh: two computers with network devices reach each other by name, and nobody else
// reaches them.
func TestMesh(t *testing.T) {
	net := newInternet(t)
	a, b := net.mesh(t, "laptop", nil), net.mesh(t, "nas", nil)
	guest, stranger := net.mesh(t, "guest", nil), net.mesh(t, "stranger", nil)
	pair(t, a.node, b.node)
	pair(t, guest.node, b.node)
	b.hither("host", "grant", "guest", "-admin", "+view")
	if plane := field[string](a.node, "plane", "net", "status", "--json"); plane != "" {
		t.Errorf("before it is on: %q", plane)
	}
	atA, atB := a.up(), b.up()
	a.resolves(atA)
	direct := a.run("ping -6 -c 20 -i 0.05 -q 2001:db8:ff::11")
	named := a.run("ping -6 -c 20 -i 0.05 -q nas.hither")
	t.Logf("direct: %s\nby the private network: %s", lastLine(direct), lastLine(named))
	if got := a.run("getent hosts " + atB); !strings.Contains(got, "nas.hither") {
		t.Errorf("the name of an address: %s", got)
	}
	if a.can("getent ahosts nobody.hither") {
		t.Error("nobody's name is known")
	}

	dir, sent := aFile(t, 50<<20)
	b.serves(dir, "::", "8000")
	for range 3 {
		plain := a.fetches(sent, "http://[2001:db8:ff::11]:8000/sent")
		meshed := a.fetches(sent, "http://nas.hither:8000/sent")
		t.Logf("50 MB: plain %v, by the private network %v (%.0f MB/s)", plain.Round(time.Millisecond), meshed.Round(time.Millisecond), 52.4/meshed.Seconds())
	}
	if !strings.Contains(a.peer("nas"), " open ") {
		t.Errorf("%s", a.hither("net", "status"))
	}

	// Who was not let in, and who is not known.
	guest.up()
	stranger.up()
	for _, other := range []netspace{guest, stranger} {
		if other.can("ping -6 -c 2 -i 0.2 -W 1 " + atB) {
			t.Errorf("%s reaches nas", other.name)
		}
		if other.can("curl -sS --max-time 2 -o /dev/null http://[" + atB + "]:8000/") {
			t.Errorf("%s reaches a service of nas", other.name)
		}
	}
	if line := guest.peer("nas"); !strings.Contains(line, `nas did not grant "mesh"`) {
		t.Errorf("the guest is told: %s", line)
	}
	b.hither("host", "grant", "guest", "+mesh")
	until(t, "the guest is let in", func() bool { return guest.can("ping -6 -c 1 -W 1 " + atB) })
	b.hither("host", "grant", "guest", "-mesh")
	if guest.can("ping -6 -c 2 -i 0.2 -W 1 " + atB) {
		t.Error("the guest reaches nas although its grant was taken away")
	}

	// A kill leaves nothing behind, and the network is on again with the node.
	a.kill()
	if a.can("ip link show hither0") {
		t.Error("the device outlives its node")
	}
	a.start("--listen", ":"+listenPort)
	until(t, "nas is reached again", func() bool { return a.can("ping -6 -c 1 -W 1 nas.hither") })
	a.hither("net", "down")
	if a.can("ip link show hither0") || b.can("ping -6 -c 1 -W 1 "+atA) {
		t.Error("it is off and there is still something")
	}
	until(t, "nas knows that laptop is off", func() bool {
		_ = b.can("ping -6 -c 1 -W 1 " + atA)
		return strings.Contains(b.peer("laptop"), "its private network is off")
	})
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// TestMeshWithoutPrivilege: ordinary users have no device; services of their computers are
// reached, and programs go out by a proxy.
func TestMeshWithoutPrivilege(t *testing.T) {
	net := newInternet(t)
	user := ordinaryUser(t)
	a, b, root := net.mesh(t, "laptop", user), net.mesh(t, "nas", user), net.mesh(t, "tower", nil)
	pair(t, a.node, b.node)
	pair(t, root.node, b.node)
	atA, atB := a.up(), b.up()
	if s := a.hither("net", "status"); !strings.Contains(s, "on, in user space") || !strings.Contains(s, "this user may not have a network device") {
		t.Errorf("%s", s)
	}
	dir, sent := aFile(t, 20<<20)
	b.serves(dir, "0.0.0.0", "8000")
	b.serves(dir, "127.0.0.1", "8001")
	proxied := field[string](a.node, "listen", "proxy", "0", "nas", "--json")
	for _, how := range []string{"-x socks5h://", "-x http://", "--proxytunnel -x http://"} {
		took := a.fetches(sent, how+proxied+" http://nas.hither:8000/sent")
		t.Logf("20 MB by %s: %v (%.0f MB/s)", how, took.Round(time.Millisecond), 21/took.Seconds())
	}
	if a.can("curl -sS --fail --max-time 5 -o /dev/null -x socks5h://" + proxied + " http://nas.hither:8001/") {
		t.Error("a service that listens on the loopback alone is reached")
	}
	_, _, own := b.addr()
	if a.can("curl -sS --http0.9 --max-time 5 -o /dev/null -x socks5h://" + proxied + " http://nas.hither:" + own + "/") {
		t.Error("the node's own port is reached")
	}
	// A proxy at nas leads nobody else into the network: that would be in the name of nas.
	if out, err := a.cmd("curl -sS --max-time 5 -x socks5h://" + proxied + " http://tower.example.hither:8000/").CombinedOutput(); err == nil {
		t.Errorf("nobody's name: %s", out)
	}

	// With one who has a device.
	atRoot := root.up()
	root.resolves(atRoot)
	root.run("ping -6 -c 3 -i 0.2 nas.hither")
	took := root.fetches(sent, "http://nas.hither:8000/sent")
	t.Logf("20 MB from a device to a stack: %v", took.Round(time.Millisecond))
	t.Log(atA, atB, "\n", b.hither("net", "status"))
}

// TestMeshClimbs: a TCP connection goes on while the path below it changes from a relay to a
// direct one, and back.
func TestMeshClimbs(t *testing.T) {
	f := newFleet(t)
	f.net.connect("cafe", keeps) // two networks, of which one is plugged in
	f.net.space("phone")
	f.net.public("phone")
	f.net.nat("phone", changes)
	f.net.in("cafe", "ip route del default")
	f.net.plug("cafe", "phone", "phone", changes)
	plugged := func(in, out string) {
		gateway := fmt.Sprintf("192.168.%d.1", f.net.subnet(map[string]string{"wan": "cafer", "phone": "phone"}[in]))
		net := strings.TrimSuffix(gateway, "1") + "2/24"
		f.net.in("cafe", fmt.Sprintf("ip addr flush dev %[2]s; ip link set %[2]s down; ip link set %[1]s up; ip addr flush dev %[1]s; ip addr add %[3]s dev %[1]s; ip route add default via %[4]s",
			in, out, net, gateway))
	}
	plugged("phone", "wan")
	f.net.connect("home", keeps)
	f.move(f.b, "home")
	f.move(f.a, "cafe")
	a, b := netspace{f.a, f.net, "cafe"}, netspace{f.b, f.net, "home"}
	at := client.Unix(field[string](f.a, "apiSocket", "status", "--json"))
	path := func() string { return seenBy(t, at, f.b).GetPath() }
	if _, ok := soon(15*time.Second, func() bool { return path() == "relay" }); !ok {
		t.Fatalf("the path is %q to begin with, want relay", path())
	}
	a.resolves(a.up())
	b.up()
	dir, sent := aFile(t, 50<<20)
	b.serves(dir, "::", "8000")
	done := make(chan time.Duration, 1)
	go func() { done <- a.fetches(sent, "--limit-rate 4M http://nas.hither:8000/sent") }()
	for i, want := range []string{"direct", "relay", "direct"} {
		in, out := "wan", "phone"
		if want == "relay" {
			in, out = out, in
		}
		until(t, "some bytes have passed", func() bool { return strings.Contains(a.peer("nas"), " open ") })
		plugged(in, out)
		took, ok := soon(15*time.Second, func() bool { return path() == want })
		t.Logf("change %d: %s after %v; %s", i, want, took.Round(time.Millisecond), strings.TrimSpace(a.peer("nas")))
		if !ok {
			t.Fatalf("the path is %q, want %s", path(), want)
		}
	}
	t.Logf("50 MB, one connection: %v", (<-done).Round(time.Millisecond))
}
