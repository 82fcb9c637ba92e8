package mesh

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"hither/fusion"
)

// Domain is what all names end in.
const Domain = "hither"

// Member is a computer as the node knows it now.
type Member struct {
	ID    fusion.HostID
	Name  string
	Local bool
	// Own is true for a computer of the owner.
	Own    bool
	Online bool
	// Path tells one way to it from another: when it changes, packets take the new one.
	Path     string
	Machines []Machine
}

// Machine is a virtual machine of a Member.
type Machine struct {
	UUID, Name string
	Running    bool
}

// book says whose each address is and what each name means. It is made anew when anything
// changes, and never changed.
type book struct {
	members []Member
	holder  map[netip.Addr]fusion.HostID // who has an address: a computer, or the one that a machine is on
	mine    map[netip.Addr]string        // machines of this computer, by name
	names   map[string]netip.Addr        // in lower case, without the domain
	called  map[netip.Addr]string        // the shortest name of an address, with the domain
	refused map[fusion.HostID]string     // computers whose address another one has: its name
	hosts   map[fusion.HostID]Member
}

// newBook takes this computer first, then those of the owner, then guests: an address or a
// name that somebody before has is refused, so a guest can take nothing of the owner's.
func newBook(members []Member) *book {
	members = slices.Clone(members)
	rank := func(m Member) int {
		switch {
		case m.Local:
			return 0
		case m.Own:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(members, func(a, b Member) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.ID, b.ID))
	})
	b := &book{members: members, holder: map[netip.Addr]fusion.HostID{}, mine: map[netip.Addr]string{}, names: map[string]netip.Addr{},
		called: map[netip.Addr]string{}, refused: map[fusion.HostID]string{}, hosts: map[fusion.HostID]Member{}}
	guests := slices.IndexFunc(members, func(m Member) bool { return rank(m) == 2 })
	if guests < 0 {
		guests = len(members)
	}
	b.add(members[:guests])
	b.shorten(members[:guests])
	b.add(members[guests:])
	return b
}

// add adds computers, then their machines: those that run first, as one that moves is on two
// computers for a moment, and runs on one.
func (b *book) add(members []Member) {
	for _, m := range members {
		b.hosts[m.ID] = m
		at := HostAddress(m.ID)
		if other, taken := b.holder[at]; taken {
			b.refused[m.ID] = b.hosts[other].Name
			continue
		}
		b.holder[at] = m.ID
		b.name(m.Name, at)
	}
	for _, running := range []bool{true, false} {
		for _, m := range members {
			for _, machine := range m.Machines {
				if machine.Running == running && machine.UUID != "" {
					b.addMachine(m, machine)
				}
			}
		}
	}
}

// shorten lets one word be enough for machines of the owner, unless two have that name; one of
// this computer comes before others.
func (b *book) shorten(members []Member) {
	short := map[string]netip.Addr{}
	twice := map[string]bool{}
	for _, m := range members {
		for _, machine := range m.Machines {
			at, key := MachineAddress(machine.UUID), strings.ToLower(machine.Name)
			switch other, taken := short[key]; {
			case machine.UUID == "" || b.holder[at] != m.ID || taken && other == at:
			case !taken:
				short[key] = at
			case b.mine[other] == "":
				twice[key] = true
			}
		}
	}
	for key, at := range short {
		if !twice[key] {
			b.name(key, at)
		}
	}
}

func (b *book) addMachine(m Member, machine Machine) {
	at := MachineAddress(machine.UUID)
	if _, taken := b.holder[at]; taken {
		return
	}
	b.holder[at] = m.ID
	if m.Local {
		b.mine[at] = machine.Name
	}
	b.name(machine.Name+"."+m.Name, at)
}

// name gives an address a name, unless another address has it.
func (b *book) name(name string, at netip.Addr) {
	key := strings.ToLower(name)
	if _, taken := b.names[key]; taken {
		return
	}
	b.names[key] = at
	if before, named := b.called[at]; !named || len(key) < len(before)-len(Domain)-1 {
		b.called[at] = key + "." + Domain
	}
}

// find gives the address of a name, with or without a dot at its end.
func (b *book) find(name string) (netip.Addr, bool) {
	name, ours := strings.CutSuffix(strings.ToLower(strings.TrimSuffix(name, ".")), "."+Domain)
	if !ours {
		return netip.Addr{}, false
	}
	at, ok := b.names[name]
	return at, ok
}
