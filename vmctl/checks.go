package vmctl

import (
	"context"
	"os/exec"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/imagepool"
)

// CheckState says how a check went.
type CheckState string

const (
	CheckOK   CheckState = "ok"
	CheckWarn CheckState = "warn" // works, but less well
	CheckBad  CheckState = "bad"  // virtual machines do not work
)

// Check is one line of hither doctor.
type Check struct {
	Name  string     `json:"name"`
	State CheckState `json:"state"`
	Text  string     `json:"text"`
	Hint  string     `json:"hint,omitempty"`
}

// Checks looks at what virtual machines need here. It may take some seconds the
// first time, as KVM is tried by running.
func (s *Store) Checks(ctx context.Context) []Check {
	return []Check{
		s.checkLibvirt(ctx),
		checkProgram("QEMU", "qemu-system-x86_64"),
		checkProgram("qemu-img", "qemu-img"),
		s.checkKVM(ctx),
		s.checkPool(),
	}
}

func (s *Store) checkLibvirt(ctx context.Context) Check {
	c := Check{Name: "libvirt", State: CheckOK}
	s.mu.Lock()
	uri, why := s.uri, s.why
	s.mu.Unlock()
	if why == nil {
		if err := s.relist(ctx); err != nil {
			why = fail("machines", uri, err)
		}
	}
	if why != nil {
		c.State, c.Text, c.Hint = CheckBad, why.Error(), fusion.Hint(why)
		if s.config.URI == uriOff {
			c.State = CheckWarn
		}
		return c
	}
	c.Text = "connected to " + uri
	return c
}

func checkProgram(name, program string) Check {
	path, err := exec.LookPath(program)
	if err != nil {
		return Check{Name: name, State: CheckBad, Text: program + " is not here", Hint: InstallHint}
	}
	return Check{Name: name, State: CheckOK, Text: path}
}

func (s *Store) checkKVM(ctx context.Context) Check {
	a := s.kvm.Get(ctx)
	switch {
	case a.Works:
		return Check{Name: "KVM", State: CheckOK, Text: "a test guest ran"}
	case a.Denied:
		return Check{Name: "KVM", State: CheckWarn, Text: a.Reason, Hint: "join the group kvm and log in again; without it machines are emulated, which is slow"}
	}
	return Check{Name: "KVM", State: CheckWarn, Text: a.Reason,
		Hint: "switch virtualization on in the firmware, or in the hypervisor this computer runs on; without it machines are emulated, which is slow"}
}

func (s *Store) checkPool() Check {
	free, err := computer.FreeBytes(s.config.pool())
	switch {
	case err != nil:
		return Check{Name: "image pool", State: CheckBad, Text: err.Error(), Hint: "choose a directory that can be written with --home"}
	case free < imagepool.Reserve:
		return Check{Name: "image pool", State: CheckWarn, Text: s.config.pool() + " is full", Hint: imagepool.SpaceHint}
	}
	return Check{Name: "image pool", State: CheckOK, Text: s.config.pool()}
}
