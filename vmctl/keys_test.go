package vmctl

import (
	"fmt"
	"strings"
	"testing"

	"hither/fusion"
)

// spiceOnly is a machine as virt-manager makes it.
const spiceOnly = `<domain type='qemu'><name>theirs</name><uuid>6d1f9f1e-6b4f-4b7e-9d7c-1f5a7c0e2b11</uuid><memory unit='KiB'>65536</memory><vcpu>1</vcpu>` +
	`<os><type>hvm</type></os><devices><graphics type='spice' autoport='no'/><video><model type='%s'/></video></devices></domain>`

func TestAMachineWithoutVNC(t *testing.T) {
	f := newFake()
	s := store(t, f)
	ok(t, f.define(fmt.Sprintf(spiceOnly, "qxl")))
	eventually(t, "it is seen", func() bool { _, err := s.Get(t.Context(), "theirs"); return err == nil })
	refused(t, s.SendKeys(t.Context(), "theirs", []uint16{30}), fusion.ErrInvalid) // it is off
	ok(t, s.Do(t.Context(), "theirs", fusion.Start))
	m := must(s.Get(t.Context(), "theirs"))(t)
	if !m.Screen || !m.Screenshots || !strings.Contains(m.Note, "shown by screenshots") {
		t.Errorf("%+v", m)
	}
	_, err := s.OpenConsole(t.Context(), "theirs")
	refused(t, err, fusion.ErrUnsupported)
	ok(t, s.SendKeys(t.Context(), "theirs", []uint16{42, 30}))
	for _, keys := range [][]uint16{nil, make([]uint16, 17)} {
		refused(t, s.SendKeys(t.Context(), "theirs", keys), fusion.ErrInvalid)
	}
	f.refuses("keys", &driverError{fusion.ErrOffline, "gone"})
	refused(t, s.SendKeys(t.Context(), "theirs", []uint16{30}), fusion.ErrOffline)
	refused(t, s.SendKeys(t.Context(), "none", []uint16{30}), fusion.ErrNotFound)
	refused(t, s.SendKeys(t.Context(), fusion.Self, []uint16{30}), fusion.ErrUnsupported)
	if said := fmt.Sprint(f.keyed); said != "[[42 30] [30]]" {
		t.Errorf("struck were %s", said)
	}

	// A display is added: from the next start on it is a console as any other.
	if done := must(s.Change(t.Context(), "theirs", fusion.Change{Kind: fusion.AddDisplay}))(t); done.When != fusion.NextStart {
		t.Errorf("%+v", done)
	}
	ok(t, s.Do(t.Context(), "theirs", fusion.ForceOff))
	ok(t, s.Do(t.Context(), "theirs", fusion.Start))
	eventually(t, "it has a console", func() bool { m := must(s.Get(t.Context(), "theirs"))(t); return m.Screen && !m.Screenshots })
}

// TestAMachineWithoutAPicture: where there is no graphics card there is nothing to see.
func TestAMachineWithoutAPicture(t *testing.T) {
	f := newFake()
	s := store(t, f)
	ok(t, f.define(fmt.Sprintf(spiceOnly, "none")))
	eventually(t, "it is seen", func() bool { _, err := s.Get(t.Context(), "theirs"); return err == nil })
	if m := must(s.Get(t.Context(), "theirs"))(t); m.Screen || m.Screenshots || strings.Contains(m.Note, "screenshots") {
		t.Errorf("%+v", m)
	}
}
