//go:build linux && e2e

package app

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"hither/app/wol"
	"hither/fusion"
)

// inNamespaceEnv is set in the test binary that runs again in a network of its own.
const inNamespaceEnv = "APP_TEST_IN_NAMESPACE"

// TestWake runs TestWakeInANamespace where no packet of it leaves.
func TestWake(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestWakeInANamespace$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), inNamespaceEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: TestWakeInANamespace")) {
		t.Fatalf("%v (it needs root and iproute2)\n%s", err, out)
	}
}

// TestWakeInANamespace: a computer tells its card while it is awake; when it is
// away, the one that it told has it sent the magic packet, also after its own
// restart, by everybody who is online and on its network.
func TestWakeInANamespace(t *testing.T) {
	if os.Getenv(inNamespaceEnv) == "" {
		return // TestWake runs it
	}
	script := "ip link set lo up; ip link add lan type bridge; ip addr add 10.66.0.1/24 dev lan; ip link set lan up"
	if out, err := exec.Command("sh", "-ec", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	card := fusion.Card{Name: "eth0", MAC: "52:54:00:aa:bb:cc", Nets: []string{"10.66.0.2/24"}, Wake: "off"}
	with := func(cards ...fusion.Card) func(*Config) {
		return func(c *Config) { c.Libvirt, c.cards = "off", func() []fusion.Card { return cards } }
	}
	var config Config
	here := startNode(t, "here", with(), func(c *Config) { config = *c })
	cloud, nas := startNode(t, "cloud", with(card)), startNode(t, "nas", with())
	pairNodes(t, here, cloud)
	pairNodes(t, here, nas)
	waitFor(t, "the card of cloud", func() bool { return len(infoOf(t, here, "cloud").Cards) == 1 })
	if _, err := here.Wake(t.Context(), "cloud"); !errors.Is(err, fusion.ErrInvalid) || fusion.Hint(err) == "" {
		t.Errorf("awake: %v", err)
	}
	if err := errors.Join(cloud.network.Close(), here.Close()); err != nil {
		t.Fatal(err)
	}
	here, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := here.Close(); err != nil {
			t.Error(err)
		}
	}()
	waitFor(t, "nas online", func() bool { return infoOf(t, here, "nas").Online })
	listener, err := net.ListenUDP("udp4", &net.UDPAddr{Port: 9})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	woken, err := here.Wake(t.Context(), "cloud")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(woken.By, []string{"here", "nas"}) || woken.Packets != 2 || woken.Note == "" {
		t.Errorf("woken: %+v", woken)
	}
	if err := listener.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 2048)
	n, err := listener.Read(got)
	if err != nil {
		t.Fatal(err)
	}
	if want := wol.Packet(net.HardwareAddr{0x52, 0x54, 0, 0xaa, 0xbb, 0xcc}); !bytes.Equal(got[:n], want) {
		t.Errorf("got %d bytes: %x", n, got[:n])
	}
	here.heard.learn(cloud.network.ID(), fusion.HostInfo{Cards: []fusion.Card{{Name: "eth0", MAC: card.MAC, Nets: []string{"10.67.0.2/24"}}}})
	if _, err := here.Wake(t.Context(), "cloud"); !errors.Is(err, fusion.ErrOffline) || fusion.Hint(err) == "" {
		t.Errorf("in a network where nobody is: %v", err)
	}
	here.heard.learn(cloud.network.ID(), fusion.HostInfo{})
	if _, err := here.Wake(t.Context(), "cloud"); !errors.Is(err, fusion.ErrUnsupported) || fusion.Hint(err) == "" {
		t.Errorf("without a card: %v", err)
	}
}
