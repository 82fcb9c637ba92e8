package hosttest

import (
	"context"
	"slices"
	"testing"

	"hither/fusion"
)

// testPower checks that "self" says of each power verb that it has it, or why not.
// It does none of them.
func (s *suite) testPower(t *testing.T) {
	self, err := s.host.Machines().Get(s.ctx(t), fusion.Self)
	must(t, "get", err)
	for _, verb := range fusion.PowerVerbs {
		i := slices.IndexFunc(self.Cannot, func(r fusion.Refusal) bool { return r.Verb == verb })
		if offered := slices.Contains(self.Verbs, verb); offered == (i >= 0) {
			t.Errorf("%s: offered %v, and refused %v", verb, offered, self.Cannot)
		}
		if i >= 0 && self.Cannot[i].Reason == "" {
			t.Errorf("%s is refused without a reason", verb)
		}
	}
}

func (s *suite) testResources(t *testing.T) {
	r, err := s.host.Resources(s.ctx(t))
	must(t, "resources", err)
	if r.CPUs < 1 || r.MemoryBytes <= 0 || r.FreeBytes < 0 || r.FreeBytes > r.MemoryBytes || r.PoolBytes < 0 || r.Load < 0 {
		t.Errorf("got %+v", r)
	}
	if (r.Accelerator == "") == (r.Reason == "") || s.VMs && r.Accelerator == "" {
		t.Errorf("accelerator %q, reason %q", r.Accelerator, r.Reason)
	}
	if slices.Contains(r.Firmwares, "bios") != (r.Accelerator != "") {
		t.Errorf("machines start by %q there", r.Firmwares)
	}
}

func (s *suite) testRoles(t *testing.T) {
	ctx := s.ctx(t)
	before, err := s.host.Info(ctx)
	must(t, "info", err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), s.Patience)
		defer cancel()
		_, err := s.host.SetRoles(ctx, before.Roles, slices.DeleteFunc(slices.Clone(fusion.Roles), func(r string) bool {
			return slices.Contains(before.Roles, r)
		}))
		must(t, "roles as before", err)
	})
	_, err = s.host.SetRoles(ctx, nil, fusion.Roles)
	must(t, "no roles", err)
	got, err := s.host.SetRoles(ctx, []string{fusion.StorageRole, fusion.ComputeRole}, nil)
	must(t, "add", err)
	if !slices.Equal(got, []string{fusion.ComputeRole, fusion.StorageRole}) {
		t.Errorf("added: %v", got)
	}
	for _, bad := range [][2][]string{{{"queen"}, nil}, {nil, {"../x"}}, {{fusion.RouterRole}, {fusion.RouterRole}}} {
		_, err = s.host.SetRoles(ctx, bad[0], bad[1])
		refused(t, "odd roles", err, fusion.ErrInvalid)
	}
	got, err = s.host.SetRoles(ctx, nil, []string{fusion.StorageRole})
	must(t, "remove", err)
	if !slices.Equal(got, []string{fusion.ComputeRole}) {
		t.Errorf("removed: %v", got)
	}
	s.eventually(t, "word of the roles", func() bool {
		info, err := s.host.Info(s.ctx(t))
		must(t, "info", err)
		return slices.Equal(info.Roles, []string{fusion.ComputeRole})
	})
}
