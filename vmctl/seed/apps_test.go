package seed

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"hither/fusion"
	"hither/internal/expect"
)

// standIns are programs in place of a guest's; each notes how it was called.
func standIns(t *testing.T, notes string) (path string) {
	t.Helper()
	dir := t.TempDir()
	for name, body := range map[string]string{
		"apt-get":   `case "$*" in *" install firefox-esr" | *" install gimp" ) exit 100 ;; esac`,
		"systemctl": "",
		"getent":    `printf 'root:x:0:0::/root:/bin/sh\ndebian:x:1000:1000::/home/debian:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n'`,
	} {
		text := fmt.Sprintf("#!/bin/sh\necho %s \"$@\" >>'%s'\n%s\n", name, notes, body)
		expect.OK(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
	}
	return dir + ":/usr/bin:/bin"
}

// TestScriptOfApps runs the script as a guest does, on programs that only take notes.
func TestScriptOfApps(t *testing.T) {
	dir := t.TempDir()
	notes, state, settings := filepath.Join(dir, "notes"), filepath.Join(dir, "lib", "apps"), filepath.Join(dir, "lightdm.conf.d")
	path := standIns(t, notes)
	run := func(user string, apps ...string) (called string) {
		t.Helper()
		cmd := exec.Command("/bin/sh", append([]string{"-c", appsText, "sh", state, settings, user}, apps...)...)
		cmd.Env = []string{"PATH=" + path}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		text, err := os.ReadFile(notes)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		_ = os.Remove(notes) // it may be missing
		return string(text)
	}
	called := run("", "firefox", "xterm")
	said := strings.TrimSpace(string(expect.Must(os.ReadFile(state))(t)))
	conf := string(expect.Must(os.ReadFile(filepath.Join(settings, "50-hither.conf")))(t))
	if said != "ready" || !strings.Contains(conf, "autologin-user=debian\n") {
		t.Errorf("it is %q, and\n%s", said, conf)
	}
	at := -1
	for _, step := range []string{"apt-get -o Acquire::Retries=3 update", "install qemu-guest-agent", "systemctl enable --now qemu-guest-agent",
		"lightdm openbox", "install firefox-esr", "install firefox\n", "install xterm\n", "systemctl restart lightdm"} {
		if i := strings.Index(called, step); i <= at {
			t.Errorf("%q is not in its place in\n%s", step, called)
		} else {
			at = i
		}
	}
	if again := run("", "firefox"); again != "" {
		t.Errorf("at the next start it did\n%s", again)
	}
	// It was cut off, and one does not come.
	expect.OK(t, os.WriteFile(state, []byte("installing\n"), 0o600))
	run("anna", "gimp", "xterm")
	said = strings.TrimSpace(string(expect.Must(os.ReadFile(state))(t)))
	conf = string(expect.Must(os.ReadFile(filepath.Join(settings, "50-hither.conf")))(t))
	if said != "failed gimp" || !strings.Contains(conf, "autologin-user=anna\n") {
		t.Errorf("it is %q, and\n%s", said, conf)
	}
}

// TestSeedOfApps: what cloud-init is told installs the agent and runs the script at each start.
func TestSeedOfApps(t *testing.T) {
	seed := fusion.Seed{User: "anna", Packages: []string{"vim"}, Apps: []string{"firefox", "gimp"}}
	expect.OK(t, seed.Check())
	files := expect.Must(Files("web", "u-1", "52:54:00:00:00:01", seed))(t)
	var user userData
	expect.OK(t, yaml.Unmarshal(files["user-data"], &user))
	if !slices.Equal(user.Packages, []string{agentName, "vim"}) || !user.Update || len(user.Files) != 2 {
		t.Fatalf("%+v of\n%s", user, files["user-data"])
	}
	script, start := user.Files[0], user.Files[1]
	if script.Path != appsScript || script.Content != appsText || script.Permissions != "0755" || start.Path != appsPerBoot || start.Permissions != "0755" {
		t.Errorf("%s", files["user-data"])
	}
	if want := "#!/bin/sh\nexec /bin/sh " + appsScript + " " + AppsFile + " " + lightdmDir + " 'anna' firefox gimp\n"; start.Content != want {
		t.Errorf("at each start %q", start.Content)
	}
}
