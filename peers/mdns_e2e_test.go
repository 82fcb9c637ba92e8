//go:build e2e && linux

package peers

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// TestMDNS puts a node into a network namespace of its own, with one cable to
// another, and pairs by the code alone. It needs root and iproute2.
func TestMDNS(t *testing.T) {
	here, there := fmt.Sprintf("hp%da", os.Getpid()), fmt.Sprintf("hp%db", os.Getpid())
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	for i, ns := range []string{here, there} {
		run("netns", "add", ns)
		t.Cleanup(func() { exec.Command("ip", "netns", "del", ns).Run() })
		if i == 1 {
			run("link", "add", "v0", "netns", here, "type", "veth", "peer", "name", "v0", "netns", there)
		}
	}
	for i, ns := range []string{here, there} {
		run("-n", ns, "addr", "add", fmt.Sprintf("10.77.0.%d/24", i+1), "dev", "v0")
		run("-n", ns, "link", "set", "v0", "up")
		run("-n", ns, "link", "set", "lo", "up")
		run("-n", ns, "route", "add", "default", "dev", "v0")
	}
	_, it := startChildAs(t, exec.Command("ip", "netns", "exec", there, os.Args[0]), t.TempDir(), childListen+"=0.0.0.0:0", childMDNS+"=1")

	// Sockets belong to the namespace of the thread that makes them, so this
	// side must be a process of its own as well: the same binary joins.
	joined := exec.Command("ip", "netns", "exec", here, os.Args[0])
	joined.Env = append(os.Environ(), childDir+"="+t.TempDir(), childListen+"=0.0.0.0:0", childMDNS+"=1", childJoin+"="+it.Code)
	out, err := joined.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("%s", out)
}
