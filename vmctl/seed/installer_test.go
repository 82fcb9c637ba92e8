package seed

import (
	"bytes"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"hither/fusion"
	"hither/internal/expect"
)

// hostileKey has in its comment what a shell and an installer would take for more.
const hostileKey = aKey + ` "'; rm -rf / #$(reboot)`

func TestInstallScripts(t *testing.T) {
	seed := fusion.Seed{User: "anna", SSHKeys: []string{hostileKey}, Packages: []string{"vim", "git"}, Locale: "de_DE.UTF-8"}
	expect.OK(t, seed.Check())
	key := strings.Join(strings.Fields(aKey)[:2], " ")
	for _, hash := range []string{"", "$2a$10$abcdefghijklmnopqrstuv"} {
		a := repliesOf("Web_1", "u-1", hash, seed)
		pre := string(expect.Must(preseed(a))(t)["preseed.cfg"])
		kick := string(expect.Must(kickstart(a))(t)["ks.cfg"])
		auto := expect.Must(autoinstall(a))(t)
		for _, text := range []string{pre, kick, string(auto["user-data"])} {
			for _, part := range []string{key, "anna", "web-1", "de_DE.UTF-8", "vim", "qemu-guest-agent", hash} {
				if !strings.Contains(text, part) {
					t.Errorf("%q is not in %s", part, text)
				}
			}
			if strings.Contains(text, "rm -rf") || strings.Contains(text, "<no value>") || strings.Contains(text, "NOPASSWD") != (hash == "") {
				t.Errorf("it is %s", text)
			}
		}
		for line := range strings.Lines(pre) {
			if strings.HasPrefix(line, "d-i ") && len(strings.Fields(line)) < 3 {
				t.Errorf("half a line: %q", line)
			}
		}
		var x autoinstallYAML
		expect.OK(t, yaml.Unmarshal(auto["user-data"], &x))
		if y := x.Autoinstall; y.Identity.Username != "anna" || y.SSH.Password != (hash != "") || y.Shutdown != "poweroff" {
			t.Errorf("%+v", y)
		}
	}
}

// TestInitramfsArchive has what Linux looks for: a magic, sizes, and an end.
func TestInitramfsArchive(t *testing.T) {
	out := Initramfs(map[string][]byte{"preseed.cfg": []byte("d-i x\n")})
	if len(out)%4 != 0 || !bytes.HasPrefix(out, []byte("070701")) || !bytes.Contains(out, []byte("preseed.cfg\x00")) || !bytes.Contains(out, []byte("TRAILER!!!\x00")) {
		t.Errorf("%q", out)
	}
}
