package invite

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"hither/fusion"
)

func TestAServersAddress(t *testing.T) {
	for text, want := range map[string]place{
		"ssh://anna@nas.example":       {"anna", "nas.example", "22"},
		"ssh://anna@nas.example:2222/": {"anna", "nas.example", "2222"},
		"ssh://root@[2001:db8::7]:22":  {"root", "2001:db8::7", "22"},
		"ssh://a%20b;id@nas":           {"a b;id", "nas", "22"}, // a name is no word of a shell
	} {
		if got, err := parse(opAdd, text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "nas", "anna@nas", "http://nas", "ssh://", "ssh://anna:secret@nas", "ssh://anna@nas/path", "ssh://anna@nas?x", "ssh://anna@nas:0",
		"ssh://anna@nas:70000", "ssh://anna@-oProxyCommand=id", "ssh://an%0ana@nas", "ssh://anna@na%20s", "ssh://@nas"} {
		if got, err := parse(opAdd, text); !errors.Is(err, fusion.ErrInvalid) || fusion.Hint(err) == "" {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestWhatIsAddedIsChecked(t *testing.T) {
	for _, s := range []Spec{{Name: "a b"}, {Name: "$(id)"}, {Name: "-x"}, {Listen: "4711"}, {Listen: "0.0.0.0:0"}, {Listen: "$(id):4711"}, {Listen: "a b:4711"},
		{Listen: "%h:4711"}, {Deb: "a", Binary: "b"}} {
		if err := s.check(); !errors.Is(err, fusion.ErrInvalid) || fusion.Hint(err) == "" {
			t.Errorf("%+v: %v", s, err)
		}
	}
	for _, s := range []Spec{{}, {Name: "nas.home_2~x", Listen: "[::]:4711"}, {Listen: "0.0.0.0:4711"}} {
		if err := s.check(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// key makes a host key.
func key(t *testing.T) ssh.PublicKey {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestNoKeyIsTakenSilently(t *testing.T) {
	dir := t.TempDir()
	mine, accepted := filepath.Join(dir, "known_hosts"), filepath.Join(dir, "accepted")
	known, other := key(t), key(t)
	if err := os.WriteFile(mine, []byte(knownhosts.Line([]string{"nas.example"}, known)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	i := New(Config{Known: []string{mine, filepath.Join(dir, "none")}, Accepted: accepted})
	remote := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 22}
	check := func(host, accept string, shown ssh.PublicKey) (*hostKeys, error) {
		keys, err := i.hostKeys(opAdd, place{"anna", host, "22"}, accept)
		if err != nil {
			t.Fatal(err)
		}
		return keys, keys.check(net.JoinHostPort(host, "22"), remote, shown)
	}
	if keys, err := check("nas.example", "", known); err != nil || len(keys.algorithms) != 1 || keys.algorithms[0] != ssh.KeyAlgoED25519 {
		t.Errorf("a known key: %v, %v", keys.algorithms, err)
	}
	for name, accept := range map[string]string{"nothing": "", "the new key": ssh.FingerprintSHA256(other)} {
		if _, err := check("nas.example", accept, other); !errors.Is(err, fusion.ErrPermission) || !strings.Contains(fusion.Hint(err), mine) {
			t.Errorf("another key than the known one, %s accepted: %v", name, err)
		}
	}
	if keys, err := check("new.example", "", other); !errors.Is(err, fusion.ErrUnpaired) || !keys.unknown || keys.line != "" {
		t.Errorf("an unknown key: %v", err)
	}
	if _, err := check("new.example", ssh.FingerprintSHA256(known), other); !errors.Is(err, fusion.ErrPermission) {
		t.Errorf("another key was accepted: %v", err)
	}
	keys, err := check("new.example", ssh.FingerprintSHA256(other), other)
	if err != nil || keys.remember() != nil {
		t.Fatal(err)
	}
	if _, err := check("new.example", "", other); err != nil {
		t.Errorf("what was accepted is not remembered: %v", err)
	}
	if text, _ := os.ReadFile(mine); strings.Contains(string(text), "new.example") {
		t.Error("the owner's own file was written to")
	}
}

// hear gives what a script is understood to have said.
func hear(said string, heard func(key, text string) error) error {
	return script{op: opAdd, heard: heard}.listen(strings.NewReader(said), make(chan struct{}))
}

func TestWhatAServerSaysIsBounded(t *testing.T) {
	quiet := func(string, string) error { return nil }
	var failed *failure
	if err := hear("Welcome!\nhither:os Linux\nhither:done \n", quiet); err != nil {
		t.Error(err)
	}
	if err := hear("hither:fail room No space left\x1b[2J\nhither:done \n", quiet); !errors.As(err, &failed) || failed.why != "room" || strings.Contains(failed.text, "\x1b") {
		t.Errorf("%q", err)
	}
	for name, said := range map[string]string{"nothing": "", "no last word": "hither:os Linux\n", "a long line": strings.Repeat("x", maxLine+1) + "\nhither:done \n",
		"many lines": strings.Repeat("x\n", maxLines+1) + "hither:done \n"} {
		if err := hear(said, quiet); !errors.Is(err, errCut) {
			t.Errorf("%s: %v", name, err)
		}
	}
	no := errors.New("no")
	if err := hear("{}\nhither:done \n", func(key, _ string) error { return no }); !errors.Is(err, no) {
		t.Error(err)
	}
}

func FuzzStatus(f *testing.F) {
	f.Add(`{"id":"12D3","addrs":["/ip4/10.0.0.1/tcp/4711/p2p/12D3"]}`)
	f.Add(`{"addrs":7}`)
	f.Fuzz(func(t *testing.T, text string) {
		s := readStatus(text)
		if len(s.Addrs) > maxAddrs {
			t.Error("too many addresses")
		}
		for _, addr := range s.Addrs {
			if at := movedTo(addr, net.IPv4(192, 0, 2, 1)); at != "" && !strings.HasPrefix(at, "/ip4/192.0.2.1/tcp/") {
				t.Errorf("%q became %q", addr, at)
			}
		}
	})
}

func TestTheNodeIsSoughtWhereSshGoes(t *testing.T) {
	for addr, want := range map[string]string{
		"/ip4/10.0.0.1/tcp/4711/p2p/12D3": "/ip4/192.0.2.1/tcp/4711/p2p/12D3",
		"/ip6/::1/tcp/4711/p2p/12D3":      "/ip4/192.0.2.1/tcp/4711/p2p/12D3",
		"/ip4/10.0.0.1/udp/4711/quic-v1":  "",
		"/dns4/nas/tcp/1/p2p/12D3":        "",
		"":                                "",
	} {
		if got := movedTo(addr, net.IPv4(192, 0, 2, 1)); got != want {
			t.Errorf("%q: %q, want %q", addr, got, want)
		}
	}
}

func TestReleases(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"0.1.0", "0.2.0", true}, {"0.10.0", "0.9.0", false}, {"0.1.0", "0.1.0", false}, {"dev", "0.1.0", false}, {"0.1.0", "dev", false}, {"", "", false}} {
		if got := older(c.a, c.b); got != c.want {
			t.Errorf("older(%q, %q) is %v", c.a, c.b, got)
		}
	}
}

// TestEveryFailureHasItsWords reads the scripts.
func TestEveryFailureHasItsWords(t *testing.T) {
	all := commonScript + lookScript + addScript + leaveScript
	used := regexp.MustCompile(`\bfail ([a-z]+)`).FindAllStringSubmatch(all, -1)
	if len(used) < 20 {
		t.Fatalf("only %d", len(used))
	}
	for _, m := range used {
		if m[1] == "ends" { // of a comment
			continue
		}
		if r, ok := reasons[m[1]]; m[1] != "other" && (!ok || r.hint == "") {
			t.Errorf("fail %s has no words", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^\s*say step ([a-z]+)`).FindAllStringSubmatch(all, -1) {
		if steps[m[1]].Step == "" {
			t.Errorf("step %s has no words", m[1])
		}
	}
	if strings.Contains(all, "\n"+endMark+"\n") {
		t.Error("a script ends itself early")
	}
	if inside := strings.Trim(strings.TrimPrefix(bootstrap, "exec /bin/sh -c "), "'"); strings.ContainsAny(inside, "'!") || strings.Contains(inside, `\\`) {
		t.Error("a login shell may read the command line in its own way")
	}
}

func TestATextIsOneLine(t *testing.T) {
	err := script{op: opAdd, values: []string{"a\nb"}}.run(context.Background(), nil)
	if !errors.Is(err, fusion.ErrInvalid) {
		t.Error(err)
	}
}
