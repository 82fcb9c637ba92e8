package mesh

import (
	"net"
	"net/netip"
	"testing"

	"github.com/miekg/dns"
)

func machine(uuid, name string, running bool) Machine {
	return Machine{UUID: uuid, Name: name, Running: running}
}

func TestBook(t *testing.T) {
	b := newBook([]Member{
		{ID: "guest", Name: "web", Machines: []Machine{machine("1", "stolen", true), machine("9", "game", true)}},
		{ID: "dots", Name: "db.nas"},
		{ID: "nas", Name: "nas", Own: true, Machines: []Machine{machine("1", "web", false), machine("2", "Db", true), machine("5", "twice", true), machine("6", "here", true), machine("7", "moving", false)}},
		{ID: "laptop", Name: "laptop", Local: true, Own: true, Machines: []Machine{machine("3", "here", false), machine("4", "nas", true)}},
		{ID: "cloud", Name: "cloud", Own: true, Machines: []Machine{machine("8", "twice", true), machine("7", "moving", true)}},
	})
	for name, want := range map[string]netip.Addr{
		"nas":          HostAddress("nas"),    // a computer comes before a machine of its name
		"nas.laptop":   MachineAddress("4"),   //
		"web":          MachineAddress("1"),   // the owner's machine comes before a guest's name
		"web.nas":      MachineAddress("1"),   //
		"db":           MachineAddress("2"),   //
		"db.nas":       MachineAddress("2"),   // also before one that looks like it
		"here":         MachineAddress("3"),   // this computer's comes first
		"here.nas":     MachineAddress("6"),   //
		"moving":       MachineAddress("7"),   //
		"moving.cloud": MachineAddress("7"),   // where it runs
		"twice.nas":    MachineAddress("5"),   //
		"game.web":     MachineAddress("9"),   // a guest's machine has the long name only
		"laptop":       HostAddress("laptop"), //
		"twice":        {}, "game": {}, "stolen.web": {}, "moving.nas": {}, "": {}, "nobody": {},
	} {
		got, known := b.find(name + ".hither")
		if got != want || known != want.IsValid() {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if _, known := b.find("nas"); known {
		t.Error("a name outside the domain is found")
	}
	if b.holder[MachineAddress("1")] != "nas" || b.holder[MachineAddress("7")] != "cloud" || len(b.mine) != 2 {
		t.Errorf("%v", b.holder)
	}
	if b.called[MachineAddress("2")] != "db.hither" || b.called[HostAddress("dots")] != "" {
		t.Errorf("%v", b.called)
	}
}

// TestOneAddressForTwo: of two computers with one address the one that is not the owner's, or
// comes later, is refused.
func TestOneAddressForTwo(t *testing.T) {
	b := newBook([]Member{{ID: "x", Name: "late"}, {ID: "x", Name: "own", Own: true}})
	if b.refused["x"] == "" || b.called[HostAddress("x")] != "own.hither" {
		t.Errorf("%+v", b)
	}
}

func ask(t *testing.T, network, server, name string, kind uint16) *dns.Msg {
	t.Helper()
	c := &dns.Client{Net: network, Timeout: patience}
	got, _, err := c.ExchangeContext(t.Context(), new(dns.Msg).SetQuestion(name, kind), server)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestNamesAreAnswered(t *testing.T) {
	hosts := some(t, "a", "b")
	server := hosts[0].status().DNS
	at := HostAddress("b")
	reverse, err := dns.ReverseAddr(at.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, network := range []string{"udp", "tcp"} {
		if got := ask(t, network, server, "B.hither.", dns.TypeAAAA); len(got.Answer) != 1 || !got.Answer[0].(*dns.AAAA).AAAA.Equal(net.IP(at.AsSlice())) {
			t.Errorf("%s: %v", network, got)
		}
	}
	if got := ask(t, "udp", server, reverse, dns.TypePTR); len(got.Answer) != 1 || got.Answer[0].(*dns.PTR).Ptr != "b.hither." {
		t.Errorf("%v", got)
	}
	nobody, _ := dns.ReverseAddr(HostAddress("nobody").String())
	for name, want := range map[string]int{"b.hither.": dns.RcodeSuccess, "hither.": dns.RcodeSuccess, "c.hither.": dns.RcodeNameError,
		"example.com.": dns.RcodeRefused, "xhither.": dns.RcodeRefused, nobody: dns.RcodeNameError, "1.0.0.127.in-addr.arpa.": dns.RcodeRefused} {
		got := ask(t, "udp", server, name, dns.TypeA)
		if got.Rcode != want || len(got.Answer) > 0 || (want != dns.RcodeRefused) != (len(got.Ns) == 1) {
			t.Errorf("%s: %v", name, got)
		}
	}
	hosts[0].f.set("b", func(m *Member) { m.Name = "renamed" })
	until(t, "the new name is answered", func() bool { return len(ask(t, "udp", server, "renamed.hither.", dns.TypeAAAA).Answer) == 1 })
	if got := ask(t, "udp", server, "b.hither.", dns.TypeAAAA); got.Rcode != dns.RcodeNameError {
		t.Errorf("the former name: %v", got)
	}
}

func TestCovers(t *testing.T) {
	for host, want := range map[string]bool{"nas.hither": true, "NAS.HITHER.": true, "hither": true, HostAddress("a").String(): true,
		"nas": false, "hither.example": false, "fd00::1": false, "": false, "nothither": false} {
		if Covers(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}
