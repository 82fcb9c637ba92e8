//go:build machines && e2e && linux

package vmctl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	linux "hither/internal/guest"
)

// TestKVMGivesUp lets a real Linux run by a KVM that does not run operating systems: the
// machine says so in QEMU's words, and starts anew emulated.
func TestKVMGivesUp(t *testing.T) {
	if f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0); err != nil {
		t.Skipf("there is no KVM to give up: %v", err)
	} else {
		ok(t, f.Close())
	}
	if answer, _ := tryKVM(t.Context()); answer.Works {
		t.Skip("KVM runs operating systems here")
	}
	s, _ := stage(t, "private")
	ctx, dir := t.Context(), t.TempDir()
	kernel, initrd := linux.Busybox(t, dir, "echo it runs; sleep 100000")
	m := must(s.Create(ctx, fusion.MachineSpec{Name: "m", MemoryBytes: 192 << 20}))(t)
	text := virsh(t, s, "dumpxml", "--inactive", "m")
	text = strings.Replace(text, "</os>", "<kernel>"+kernel+"</kernel><initrd>"+initrd+"</initrd><cmdline>console=ttyS0 quiet mitigations=off</cmdline></os>", 1)
	text = strings.Replace(text, "<domain type='qemu'", "<domain type='kvm'", 1)
	at, end := strings.Index(text, "<cpu "), strings.Index(text, "</cpu>")+len("</cpu>")
	text = text[:at] + "<cpu mode='host-passthrough'/>" + text[end:]
	path := filepath.Join(dir, "m.xml")
	ok(t, os.WriteFile(path, []byte(text), 0o600))
	virsh(t, s, "define", path)
	s.touch(m.UUID)
	if err := s.Do(ctx, "m", fusion.Start); err != nil {
		t.Logf("it does not start: %v (hint: %s)", err, fusion.Hint(err))
		if fusion.Hint(err) == "" {
			t.Error("and nobody says what to do")
		}
		return
	}
	for deadline := time.Now().Add(patience); m.State != fusion.Failed; time.Sleep(100 * time.Millisecond) {
		if m = must(s.Get(ctx, "m"))(t); time.Now().After(deadline) {
			t.Skipf("KVM neither runs this guest nor gives up: virsh says %s", strings.TrimSpace(virsh(t, s, "domstate", "--reason", "m")))
		}
	}
	t.Logf("virsh: %s; the note: %s", strings.TrimSpace(virsh(t, s, "domstate", "--reason", "m")), m.Note)
	if !strings.Contains(m.Note, gaveUpDetail) || !strings.Contains(m.Note, "QEMU: ") || len(m.Verbs) == 0 || m.Verbs[0] != fusion.Emulate {
		t.Errorf("%+v", m)
	}
	ok(t, s.Do(ctx, "m", fusion.Emulate))
	if said := serialSays(t, s, "m", "it runs"); said == "" {
		t.Error("it says nothing")
	}
	m = must(s.Get(ctx, "m"))(t)
	if m.State != fusion.Running || m.Accelerator != "tcg" || !strings.Contains(virsh(t, s, "dumpxml", "m"), "<domain type='qemu'") {
		t.Errorf("%+v", m)
	}
}
