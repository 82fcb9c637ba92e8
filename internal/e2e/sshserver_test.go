//go:build e2e

package e2e

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// server is a computer as ssh shows it: a real sshd in a mount namespace of its own, where
// its users have homes of the test's, and crontabs and /run are its own. Its network is this
// computer's loopback.
type server struct {
	t    *testing.T
	dir  string
	user string
	port int
	// nodePort is one that its node may have.
	nodePort int
	cmd      *exec.Cmd
	// id is the private key that its user takes.
	id string
	// homeSize is what mount says of the size of the user's home, as in "30m".
	homeSize string
	// systemd says that its commands are there; see systemdScript.
	systemd bool
}

// serverScript makes the namespace: $1 is the test's directory, $2 the home's size.
const serverScript = `set -eu
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd
mkdir -p /var/spool/cron/crontabs
mount -t tmpfs -o mode=1730,gid="$(stat -c %g /var/spool/cron/crontabs)" tmpfs /var/spool/cron/crontabs
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/shadow" /etc/shadow
mount -t tmpfs -o "size=$2,mode=755,uid=$3" tmpfs "$1/home"
mount --bind "$1/bin" /usr/local/bin
mount -t tmpfs tmpfs /etc/systemd/system
if [ "$4" = true ]; then
  mkdir -p /run/systemd/system /run/user/"$3"
  chown "$3" /run/user/"$3"
fi
exec /usr/sbin/sshd -D -e -f "$1/sshd_config"`

// systemdScript stands for systemctl and loginctl: what of them add.sh and leave.sh use. There is no
// systemd on the machines at hand. A unit that is enabled now is started, and one that is
// disabled now is asked to end; each call is noted.
const systemdScript = `#!/bin/sh
echo "$(basename "$0") $*" >>/run/user/"$(id -u)"/calls
dir=/etc/systemd/system on=/etc/systemd/system/multi-user.target.wants
if [ "$1" = --user ]; then
  shift
  dir=$HOME/.config/systemd/user on=$HOME/.config/systemd/user/default.target.wants
fi
case $1 in
  show-environment) [ -d "$XDG_RUNTIME_DIR" ] ;;
  is-active) "$(command -v "$HOME/.local/bin/hither" || echo /usr/local/bin/hither)" status >/dev/null 2>&1 ;;
  is-failed) false ;;
  is-enabled) [ -L "$on/$2" ] || [ -L "$on/$2.service" ] ;;
  enable)
    [ "$2" = --now ] || exit 2
    unit=${3%@*}
    [ "$unit" = "$3" ] || unit=$unit@
    mkdir -p "$on"
    ln -s "$dir/$unit.service" "$on/$3.service"
    start=$(sed -n 's/^ExecStart=//p' "$dir/$unit.service" | sed "s|%h|$HOME|")
    setsid $start </dev/null >/dev/null 2>&1 & ;;
  restart) echo "no restart here" >&2; exit 1 ;;
  disable) name=$2; [ "$2" = --now ] && name=$3; rm -f "$on/$name.service"; rmdir "$on" 2>/dev/null || : ;;
esac
`

// newServer starts an sshd whose user is as, or root.
func newServer(t *testing.T, as *account, homeSize string, options ...func(*server)) *server {
	t.Helper()
	for _, program := range []string{"/usr/sbin/sshd", "/usr/bin/crontab"} {
		if _, err := os.Stat(program); err != nil {
			t.Fatalf("%v; install it with: build/deps.sh test", err)
		}
	}
	s := &server{t: t, dir: tempDir(t, nil), user: "root", homeSize: homeSize}
	if as != nil {
		s.user = as.name
	}
	for _, set := range options {
		set(s)
	}
	s.must(os.Chmod(s.dir, 0o755))
	s.must(os.Mkdir(filepath.Join(s.dir, "bin"), 0o755))
	if s.systemd {
		for _, name := range []string{"systemctl", "loginctl"} {
			s.must(os.WriteFile(filepath.Join(s.dir, "bin", name), []byte(systemdScript), 0o755))
		}
	}
	s.must(os.Mkdir(s.home(), 0o755))
	s.id = filepath.Join(s.dir, "id")
	s.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", s.id)
	s.newHostKey()
	s.port, s.nodePort = freePort(t), freePort(t)
	s.accounts()
	s.write("sshd_config", fmt.Sprintf(`ListenAddress 127.0.0.1:%d
HostKey %s
AuthorizedKeysFile %s.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
PermitRootLogin prohibit-password
AcceptEnv none
`, s.port, filepath.Join(s.dir, "hostkey"), s.id))
	s.start()
	t.Cleanup(s.stop)
	return s
}

// freePort gives a port of the loopback that nobody had a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().(*net.TCPAddr).Port
}

