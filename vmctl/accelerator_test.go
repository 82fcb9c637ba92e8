package vmctl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
)

func TestTheAcceleratorIsChanged(t *testing.T) {
	f := newFake()
	s, m := bench(t, f, fusion.MachineSpec{})
	_, err := s.Change(t.Context(), "m", fusion.Change{Kind: fusion.SetAccelerator, Accelerator: "kvm"})
	refused(t, err, fusion.ErrUnsupported)
	knowsKVM(s, true)
	change(t, s, fusion.Change{Kind: fusion.SetAccelerator, Accelerator: "kvm"}, fusion.Now)
	if text := f.textsOf(m.UUID).next; !strings.Contains(text, "type='kvm'") || !strings.Contains(text, `mode="host-passthrough"`) || strings.Contains(text, "Nehalem") {
		t.Errorf("it is %s", text)
	}
	if p := parts(t, s); p.Accelerator != "kvm" || p.Pending {
		t.Errorf("%+v", p)
	}
	ok(t, s.Do(t.Context(), "m", fusion.Start))
	change(t, s, fusion.Change{Kind: fusion.SetAccelerator, Accelerator: "emulated"}, fusion.NextStart)
	change(t, s, fusion.Change{Kind: fusion.SetAccelerator, Accelerator: "emulated"}, fusion.NextStart)
	if text := f.textsOf(m.UUID).next; !strings.Contains(text, "type='qemu'") || strings.Contains(text, "host-passthrough") || strings.Count(text, "<cpu ") != 1 {
		t.Errorf("it is %s", text)
	}
	if p := parts(t, s); p.Accelerator != "emulated" || !p.Pending {
		t.Errorf("%+v", p)
	}
}

// kvmLog is what QEMU wrote when KVM gave up on a guest.
const kvmLog = `2026-11-29 09:00:00.000+0000: starting up libvirt version: 9.0.0
KVM: entry failed, hardware error 0x7
2026-11-29 10:00:00.000+0000: starting up libvirt version: 9.0.0, qemu version: 7.2.22
LC_ALL=C \
/usr/bin/qemu-system-x86_64 \
-name guest=m
char device redirected to /dev/pts/3 (label charserial0)
KVM internal error. Suberror: 1
emulation failure
EAX=00000000 EBX=00000000 ECX=00000000 EDX=000306a9
Code=00 66 89 d8
`

func TestKVMThatGaveUp(t *testing.T) {
	f := newFake()
	s, m := bench(t, f, fusion.MachineSpec{})
	knowsKVM(s, true)
	change(t, s, fusion.Change{Kind: fusion.SetAccelerator, Accelerator: "kvm"}, fusion.Now)
	refused(t, s.Do(t.Context(), "m", fusion.Emulate), fusion.ErrInvalid)
	ok(t, s.Do(t.Context(), "m", fusion.Start))
	d := must(f.domain(m.UUID))(t)
	d.state, d.detail, d.gaveUp = fusion.Failed, gaveUpDetail, true
	f.put(d)
	eventually(t, "it says so", func() bool {
		m := must(s.Get(t.Context(), "m"))(t)
		return m.State == fusion.Failed && m.Note == gaveUpDetail && len(m.Verbs) == 2 && m.Verbs[0] == fusion.Emulate
	})
	d.state, d.detail, d.gaveUp = fusion.Off, "", false
	f.acting, f.goOn = make(chan fusion.Verb, 1), make(chan struct{}, 1)
	f.goOn <- struct{}{}
	ok(t, s.Do(t.Context(), "m", fusion.Emulate))
	<-f.acting
	if text := f.textsOf(m.UUID); !strings.Contains(text.next, "type='qemu'") {
		t.Errorf("it runs as %s", text.next)
	}
}

func TestLastWords(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ log, want string }{
		"gave up":  {kvmLog, "KVM internal error. Suberror: 1"},
		"new life": {kvmLog + "2026-11-29 11:00:00.000+0000: starting up libvirt version: 9.0.0\n", ""},
		"empty":    {"", ""},
		"ended":    {"2026-11-29 11:00:00.000+0000: starting up \nqemu-system-x86_64: -device x: no such device\n2026-11-29 11:00:01.000+0000: shutting down, reason=failed\n", "qemu-system-x86_64: -device x: no such device"},
		"long":     {"KVM: " + strings.Repeat("二", 500), "KVM: " + strings.Repeat("二", mostWords-5) + "…"},
	} {
		path := filepath.Join(dir, name)
		ok(t, os.WriteFile(path, []byte(c.log), 0o600))
		if got := lastWords(path); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := lastWords(filepath.Join(dir, "none")); got != "" {
		t.Errorf("of no log: %q", got)
	}
}
