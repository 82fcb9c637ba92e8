//go:build linux && e2e

package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// meshOf is the private network of a node in a namespace.
type meshOf struct {
	*node
	net *internet
	ns  string
}

// run runs a script in the namespace.
func (m meshOf) run(script string) string {
	m.t.Helper()
	out, err := m.try(script)
	if err != nil {
		m.t.Fatalf("at %s: %v: %s\n%s", m.ns, err, out, script)
	}
	return out
}

func (m meshOf) try(script string) (string, error) {
	cmd := exec.Command("ip", "netns", "exec", m.net.name+m.ns, "sh", "-ec", script)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// resolves has programs in the namespace ask a server for names.
func (m meshOf) resolves(server string) {
	m.t.Helper()
	dir := filepath.Join("/etc/netns", m.net.name+m.ns)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			m.t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte("nameserver "+server+"\n"), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// up switches the private network on and gives the computer's address.
func (m meshOf) up() string {
	m.t.Helper()
	m.hither("net", "up")
	return field[string](m.node, "address", "net", "status", "--json")
}

// within puts a computer of a name into the internet.
func (n *internet) mesh(t *testing.T, name, how string) meshOf {
	n.connect(name, how)
	one := newNode(t, name, nil)
	one.libvirt, one.within = "off", n.within(name)
	one.start("--listen", ":"+listenPort)
	return meshOf{one, n, name}
}

// TestMesh: two computers with network devices reach each other by name, and nobody else
// reaches them.
func TestMesh(t *testing.T) {
	net := newInternet(t)
	a, b := net.mesh(t, "laptop", open), net.mesh(t, "nas", open)
	pair(t, a.node, b.node)
	for _, m := range []meshOf{a, b} {
		if plane := field[string](m.node, "plane", "net", "status", "--json"); plane != "" {
			t.Errorf("before it is on: %q", plane)
		}
	}
	atA, atB := a.up(), b.up()
	t.Logf("laptop %s, nas %s\n%s", atA, atB, a.hither("net", "status"))
	a.resolves(atA)
	t.Log(a.run("ping -6 -c 5 -i 0.2 -W 2 nas.hither"))
	t.Log(a.hither("net", "status"))

	sent := make([]byte, 50<<20)
	for i := range sent {
		sent[i] = byte(i * 7 >> (i % 11))
	}
	file := filepath.Join(tempDir(t, nil), "sent")
	if err := os.WriteFile(file, sent, 0o644); err != nil {
		t.Fatal(err)
	}
	serve := exec.Command("ip", "netns", "exec", net.name+"nas", "python3", "-m", "http.server", "--bind", "::", "--directory", filepath.Dir(file), "8000")
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = serve.Process.Kill()
		_ = serve.Wait()
	})
	until(t, "the file is served", func() bool { _, err := b.try("curl -sS -o /dev/null http://[::1]:8000/"); return err == nil })
	began := time.Now()
	got, err := exec.Command("ip", "netns", "exec", net.name+"laptop", "curl", "-sS", "--max-time", "60", "http://nas.hither:8000/sent").Output()
	took := time.Since(began)
	if err != nil || sha256.Sum256(got) != sha256.Sum256(sent) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	t.Logf("50 MB in %v: %.0f MB/s", took, 52.4/took.Seconds())
	_, _, _, _, _ = bytes.MinRead, fmt.Sprint, io.EOF, regexp.Compile, strings.Join
}
