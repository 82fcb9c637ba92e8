// Package private runs a libvirtd of the node's own, as an ordinary user's, and ends it with
// its QEMUs. It trusts nobody but the user that the node runs as.
package private

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

// Daemon is a libvirtd of the node's own: a session daemon whose XDG
// directories lie in Dir, so that it shares nothing with others on the machine.
//
// The daemon is told Link, a short symbolic link to Dir, because QEMU's sockets
// below it must stay under 108 bytes. It ends by itself two minutes after the
// last connection and the last machine.
type Daemon struct {
	Dir         string // of all that it has
	Link        string // a short link to dir
	newUUID     func() string
	installHint string
}

// startTime bounds the start of a daemon.
const startTime = 60 * time.Second

// New is the daemon of a node that keeps its files in dir, and its sockets below
// runDir. installHint is what a person does on a host without libvirt. It keeps to the link
// that a running daemon was told, whatever runDir is now.
func New(dir, runDir string, newUUID func() string, installHint string) Daemon {
	p := Daemon{Dir: filepath.Join(dir, "libvirt"), Link: shortLink(runDir, dir), newUUID: newUUID, installHint: installHint}
	if told, err := os.ReadFile(filepath.Join(p.Dir, "link")); err == nil {
		if to, err := os.Readlink(string(told)); err == nil && to == p.Dir {
			p.Link = string(told)
		}
	}
	return p
}

func (p Daemon) socket() string { return p.Link + "/r/libvirt/libvirt-sock" }

// PIDFile is where the daemon writes which process it is.
func (p Daemon) PIDFile() string { return p.Link + "/libvirtd.pid" }
func (p Daemon) logFile() string { return p.Link + "/libvirtd.log" }

// AgentSocket is where a machine's guest agent is reached; libvirt's own choice
// would be too long for a socket.
func (p Daemon) AgentSocket(uuid string) string {
	return p.Link + "/r/" + uuid[:min(len(uuid), 8)] + ".agent"
}

// USBSocket is where QEMU listens for a device of another computer.
func (p Daemon) USBSocket(name string) string { return p.Link + "/r/" + name }

func (p Daemon) uri() string {
	return "qemu+unix:///session?socket=" + url.QueryEscape(p.socket())
}

// Ensure gives the URI of the daemon, which it adopts or starts. It promises
// fusion.ErrUnsupported where there is no libvirtd.
func (p Daemon) Ensure(ctx context.Context) (string, error) {
	if err := p.prepare(); err != nil {
		return "", &fusion.Error{Op: "machines.private", Path: p.Dir, Cause: err,
			Hint: "choose a directory that can be written with --home"}
	}
	if process.Answers(p.socket()) {
		return p.uri(), nil
	}
	p.Stop(ctx) // one that no longer listens; its machines go on
	if err := p.start(ctx); err != nil {
		return "", err
	}
	return p.uri(), nil
}

func (p Daemon) prepare() error {
	for _, sub := range []string{"c/libvirt", "r", "cache", "data", "home"} {
		if err := os.MkdirAll(filepath.Join(p.Dir, sub), 0o700); err != nil {
			return err
		}
	}
	if err := ensureLink(p.Link, p.Dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(p.Dir, "link"), []byte(p.Link), 0o600); err != nil {
		return err
	}
	uuid, err := p.hostUUID()
	if err != nil {
		return err
	}
	conf := fmt.Sprintf("auth_unix_rw = \"none\"\nhost_uuid = %q\nlog_outputs = %q\n", uuid, "3:file:"+p.logFile())
	if err := os.WriteFile(filepath.Join(p.Dir, "libvirtd.conf"), []byte(conf), 0o600); err != nil {
		return err
	}
	// No virtlogd: QEMU writes its log files itself.
	return os.WriteFile(filepath.Join(p.Dir, "c/libvirt/qemu.conf"), []byte("stdio_handler = \"file\"\n"), 0o600)
}

// hostUUID is the daemon's own identity: two daemons on one computer with the
// same would refuse to migrate to each other.
func (p Daemon) hostUUID() (string, error) {
	path := filepath.Join(p.Dir, "host_uuid")
	old, err := os.ReadFile(path)
	if err == nil && len(old) == len("00000000-0000-0000-0000-000000000000") {
		return string(old), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	uuid := p.newUUID()
	return uuid, os.WriteFile(path, []byte(uuid), 0o600)
}

// start runs libvirtd, which goes into the background in a process session of
// its own once it listens.
func (p Daemon) start(ctx context.Context) error {
	program, err := process.Find("libvirtd")
	if err != nil {
		return &fusion.Error{Op: "machines.private", Cause: fusion.ErrUnsupported,
			Detail: "libvirtd is not here", Hint: p.installHint}
	}
	rotate(filepath.Join(p.Dir, "libvirtd.log"))
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--daemon", "--config", p.Link+"/libvirtd.conf",
		"--pid-file", p.PIDFile(), "--timeout", "120")
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
		Detail: strings.TrimSpace(said.String()), Hint: "see " + filepath.Join(p.Dir, "libvirtd.log")}
}

func (p Daemon) env() []string {
	return []string{
		"PATH=" + process.SearchPath(), "LANG=C.UTF-8",
		"HOME=" + p.Link + "/home",
		"XDG_CONFIG_HOME=" + p.Link + "/c",
		"XDG_RUNTIME_DIR=" + p.Link + "/r",
		"XDG_CACHE_HOME=" + p.Link + "/cache",
		"XDG_DATA_HOME=" + p.Link + "/data",
	}
}

// rotate keeps a log that grew beyond 4 MiB as .old; the daemon only appends.
func rotate(path string) {
	if info, err := os.Stat(path); err == nil && info.Size() > 4<<20 {
		_ = os.Rename(path, path+".old") // a long log is no reason to fail
	}
}
