//go:build linux && e2e && machines

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hither/internal/guest"
)

// TestMeshMachine: a service of a virtual machine is reached by the machine's name, before
// and after it has moved to another computer.
func TestMeshMachine(t *testing.T) {
	net := newInternet(t)
	places := map[string]netspace{}
	for _, name := range []string{"laptop", "alpha", "beta"} {
		net.connect(name, open)
		s := net.place(t, name, nil)
		if name != "laptop" {
			s.libvirt = "private"
		}
		s.start("--listen", ":"+listenPort)
		places[name] = s
	}
	laptop, alpha, beta := places["laptop"], places["alpha"], places["beta"]
	pair(t, laptop.node, alpha.node)
	pair(t, laptop.node, beta.node)
	until(t, "all know each other", func() bool { return alpha.sees(beta.node) && beta.sees(alpha.node) && laptop.sees(beta.node) })

	dir := tempDir(t, nil)
	kernel, initrd := guest.Busybox(t, dir, `udhcpc -f -q -n -t 30 -i eth0 -s /lease
mkdir -p /www
echo "I am web" >/www/index.html
httpd -p 80 -h /www
sleep 100000`)
	alpha.hither("machine", "create", "web", "--memory", "192MiB")
	text := strings.Replace(alpha.virsh("dumpxml", "--inactive", "web"), "</os>",
		"<kernel>"+kernel+"</kernel><initrd>"+initrd+"</initrd><cmdline>console=ttyS0 quiet panic=1 mitigations=off</cmdline></os>", 1)
	definition := filepath.Join(dir, "web.xml")
	if err := os.WriteFile(definition, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	alpha.virsh("define", definition)
	alpha.hither("machine", "start", "web")

	laptop.resolves(laptop.up())
	alpha.up()
	beta.up()
	serves := func() bool { return laptop.can(`test "$(curl -sS --max-time 5 http://web.hither/)" = "I am web"`) }
	address := func() string { return strings.Fields(laptop.run("getent ahosts web.hither"))[0] }
	booted := func(what string) {
		t.Helper()
		took, ok := soon(5*time.Minute, serves) // an emulated Linux on a busy computer
		if !ok {
			t.Fatalf("%s: web.hither does not answer\n%s", what, laptop.hither("net", "status"))
		}
		t.Logf("%s: web.hither answers after %v", what, took.Round(time.Millisecond))
	}
	booted("at alpha")
	at := address()
	laptop.run("ping -6 -c 2 -i 0.2 web.hither")
	if got := alpha.run("curl -sS --max-time 5 http://[" + at + "]/"); got != "I am web\n" {
		t.Errorf("its own computer hears %q", got)
	}
	laptop.hither("machine", "migrate", "alpha/web", "beta")
	booted("at beta")
	if now := address(); now != at {
		t.Errorf("its address was %s and is %s", at, now)
	}
	if status := laptop.hither("net", "status"); !strings.Contains(status, "web.hither") || !strings.Contains(status, " beta") {
		t.Errorf("%s", status)
	}
}
