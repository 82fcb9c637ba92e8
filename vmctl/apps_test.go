package vmctl

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hither/fusion"
)

func TestAppsAreRefused(t *testing.T) {
	for _, bad := range []string{"", "a b", "$(reboot)", "-x", "a;b", "../a", "a\nb", strings.Repeat("x", 200)} {
		refused(t, fusion.Seed{Apps: []string{bad}}.Check(), fusion.ErrInvalid)
	}
	refused(t, fusion.Seed{Apps: make([]string, fusion.MostApps+1)}.Check(), fusion.ErrInvalid)
	s := store(t, newFake())
	_, err := s.Create(t.Context(), fusion.MachineSpec{Name: "web", Seed: &fusion.Seed{User: "anna", Apps: []string{"firefox"}}})
	refused(t, err, fusion.ErrInvalid)
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
