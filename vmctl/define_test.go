package vmctl

import (
	"os"
	"path/filepath"
	"testing"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// planned gives a Store and a plan whose one disk is there.
func planned(t *testing.T, f *fake) (*Store, plan, string) {
	t.Helper()
	s := store(t, f)
	uuid := newUUID()
	file := "m-" + head(uuid) + "-0.qcow2"
	disk := filepath.Join(s.config.pool(), file)
	ok(t, os.WriteFile(disk, nil, 0o600))
	spec := must(checkSpec(fusion.MachineSpec{Name: "m", Start: true}))(t)
	return s, plan{Plan: domxml.Plan{Spec: spec, UUID: uuid, Kind: "qemu", Pool: s.config.pool(), Disks: []string{file}}}, disk
}

func there(path string) bool { _, err := os.Stat(path); return err == nil }

func TestDefinedMachineKeepsItsDisks(t *testing.T) {
	for name, cause := range map[string]error{"offline": fusion.ErrOffline, "odd": errHypervisor} {
		f := newFake()
		f.refuses("domain", &driverError{cause, "no answer"})
		s, p, disk := planned(t, f)
		m := must(s.define(t.Context(), &p))(t)
		if m.Name != "m" || m.UUID != p.UUID || m.State != fusion.Running || len(m.Disks) != 1 || m.Started.IsZero() {
			t.Errorf("%s: %+v", name, m)
		}
		if len(f.all) != 1 || !there(disk) {
			t.Errorf("%s: the domain is there: %v, its disk: %v", name, len(f.all) == 1, there(disk))
		}
	}
}

// TestUndo holds domain and disks together: both go or both stay.
func TestUndo(t *testing.T) {
	for name, c := range map[string]struct {
		refuse []string
		stays  bool
	}{
		"define":             {[]string{"define"}, false},
		"start":              {[]string{"start"}, false},
		"start and force":    {[]string{"start", "force-off"}, true},
		"start and undefine": {[]string{"start", "undefine"}, true},
	} {
		f := newFake()
		for _, step := range c.refuse {
			f.refuses(step, &driverError{fusion.ErrOffline, "the connection broke"})
		}
		s, p, disk := planned(t, f)
		_, err := s.define(t.Context(), &p)
		refused(t, fail("machine.create", "m", err), fusion.ErrOffline)
		if domain := len(f.all) == 1; domain != c.stays || there(disk) != c.stays {
			t.Errorf("%s: the domain is there: %v, its disk: %v", name, domain, there(disk))
		}
	}
}
