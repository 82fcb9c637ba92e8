package fusion

import (
	"slices"
	"testing"
)

const gib = 1 << 30

func host(name string, r Resources, roles ...string) Candidate {
	if r.CPUs == 0 {
		r.CPUs = 8
	}
	if r.Accelerator == "" {
		r.Accelerator = "kvm"
	}
	return Candidate{Host: name, ID: HostID("id-" + name), Roles: roles, Resources: &r}
}

// imaged has the image already.
func imaged(c Candidate) Candidate { c.HasImage = true; return c }

func TestPlace(t *testing.T) {
	spec := MachineSpec{Name: "m", MemoryBytes: 2 * gib, CPUs: 2, DiskBytes: 20 * gib}
	room := func(free int64) Resources { return Resources{FreeBytes: free * gib, PoolBytes: 100 * gib} }
	slow, busy, narrow, small := room(64), room(64), room(64), room(64)
	slow.Accelerator, busy.Load, narrow.PoolBytes, small.CPUs = "tcg", 7.5, 10*gib, 1
	none := host("none", room(64))
	none.Resources.Accelerator = ""
	for _, tc := range []struct {
		what, want string
		hosts      []Candidate
	}{
		{"the most memory", "b", []Candidate{host("a", room(4)), host("b", room(8)), host("c", room(6))}},
		{"a role before memory", "a", []Candidate{host("a", room(4), "compute", "storage"), host("b", room(8))}},
		{"no role before another one", "b", []Candidate{host("a", room(8), "storage"), host("b", room(4))}},
		{"another role rather than none", "a", []Candidate{host("a", room(8), "router"), host("b", room(1), "compute")}},
		{"KVM before memory", "a", []Candidate{host("a", room(4)), host("b", slow)}},
		{"emulation rather than none", "b", []Candidate{host("a", room(1)), host("b", slow)}},
		{"idle processors before memory", "a", []Candidate{host("a", room(4)), host("b", busy)}},
		{"the image before memory", "a", []Candidate{imaged(host("a", room(4))), host("b", room(8))}},
		{"idle processors before the image", "a", []Candidate{host("a", room(4)), imaged(host("b", busy))}},
		{"the name at last", "a", []Candidate{host("b", room(4)), host("a", room(4))}},
		{"never one that is too small", "", []Candidate{host("a", room(2)), host("b", narrow), host("c", small), none,
			{Host: "d", Why: UnfitOffline}, {Host: "e", Why: UnfitGrant}, {Host: "f"}}},
		{"none at all", "", nil},
	} {
		got := Place(spec, tc.hosts)
		if got.Host != tc.want || tc.want != "" && got.ID != HostID("id-"+tc.want) {
			t.Errorf("%s: placed on %q, want %q: %+v", tc.what, got.Host, tc.want, got.Candidates)
		}
		if len(got.Candidates) != len(tc.hosts) {
			t.Errorf("%s: %d candidates", tc.what, len(got.Candidates))
		}
	}
}

func TestPlaceSaysWhy(t *testing.T) {
	spec := MachineSpec{DiskBytes: 20 * gib, CPUs: 4, Firmware: "uefi", TPM: true} // of 1 GiB
	weak := host("weak", Resources{FreeBytes: 4 * gib, PoolBytes: 100 * gib, CPUs: 2})
	full := host("full", Resources{FreeBytes: 4 * gib, PoolBytes: gib})
	tiny := host("tiny", Resources{FreeBytes: gib, PoolBytes: 100 * gib})
	bare := host("bare", Resources{FreeBytes: 4 * gib, PoolBytes: 100 * gib})
	bare.Resources.Accelerator = ""
	legacy := host("legacy", Resources{FreeBytes: 4 * gib, PoolBytes: 100 * gib, Firmwares: []string{"bios"}, TPM: true})
	open := host("open", Resources{FreeBytes: 4 * gib, PoolBytes: 100 * gib, Firmwares: Firmwares})
	given := []Candidate{{Host: "mute"}, {Host: "away", Why: UnfitOffline}, bare, tiny, full, weak, legacy, open,
		host("good", Resources{FreeBytes: 4 * gib, PoolBytes: 100 * gib})}
	before := slices.Clone(given)
	got := Place(spec, given)
	why := map[string]Unfit{}
	for _, c := range got.Candidates {
		why[c.Host] = c.Why
		if c.Fits != (c.Why == "") {
			t.Errorf("%+v", c)
		}
	}
	want := map[string]Unfit{"mute": UnfitSilent, "away": UnfitOffline, "bare": UnfitMachines, "tiny": UnfitMemory,
		"full": UnfitDisk, "weak": UnfitCPUs, "legacy": UnfitFirmware, "open": UnfitTPM, "good": ""}
	for name, unfit := range want {
		if why[name] != unfit {
			t.Errorf("%s: %q, want %q", name, why[name], unfit)
		}
	}
	if got.Candidates[0].Host != "good" {
		t.Errorf("%s is the first", got.Candidates[0].Host)
	}
	if before[3].Why != given[3].Why {
		t.Error("the caller's list was changed")
	}
}
