package vmctl

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"hither/fusion"
	"hither/vmctl/process"
)

// private is a libvirtd of the node's own: a session daemon whose XDG
// directories lie in dir, so that it shares nothing with others on the machine.
//
// The daemon is told link, a short symbolic link to dir, because QEMU's sockets
// below it must stay under 108 bytes. It ends by itself two minutes after the
// last connection and the last machine.
type private struct {
	dir  string
	link string
}

// private keeps to the link that a running daemon was told, whatever RunDir is
// now.
func (c Config) private() private {
	p := private{dir: filepath.Join(c.Dir, "libvirt"), link: shortLink(c.RunDir, c.Dir)}
	if told, err := os.ReadFile(filepath.Join(p.dir, "link")); err == nil {
		if to, err := os.Readlink(string(told)); err == nil && to == p.dir {
			p.link = string(told)
		}
	}
	return p
}

func (p private) socket() string  { return p.link + "/r/libvirt/libvirt-sock" }
func (p private) pidFile() string { return p.link + "/libvirtd.pid" }
func (p private) logFile() string { return p.link + "/libvirtd.log" }

// agentSocket is where a machine's guest agent is reached; libvirt's own choice
// would be too long for a socket.
func (p private) agentSocket(uuid string) string { return p.link + "/r/" + head(uuid) + ".agent" }

// usbSocket is where QEMU listens for a device of another computer.
func (p private) usbSocket(name string) string { return p.link + "/r/" + name }

func (p private) uri() string {
	return "qemu+unix:///session?socket=" + url.QueryEscape(p.socket())
}

// ensure gives the URI of the daemon, which it adopts or starts.
func (p private) ensure(ctx context.Context) (string, error) {
	if err := p.prepare(); err != nil {
		return "", &fusion.Error{Op: "machines.private", Path: p.dir, Cause: err,
			Hint: "choose a directory that can be written with --home"}
	}
	if answers(p.socket()) {
		return p.uri(), nil
	}
	p.endDaemon(ctx) // one that no longer listens; its machines go on
	if err := p.start(ctx); err != nil {
		return "", err
	}
	return p.uri(), nil
}

func (p private) prepare() error {
	for _, sub := range []string{"c/libvirt", "r", "cache", "data", "home"} {
		if err := os.MkdirAll(filepath.Join(p.dir, sub), 0o700); err != nil {
			return err
		}
	}
	if err := ensureLink(p.link, p.dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(p.dir, "link"), []byte(p.link), 0o600); err != nil {
		return err
	}
	uuid, err := p.hostUUID()
	if err != nil {
		return err
	}
	conf := fmt.Sprintf("auth_unix_rw = \"none\"\nhost_uuid = %q\nlog_outputs = %q\n", uuid, "3:file:"+p.logFile())
	if err := os.WriteFile(filepath.Join(p.dir, "libvirtd.conf"), []byte(conf), 0o600); err != nil {
		return err
	}
	// No virtlogd: QEMU writes its log files itself.
	return os.WriteFile(filepath.Join(p.dir, "c/libvirt/qemu.conf"), []byte("stdio_handler = \"file\"\n"), 0o600)
}

// hostUUID is the daemon's own identity: two daemons on one computer with the
// same would refuse to migrate to each other.
func (p private) hostUUID() (string, error) {
	path := filepath.Join(p.dir, "host_uuid")
	old, err := os.ReadFile(path)
	if err == nil && len(old) == len(newUUID()) {
		return string(old), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	uuid := newUUID()
	return uuid, os.WriteFile(path, []byte(uuid), 0o600)
}

// start runs libvirtd, which goes into the background in a process session of
// its own once it listens.
func (p private) start(ctx context.Context) error {
	program, err := process.Find("libvirtd")
	if err != nil {
		return &fusion.Error{Op: "machines.private", Cause: fusion.ErrUnsupported,
			Detail: "libvirtd is not here", Hint: InstallHint}
	}
	rotate(filepath.Join(p.dir, "libvirtd.log"))
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--daemon", "--config", p.link+"/libvirtd.conf",
		"--pid-file", p.pidFile(), "--timeout", "120")
	cmd.Env = p.env()
	cmd.Dir = "/"
	cmd.SysProcAttr = process.OwnSession()
	var said strings.Builder
	cmd.Stderr = &said
	cmd.WaitDelay = time.Second // the daemon may keep stderr
	err = cmd.Run()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	if os.Getuid() == 0 && cmd.Process == nil {
		return &fusion.Error{Op: "machines.private", Cause: err,
			Detail: "root needs a user namespace for it", Hint: "run the node as an ordinary user, or allow user namespaces (user.max_user_namespaces)"}
	}
	return &fusion.Error{Op: "machines.private", Path: program, Cause: err,
		Detail: strings.TrimSpace(said.String()), Hint: "see " + filepath.Join(p.dir, "libvirtd.log")}
}

func (p private) env() []string {
	return []string{
		"PATH=" + process.SearchPath(), "LANG=C.UTF-8",
		"HOME=" + p.link + "/home",
		"XDG_CONFIG_HOME=" + p.link + "/c",
		"XDG_RUNTIME_DIR=" + p.link + "/r",
		"XDG_CACHE_HOME=" + p.link + "/cache",
		"XDG_DATA_HOME=" + p.link + "/data",
	}
}

// rotate keeps a log that grew beyond 4 MiB as .old; the daemon only appends.
func rotate(path string) {
	if info, err := os.Stat(path); err == nil && info.Size() > 4<<20 {
		_ = os.Rename(path, path+".old") // a long log is no reason to fail
	}
}
