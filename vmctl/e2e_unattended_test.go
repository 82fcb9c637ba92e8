//go:build machines && e2e && linux

package vmctl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
	"hither/vmctl/seed"
)

// TestDebianInstallsByItself starts the real installer with the script in its initramfs,
// and follows it past its first questions to where it needs the network that is not here.
func TestDebianInstallsByItself(t *testing.T) {
	found := must(filepath.Glob("/usr/lib/debian-installer/images/*/amd64/text/debian-installer/amd64/linux"))(t)
	if len(found) == 0 {
		t.Fatal("there is no installer: build/deps.sh test installs debian-installer-12-netboot-amd64")
	}
	first, config := stage(t, "private")
	closeStore(t, first)
	config.installArgs = "console=ttyS0 DEBIAN_FRONTEND=text DEBCONF_DEBUG=5"
	s := open(t, config)
	installCD(t, s, "debian.iso", seed.Installers[0].Kernel, seed.Installers[0].Initrd,
		must(os.ReadFile(found[0]))(t), must(os.ReadFile(filepath.Join(filepath.Dir(found[0]), "initrd.gz")))(t))
	spec := fusion.MachineSpec{Name: "web", ISO: "debian.iso", DiskBytes: 2 << 30, MemoryBytes: 800 << 20, Unattended: true, Start: true,
		Seed: &fusion.Seed{User: "anna", SSHKeys: []string{someKey}, Hostname: "web-1"}}
	must(s.Create(t.Context(), spec))(t)
	_, next := dumps(t, s, "web")
	hasText(t, next, "<kernel>", false)
	hasText(t, next, "<on_reboot>destroy", false)
	if files := poolFiles(t, s); len(files) != 2 {
		t.Errorf("the pool has %v", files)
	}
	said := serialSays(t, s, "web", "mirror")
	for _, question := range []string{"Choose language", "Select a language", "Country, territory", "Keymap to use", "Please enter the hostname"} {
		if strings.Contains(said, question) {
			t.Errorf("it asks: %q", question)
		}
	}
	t.Log(said[max(0, len(said)-2000):])
}
