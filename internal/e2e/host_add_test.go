//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAddAServer tells the story of a server: added, used, added again, taken off.
func TestAddAServer(t *testing.T) {
	for _, as := range []*account{nil, ordinaryUser(t)} {
		name := "root"
		if as != nil {
			name = "ordinary user"
		}
		t.Run(name, func(t *testing.T) {
			s := newServer(t, as, "500m")
			before := s.files()
			near := newNode(t, "laptop", nil)
			near.start()
			add := func(more ...string) []string {
				return append([]string{"host", "add", s.url(), "--key", s.id, "--name", "cloud", "--listen", s.listen()}, more...)
			}
			near.refused(2, s.fingerprint(), add()...) // nobody is there to be asked
			near.refused(4, "another one was accepted", add("--accept-key", "SHA256:AAAAC3NzaC1lZDI1NTE5AAAAIMeJwwV0kZ0")...)
			if got := s.files(); !slices.Equal(got, before) {
				t.Fatalf("a server that was not trusted has files: %v", got)
			}
			began := time.Now()
			t.Logf("%s", near.hither(add("--accept-key", s.fingerprint())...))
			t.Logf("added in %v", time.Since(began).Round(time.Millisecond))
			if log := near.hither("audit"); !strings.Contains(log, "InviteService/Add "+s.url()) {
				t.Errorf("the audit log has no word of it:\n%s", log)
			}
			began = time.Now()
			if out := near.hither("machine", "ls", "cloud", "--json"); !strings.Contains(out, `"cloud/self"`) {
				t.Errorf("its machines: %s", out)
			}
			t.Logf("its first answer after %v", time.Since(began).Round(time.Millisecond))
			if files := strings.Join(s.files(), "\n"); !strings.Contains(files, "/.local/bin/hither") || !strings.Contains(files, "crontabs/"+s.user) {
				t.Errorf("it has: %s", files)
			}
			table, err := os.ReadFile(s.at("/var/spool/cron/crontabs/" + s.user))
			if err != nil || !strings.Contains(string(table), `@reboot exec "$HOME/.local/bin/hither" up --name cloud --listen `+s.listen()+` >/dev/null`) {
				t.Errorf("its crontab: %v %s", err, table)
			}

			out := near.hither(add("--json")...) // its key is remembered
			var again struct{ Before, Upgraded bool }
			if err := json.Unmarshal([]byte(out), &again); err != nil || !again.Before || again.Upgraded {
				t.Errorf("added again: %v %s", err, out)
			}
			if out := near.hither(add("--upgrade")...); strings.Contains(out, "replaced") {
				t.Errorf("the same program was replaced: %s", out)
			}
			// Another build takes its place, and the node goes on with its pairing.
			other := filepath.Join(s.dir, "other")
			program, err := os.ReadFile(binary(t, "hither"))
			s.must(err)
			s.must(os.WriteFile(other, append(program, 0), 0o755))
			if out := near.hither(add("--upgrade", "--binary", other)...); !strings.Contains(out, "replaced") {
				t.Errorf("another program was not taken: %s", out)
			}
			until(t, "it is online again", func() bool {
				_, _, code := near.try("machine", "ls", "cloud")
				return code == 0
			})
			if files := strings.Join(s.files(), "\n"); strings.Contains(files, "hither.old") || strings.Contains(files, "/.hither.") {
				t.Errorf("left of the upgrade: %s", files)
			}

			near.refused(2, "--yes", "host", "leave", s.url(), "--key", s.id)
			t.Logf("%s", near.hither("host", "forget", "cloud", "--uninstall", s.url(), "--key", s.id, "--yes"))
			near.refused(3, "cloud", "host", "show", "cloud")
			left := slices.DeleteFunc(s.files(), func(f string) bool {
				return strings.HasPrefix(f, s.home()+"/.local/share/hither")
			})
			for _, f := range left {
				if !slices.Contains(before, f) && f != s.home()+"/.local" && f != s.home()+"/.local/share" {
					t.Errorf("taken off, and this is left: %s", f)
				}
			}
			until(t, "all its programs ended", func() bool { return len(s.programs()) == 0 })
			near.hither("host", "leave", s.url(), "--key", s.id, "--yes") // nothing is there any more

			s.stop()
			s.newHostKey()
			s.start()
			near.refused(4, "not the one that is known", add()...)
			near.refused(4, "not the one that is known", add("--accept-key", s.fingerprint())...)
		})
	}
}

