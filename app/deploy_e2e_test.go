//go:build e2e && linux

package app

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"hither/fusion"
)

// TestDeploy brings a machine to two hosts, twice on each, over one connection each,
// whose bytes the kernel counts.
func TestDeploy(t *testing.T) {
	t.Setenv("DISPLAY", "") // the desktop is a private one
	src, one, two := startNode(t, "src"), startNode(t, "one"), startNode(t, "two")
	pairNodes(t, src, one)
	pairNodes(t, src, two)
	ctx, here := t.Context(), resolved(t, src, "")
	const size = 24 << 20
	image := make([]byte, size)
	rand.Read(image) // never fails; cannot be compressed
	check(t, here.Machines().Upload(ctx, "image", size, bytes.NewReader(image)))
	_, err := here.Machines().Create(ctx, fusion.MachineSpec{Name: "web", MemoryBytes: 64 << 20, Image: "image"})
	check(t, err)

	before := map[*Node]int64{one: carried(t, one), two: carried(t, two)}
	made, err := here.Copies().Deploy(ctx, "web", fusion.DeploySpec{To: []fusion.HostID{one.network.ID(), two.network.ID()}, Count: 2, Prefix: "shop"})
	check(t, err)
	for _, node := range []*Node{one, two} {
		bytes := carried(t, node) - before[node]
		t.Logf("to %s: %.1f MiB for an image of %d MiB and two machines", node.Name(), float64(bytes)/(1<<20), size>>20)
		if bytes < size || bytes > size*5/4 {
			t.Errorf("%s got %d bytes", node.Name(), bytes)
		}
	}
	want := []string{"one/shop-1", "one/shop-2", "two/shop-3", "two/shop-4"}
	for i, m := range made {
		if m.Address != want[i] || m.UUID == "" {
			t.Errorf("%d: %+v", i, m)
		}
	}
	if len(made) != 4 {
		t.Fatalf("made %+v", made)
	}
	for _, node := range []*Node{one, two} {
		host := resolved(t, src, node.Name())
		list, err := host.Machines().List(ctx)
		check(t, err)
		if len(list) != 4 { // self, the template, two clones
			t.Errorf("%s has %+v", node.Name(), list)
		}
		if err := host.Machines().Remove(ctx, "shop-base"); err == nil {
			t.Error("the template went under its clones")
		}
		sameBytes(t, host, list[2].Name, image)
	}
}

// TestDeployImage brings an image to two hosts, of which one cannot fetch it and one has
// it already under another name.
func TestDeployImage(t *testing.T) {
	t.Setenv("DISPLAY", "") // the desktop is a private one
	src, one, two := startNode(t, "src"), startNode(t, "one"), startNode(t, "two")
	pairNodes(t, src, one)
	pairNodes(t, src, two)
	ctx, here := t.Context(), resolved(t, src, "")
	const size = 24 << 20
	image := make([]byte, size)
	rand.Read(image) // never fails; cannot be compressed
	image[510], image[511] = 0x55, 0xaa
	check(t, here.Machines().Upload(ctx, "golden.img", size, bytes.NewReader(image)))
	check(t, resolved(t, two, "").Machines().Upload(ctx, "mine", size, bytes.NewReader(image)))

	before := map[*Node]int64{one: carried(t, one), two: carried(t, two)}
	spec := fusion.DeploySpec{To: []fusion.HostID{one.network.ID(), two.network.ID()}, Count: 2}
	made, err := here.Copies().DeployImage(ctx, "golden.img", fusion.MachineSpec{MemoryBytes: 64 << 20}, spec)
	check(t, err)
	for node, most := range map[*Node]int64{one: size * 5 / 4, two: size / 8} {
		bytes := carried(t, node) - before[node]
		t.Logf("to %s: %.1f MiB for an image of %d MiB and two machines", node.Name(), float64(bytes)/(1<<20), size>>20)
		if bytes > most {
			t.Errorf("%s got %d bytes", node.Name(), bytes)
		}
	}
	want := []string{"one/golden-1", "one/golden-2", "two/golden-3", "two/golden-4"}
	for i, m := range made {
		if m.Address != want[i] || m.UUID == "" {
			t.Errorf("%d: %+v", i, m)
		}
	}
	for node, name := range map[*Node]string{one: "golden.img", two: "mine"} {
		list, err := resolved(t, src, node.Name()).Images().List(ctx)
		check(t, err)
		if len(list) != 1 || list[0].Name != name {
			t.Errorf("%s has the images %+v", node.Name(), list)
		}
	}
}

// sameBytes exports a machine and looks for its image in it.
func sameBytes(t *testing.T, host fusion.Host, name string, image []byte) {
	t.Helper()
	e, err := host.Copies().Export(t.Context(), name, fusion.Bundle)
	check(t, err)
	r, err := e.Open(t.Context(), 0)
	check(t, err)
	data, err := io.ReadAll(r)
	check(t, err)
	check(t, r.Close())
	check(t, e.Close())
	// Clusters that cannot be compressed are stored as they are.
	if !bytes.Contains(data, image[1<<20:1<<20+4096]) {
		t.Errorf("%s has another disk: %d bytes", name, len(data))
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err, fusion.Hint(err))
	}
}

// carried gives the bytes that the connections of a node have carried, both ways, as
// ss (iproute2) tells them.
func carried(t *testing.T, n *Node) (total int64) {
	t.Helper()
	port := listenPort(t, n)
	out, err := exec.CommandContext(t.Context(), "ss", "-tinH", fmt.Sprintf("sport = :%s", port)).CombinedOutput()
	if err != nil {
		t.Fatalf("ss: %v: %s", err, out)
	}
	for field := range strings.FieldsSeq(string(out)) {
		for _, key := range []string{"bytes_received:", "bytes_sent:"} {
			if text, ok := strings.CutPrefix(field, key); ok {
				bytes, err := strconv.ParseInt(text, 10, 64)
				check(t, err)
				total += bytes
			}
		}
	}
	return total
}

// listenPort gives the TCP port that a node listens on for others.
func listenPort(t *testing.T, n *Node) string {
	t.Helper()
	for _, addr := range n.network.Addrs() {
		if _, rest, ok := strings.Cut(addr, "/tcp/"); ok {
			port, _, _ := strings.Cut(rest, "/")
			return port
		}
	}
	t.Fatalf("%s listens nowhere: %v", n.Name(), n.network.Addrs())
	return ""
}