// listen is where its node may listen.
func (s *server) listen() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.nodePort)) }

func (s *server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) run(name string, args ...string) string {
	s.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v: %s", name, err, out)
	}
	return string(out)
}

func (s *server) write(name, text string) {
	s.t.Helper()
	s.must(os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644))
}

// accounts writes passwd and shadow in which the user has this home and may log in by key.
func (s *server) accounts() {
	s.t.Helper()
	for _, name := range []string{"passwd", "shadow"} {
		text, err := os.ReadFile("/etc/" + name)
		s.must(err)
		lines := strings.Split(string(text), "\n")
		for i, line := range lines {
			if f := strings.Split(line, ":"); f[0] == s.user && name == "passwd" {
				f[5], f[6] = s.home(), "/bin/bash"
				lines[i] = strings.Join(f, ":")
			} else if f[0] == s.user {
				f[1] = "*" // "!" is an account that is locked
				lines[i] = strings.Join(f, ":")
			}
		}
		s.write(name, strings.Join(lines, "\n"))
	}
	s.must(os.Chmod(filepath.Join(s.dir, "shadow"), 0o600))
}

func (s *server) home() string { return filepath.Join(s.dir, "home") }

func (s *server) url() string { return fmt.Sprintf("ssh://%s@127.0.0.1:%d", s.user, s.port) }

func (s *server) newHostKey() {
	s.t.Helper()
	key := filepath.Join(s.dir, "hostkey")
	for _, file := range []string{key, key + ".pub"} {
		if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
			s.t.Fatal(err)
		}
	}
	s.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
}

func (s *server) fingerprint() string {
	s.t.Helper()
	return strings.Fields(s.run("ssh-keygen", "-lf", filepath.Join(s.dir, "hostkey.pub")))[1]
}

func (s *server) start() {
	s.t.Helper()
	uid := "0"
	if s.user != "root" {
		uid = strings.TrimSpace(s.run("id", "-u", s.user))
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "sshd.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	s.must(err)
	defer log.Close()
	s.cmd = exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", serverScript, "sh", s.dir, s.homeSize, uid, strconv.FormatBool(s.systemd))
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.must(s.cmd.Start())
	until(s.t, "sshd answers", func() bool {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}

// stop ends sshd and all that runs in its namespace.
func (s *server) stop() {
	for _, pid := range s.processes() {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
	}
	_ = s.cmd.Wait() // killed
	until(s.t, "all of the server ended", func() bool { return len(s.processes()) == 0 })
	if s.t.Failed() {
		log, err := os.ReadFile(filepath.Join(s.dir, "sshd.log"))
		s.t.Logf("sshd's log (%v):\n%s", err, tail(log, 4000))
	}
}

// processes are those of the namespace, sshd among them.
func (s *server) processes() (pids []int) {
	entries, _ := filepath.Glob("/proc/[0-9]*/mountinfo")
	for _, entry := range entries {
		text, err := os.ReadFile(entry)
		if err == nil && strings.Contains(string(text), " "+s.home()+" ") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(entry)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// programs are the names of those processes that are not sshd's.
func (s *server) programs() (names []string) {
	for _, pid := range s.processes() {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if name, _, _ := strings.Cut(string(line), "\x00"); name != "" && !strings.Contains(name, "sshd") && !libvirts(name) {
			names = append(names, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return names
}

// at is a path of the namespace as it is seen from here.
func (s *server) at(path string) string {
	return fmt.Sprintf("/proc/%d/root%s", s.cmd.Process.Pid, path)
}

// libvirts says that a file or program is libvirt's own: its daemon of a session makes them,
// and ends itself after two minutes.
func libvirts(path string) bool {
	return strings.Contains(path, "/.config/libvirt") || strings.Contains(path, "/.cache/libvirt") || strings.HasSuffix(path, "/.cache") || strings.HasSuffix(path, "/.config") || strings.HasSuffix(path, "/libvirtd")
}

// files are all below the user's home and in its crontab's place, with their sizes.
func (s *server) files() (files []string) {
	s.t.Helper()
	for _, root := range []string{s.home(), "/var/spool/cron/crontabs", "/etc/systemd/system", "/usr/local/bin"} {
		err := filepath.WalkDir(s.at(root), func(path string, d fs.DirEntry, err error) error {
			if err == nil && path != s.at(root) && !libvirts(path) {
				files = append(files, strings.TrimPrefix(path, s.at("")))
			}
			return nil // what went meanwhile
		})
		s.must(err)
	}
	slices.Sort(files)
	return files
}

// cut ends the sessions of ssh as a broken network does, and leaves sshd.
func (s *server) cut() {
	s.t.Helper()
	for _, pid := range s.processes() {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if pid != s.cmd.Process.Pid && strings.HasPrefix(string(line), "sshd") {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
	}
}
