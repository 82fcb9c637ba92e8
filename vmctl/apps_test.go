package vmctl

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"hither/fusion"
)

// TestSeedOfApps: what cloud-init is told installs the agent and runs the script at each start.
func TestSeedOfApps(t *testing.T) {
	seed := fusion.Seed{User: "anna", Packages: []string{"vim"}, Apps: []string{"firefox", "gimp"}}
	ok(t, seed.Check())
	files := must(seedFiles("web", "u-1", "52:54:00:00:00:01", seed))(t)
	var user userData
	ok(t, yaml.Unmarshal(files["user-data"], &user))
	if !slices.Equal(user.Packages, []string{agentName, "vim"}) || !user.Update || len(user.Files) != 2 {
		t.Fatalf("%+v of\n%s", user, files["user-data"])
	}
	script, start := user.Files[0], user.Files[1]
	if script.Path != appsScript || script.Content != seedApps || script.Permissions != "0755" || start.Path != appsPerBoot || start.Permissions != "0755" {
		t.Errorf("%s", files["user-data"])
	}
	if want := "#!/bin/sh\nexec /bin/sh " + appsScript + " " + appsState + " " + lightdmDir + " 'anna' firefox gimp\n"; start.Content != want {
		t.Errorf("at each start %q", start.Content)
	}
	for _, bad := range []string{"", "a b", "$(reboot)", "-x", "a;b", "../a", "a\nb", strings.Repeat("x", 200)} {
		refused(t, fusion.Seed{Apps: []string{bad}}.Check(), fusion.ErrInvalid)
	}
	refused(t, fusion.Seed{Apps: make([]string, fusion.MostApps+1)}.Check(), fusion.ErrInvalid)
	s := store(t, newFake())
	_, err := s.Create(t.Context(), fusion.MachineSpec{Name: "web", Seed: &seed})
	refused(t, err, fusion.ErrInvalid)
}

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
		ok(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
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
		cmd := exec.Command("/bin/sh", append([]string{"-c", seedApps, "sh", state, settings, user}, apps...)...)
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
	said := strings.TrimSpace(string(must(os.ReadFile(state))(t)))
	conf := string(must(os.ReadFile(filepath.Join(settings, "50-hither.conf")))(t))
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
	ok(t, os.WriteFile(state, []byte("installing\n"), 0o600))
	run("anna", "gimp", "xterm")
	said = strings.TrimSpace(string(must(os.ReadFile(state))(t)))
	conf = string(must(os.ReadFile(filepath.Join(settings, "50-hither.conf")))(t))
	if said != "failed gimp" || !strings.Contains(conf, "autologin-user=anna\n") {
		t.Errorf("it is %q, and\n%s", said, conf)
	}
}

// teller is a guest whose agent says what its file of apps holds.
type teller struct {
	mu   sync.Mutex // guards the fields below
	says string     // "" is a guest without an agent
	read int
}

func (g *teller) tell(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.says, g.read = text, 0
}

func (g *teller) answer(command string) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.says == "":
		return "", &driverError{fusion.ErrUnsupported, "no agent"}
	case strings.Contains(command, "guest-exec-status"):
		g.read++
		return fmt.Sprintf(`{"return": {"exited": true, "exitcode": 0, "out-data": %q}}`, base64.StdEncoding.EncodeToString([]byte(g.says))), nil
	}
	return `{"return": {"pid": 1}}`, nil
}

// installs makes a machine whose first start installs apps.
func installs(t *testing.T, g *teller) (*Store, *fake) {
	t.Helper()
	f := newFake()
	f.guest = g
	s := storeOf(t, f, Config{Dir: t.TempDir(), appsPause: time.Millisecond})
	knowsKVM(s, false)
	ok(t, os.WriteFile(filepath.Join(s.config.pool(), "debian.img"), make([]byte, 1<<20), 0o600))
	must(s.Create(t.Context(), fusion.MachineSpec{Name: "web", MemoryBytes: 64 << 20, Image: "debian.img", Seed: &fusion.Seed{Apps: []string{"firefox", "gimp"}}}))(t)
	return s, f
}

func TestAppsAreInstalled(t *testing.T) {
	g := &teller{}
	s, _ := installs(t, g)
	note := func() string { return must(s.Get(t.Context(), "web"))(t).Note }
	if n := note(); n != "its apps are installed when it starts: firefox, gimp" {
		t.Errorf("the note is %q", n)
	}
	ok(t, s.Do(t.Context(), "web", fusion.Start))
	if m := must(s.Get(t.Context(), "web"))(t); m.Note != "its apps are being installed: firefox, gimp" || !slices.Equal(m.Installing, []string{"firefox", "gimp"}) {
		t.Errorf("%+v", m)
	}
	for _, text := range []string{"installing\n", "nonsense", " ", "\x1b[2J"} {
		g.tell(text)
		eventually(t, "it was asked again", func() bool { g.mu.Lock(); defer g.mu.Unlock(); return g.read > 1 })
	}
	if m := must(s.Get(t.Context(), "web"))(t); len(m.Installing) != 2 {
		t.Errorf("%+v", m)
	}
	g.tell("ready\n")
	eventually(t, "they are there", func() bool { m := must(s.Get(t.Context(), "web"))(t); return len(m.Installing) == 0 })
	if n := note(); strings.Contains(n, "apps") {
		t.Errorf("the note is %q", n)
	}
}

func TestAppsThatDoNotCome(t *testing.T) {
	g := &teller{}
	s, _ := installs(t, g)
	ok(t, s.Do(t.Context(), "web", fusion.Start))
	g.tell("failed gimp <evil> $(x)\n")
	eventually(t, "it says so", func() bool {
		return strings.HasPrefix(must(s.Get(t.Context(), "web"))(t).Note, "these did not install: gimp;")
	})
	if m := must(s.Get(t.Context(), "web"))(t); len(m.Installing) != 0 {
		t.Errorf("%+v", m)
	}
}