// TestAddAServerWithSystemd uses the commands of systemd as add.sh and leave.sh do.
func TestAddAServerWithSystemd(t *testing.T) {
	for name, c := range map[string]struct {
		as    *account
		flags []string
		start string
		files []string // that it must have
		calls []string // of systemd
	}{
		"its user's": {ordinaryUser(t), nil, "systemd-user", []string{"/.local/bin/hither", "/.config/systemd/user/hither.service"},
			[]string{"loginctl --no-ask-password enable-linger", "systemctl --user enable --now hither"}},
		"the system's": {nil, []string{"--system"}, "systemd", []string{"/usr/local/bin/hither", "/etc/systemd/system/hither@.service"},
			[]string{"systemctl daemon-reload", "systemctl enable --now hither@root"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, c.as, "500m", func(s *server) { s.systemd = true })
			before := s.files()
			near := newNode(t, "laptop", nil)
			near.start()
			flags := append([]string{"host", "add", s.url(), "--key", s.id, "--name", "cloud", "--listen", s.listen(), "--accept-key", s.fingerprint()}, c.flags...)
			if start := field[string](near, "start", append(flags, "--json")...); start != c.start {
				t.Errorf("it is started by %q, want %q", start, c.start)
			}
			files := strings.Join(s.files(), "\n")
			for _, f := range c.files {
				if !strings.Contains(files, f) {
					t.Errorf("%s is missing: %s", f, files)
				}
			}
			uid := "0"
			if c.as != nil {
				uid = strconv.Itoa(c.as.uid)
			}
			calls, err := os.ReadFile(s.at("/run/user/" + uid + "/calls"))
			for _, want := range c.calls {
				if err != nil || !strings.Contains(string(calls), want) {
					t.Errorf("%q was not called: %v %s", want, err, calls)
				}
			}
			near.hither("host", "leave", s.url(), "--key", s.id, "--yes")
			left := slices.DeleteFunc(s.files(), func(f string) bool {
				return strings.HasPrefix(f, s.home()+"/.local/share/hither") || f == s.home()+"/.local" || f == s.home()+"/.local/share"
			})
			if !slices.Equal(left, before) {
				t.Errorf("taken off, and this is left: %v", left)
			}
			until(t, "all its programs ended", func() bool { return len(s.programs()) == 0 })
		})
	}
}

// TestAddAServerLeavesNothingHalfMade breaks what can break.
func TestAddAServerLeavesNothingHalfMade(t *testing.T) {
	as := ordinaryUser(t)
	near := newNode(t, "laptop", nil)
	near.start()
	clean := func(t *testing.T, s *server, before []string) {
		t.Helper()
		defer func() {
			if t.Failed() {
				t.Logf("it has %v and runs %v", s.files(), s.programs())
			}
		}()
		until(t, "the server is as before", func() bool { return slices.Equal(s.files(), before) && len(s.programs()) == 0 })
		if out := near.hither("host", "ls", "--json"); strings.Contains(out, "cloud") {
			t.Errorf("it is paired: %s", out)
		}
	}
	t.Run("full disk", func(t *testing.T) {
		s := newServer(t, as, "20m")
		before := s.files()
		near.refused(4, "No space left", "host", "add", s.url(), "--key", s.id, "--name", "cloud", "--accept-key", s.fingerprint())
		clean(t, s, before)
	})
	t.Run("no such key", func(t *testing.T) {
		s := newServer(t, as, "20m")
		other := filepath.Join(s.dir, "other")
		s.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other)
		near.refused(4, "takes none of your keys", "host", "add", s.url(), "--key", other, "--accept-key", s.fingerprint())
		near.refused(1, "no systemd", "host", "add", s.url(), "--key", s.id, "--system", "--accept-key", s.fingerprint())
	})
	t.Run("its port is another program's", func(t *testing.T) {
		s := newServer(t, as, "500m")
		before := s.files()
		s.nodePort = s.port
		near.refused(5, "its node does not start", "host", "add", s.url(), "--key", s.id, "--name", "cloud", "--listen", s.listen(), "--accept-key", s.fingerprint())
		clean(t, s, before)
	})
	// The moments at which the connection is cut, or the person gives up: each is over once
	// the next thing is there.
	arriving := func(s *server) bool {
		found, _ := filepath.Glob(s.at(s.home() + "/.local/bin/.hither.*"))
		for _, f := range found {
			if info, err := os.Stat(f); err == nil && info.Size() > 1<<20 {
				return true
			}
		}
		return false
	}
	starting := func(s *server) bool {
		_, err := os.Stat(s.at(s.home() + "/.local/share/hither/lock"))
		return err == nil
	}
	for name, moment := range map[string]func(*server) bool{"while it copies": arriving, "while it starts": starting} {
		for how, end := range map[string]func(*server, *exec.Cmd) error{
			"cut":      func(s *server, _ *exec.Cmd) error { s.cut(); return nil },
			"given up": func(_ *server, cmd *exec.Cmd) error { return cmd.Process.Signal(syscall.SIGINT) },
		} {
			t.Run(how+" "+name, func(t *testing.T) {
				s := newServer(t, as, "500m")
				before := s.files()
				cmd := near.command("host", "add", s.url(), "--key", s.id, "--name", "cloud", "--listen", s.listen(), "--accept-key", s.fingerprint())
				var says bytes.Buffer
				cmd.Stdout, cmd.Stderr = &says, &says
				s.must(cmd.Start())
				ended := make(chan error, 1)
				go func() { ended <- cmd.Wait() }()
				deadline := time.Now().Add(patience)
				for !moment(s) && time.Now().Before(deadline) {
					time.Sleep(time.Millisecond)
				}
				s.must(end(s, cmd))
				if err := <-ended; err == nil {
					t.Errorf("it says that it was added: %s", &says)
				}
				t.Logf("it says: %s", &says)
				clean(t, s, before)
			})
		}
	}
}
