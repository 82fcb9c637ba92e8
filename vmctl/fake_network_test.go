package vmctl

import (
	"context"
	"encoding/xml"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"hither/fusion"
	"hither/vmctl/netxml"
)

// fakeNetworks are the networks of a fake; its mu guards them.
type fakeNetworks struct {
	all     []netxml.Network
	leased  []fusion.Lease
	seen    map[string]map[string][]string // by source and MAC
	usernet []string                       // what QEMU forwards, as "info usernet" has it
	asked   []string                       // what its monitor was told
}

func (f *fake) networks() ([]netxml.Network, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.plugged.all), f.refuse["networks"]
}

func (f *fake) defineNetwork(text string) error {
	if err := f.refusal("defineNetwork"); err != nil {
		return err
	}
	info, err := netxml.Parse(text)
	if err != nil {
		return &driverError{fusion.ErrInvalid, err.Error()}
	}
	var x struct {
		Name string `xml:"name"`
		UUID string `xml:"uuid"`
	}
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return err
	}
	if info.Bridge == "" {
		info.Bridge = "virbr7"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plugged.all = append(f.plugged.all, netxml.Network{UUID: x.UUID, Name: x.Name, Info: info})
	return nil
}

// atLocked finds a network.
func (f *fake) atLocked(uuid string) (int, error) {
	i := slices.IndexFunc(f.plugged.all, func(n netxml.Network) bool { return n.UUID == uuid })
	if i < 0 {
		return i, &driverError{fusion.ErrNotFound, "Network not found"}
	}
	return i, nil
}

func (f *fake) undefineNetwork(uuid string) error {
	if err := f.refusal("undefineNetwork"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	i, err := f.atLocked(uuid)
	if err == nil {
		f.plugged.all = slices.Delete(f.plugged.all, i, i+1)
	}
	return err
}

func (f *fake) startNetwork(uuid string) error {
	if err := f.refusal("startNetwork"); err != nil {
		return err
	}
	return f.become(uuid, true)
}

func (f *fake) stopNetwork(uuid string) error { return f.become(uuid, false) }

func (f *fake) become(uuid string, active bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, err := f.atLocked(uuid)
	if err == nil {
		f.plugged.all[i].Active, f.plugged.all[i].Autostart = active, true
	}
	return err
}

func (f *fake) leases(string) ([]fusion.Lease, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.plugged.leased), nil
}

func (f *fake) addresses(_, source string) (map[string][]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if source == "agent" && f.plugged.seen["agent"] == nil {
		return nil, &driverError{fusion.ErrUnsupported, "QEMU guest agent is not connected"}
	}
	return f.plugged.seen[source], nil
}

// monitor forwards ports as QEMU's does, in name only.
func (f *fake) monitor(_, line string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plugged.asked = append(f.plugged.asked, line)
	if line == "info usernet" {
		return "Hub -1 (hostnet0):\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\n" + strings.Join(f.plugged.usernet, ""), nil
	}
	if strings.HasPrefix(line, "delvm ") { // it says nothing when all is well
		return "", nil
	}
	var netdev, rule string
	if _, err := fmt.Sscanf(line, "hostfwd_add %s %s", &netdev, &rule); err != nil {
		return "unknown command\n", nil
	}
	parts := strings.FieldsFunc(rule, func(r rune) bool { return r == ':' || r == '-' })
	f.plugged.usernet = append(f.plugged.usernet,
		fmt.Sprintf("  %s[HOST_FORWARD]  15       127.0.0.1 %s       10.0.2.15    %s     0     0\n", strings.ToUpper(parts[0]), parts[2], parts[3]))
	return "", nil
}

// switches is Open vSwitch in memory.
type switches struct {
	mu      sync.Mutex        // guards the fields below
	bridges map[string]string // to the mark
	broken  bool
}

func (o *switches) run(_ context.Context, args ...string) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.broken {
		return "ovs-vsctl: unix:/run/db.sock: database connection failed\n", &exec.ExitError{}
	}
	switch args[0] {
	case "list-br":
		var names []string
		for name := range o.bridges {
			names = append(names, name)
		}
		return strings.Join(names, "\n"), nil
	case "add-br":
		_, mark, _ := strings.Cut(args[len(args)-1], "=")
		o.bridges[args[1]] = mark
	case "br-get-external-id":
		return o.bridges[args[1]], nil
	case "del-br":
		delete(o.bridges, args[1])
	case "get":
		return "netdev", nil
	}
	return "", nil
}

func (o *switches) has(name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, there := o.bridges[name]
	return there
}

// netStore opens a Store on a fake in a host that has the bridge br0, Open vSwitch and
// one route.
func netStore(t *testing.T, f *fake) (*Store, *switches) {
	t.Helper()
	o := &switches{bridges: map[string]string{}}
	s := must(Open(t.Context(), netConfig(t, f, o, t.TempDir())))(t)
	t.Cleanup(func() { closeStore(t, s) })
	return s, o
}
