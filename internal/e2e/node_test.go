//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait; a machine under load may need most of it.
const patience = 60 * time.Second

// binary gives the path of one of the programs under test, where every account
// may run it.
func binary(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(binaries, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	dir := os.Getenv("HITHER_BIN")
	if dir == "" {
		dir = filepath.Join("..", "..", "bin")
	}
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err == nil {
		err = os.WriteFile(path, text, 0o755)
	}
	if err != nil {
		t.Fatalf("%v; build it with: make build", err)
	}
	return path
}

// binaries is a directory of copies: a checkout may lie where only root reads.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("/tmp", "he2e-bin-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binaries = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// node is a real `hither up` with a home of its own.
type node struct {
	t    *testing.T
	name string
	home string
	as   *account
	cmd  *exec.Cmd
	// ended is closed when the process has ended.
	ended chan struct{}
	id    string
	// libvirt is what --libvirt says.
	libvirt string
	// display is the DISPLAY that the node starts with; "" is none.
	display string
	// ownHome makes the directory of the node's home its HOME for an account
	// too, which then has another one of its own.
	ownHome bool
	// within starts the node's process, as in a namespace; nil is here.
	within func(*exec.Cmd) error
}

// tempDir gives a directory with a short path, for sockets, that the account
// owns and that is gone after the test.
func tempDir(t *testing.T, as *account) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "he2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// What a program still writes at its end may come in between.
		until(t, "the test's directory is gone", func() bool { return os.RemoveAll(dir) == nil })
	})
	if as != nil {
		if err := os.Chown(dir, as.uid, as.gid); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// newNode prepares a node and does not start it. After the test the node, its
// machines and its apps are ended.
func newNode(t *testing.T, name string, as *account) *node {
	n := &node{t: t, name: name, home: filepath.Join(tempDir(t, as), "h"), as: as, libvirt: "private"}
	t.Cleanup(func() {
		n.start()
		n.hither("down", "--machines")
		n.waitEnded()
		if t.Failed() {
			log, err := os.ReadFile(n.logFile())
			t.Logf("log of %s (%v):\n%s", name, err, tail(log, 12000))
		}
	})
	return n
}

func tail(b []byte, n int) []byte {
	if len(b) > n {
		return b[len(b)-n:]
	}
	return b
}

func (n *node) logFile() string { return filepath.Join(filepath.Dir(n.home), n.name+".log") }

// start runs `hither up` and waits for its ready line; it does nothing when
// the node runs.
func (n *node) start(extra ...string) {
	n.t.Helper()
	if n.cmd != nil {
		return
	}
	log, err := os.OpenFile(n.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		n.t.Fatal(err)
	}
	defer log.Close()
	args := []string{"up", "--home", n.home, "--name", n.name, "--listen", "127.0.0.1:0", "--web", "127.0.0.1:0", "--libvirt", n.libvirt}
	cmd := n.command(append(args, extra...)...)
	cmd.Env = append(cmd.Env, "HITHER_LOG=debug")
	out, err := cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	cmd.Stderr = log
	within := n.within
	if within == nil {
		within = (*exec.Cmd).Start
	}
	if err := within(cmd); err != nil {
		n.t.Fatal(err)
	}
	n.cmd, n.ended = cmd, make(chan struct{})
	ready := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "ready") {
				ready <- lines.Text()
			}
		}
		_ = cmd.Wait() // killed nodes end with an error
		close(n.ended)
	}()
	select {
	case <-ready:
	case <-n.ended:
		text, _ := os.ReadFile(n.logFile())
		n.t.Fatalf("%s ended before it was ready:\n%s", n.name, tail(text, 4000))
	case <-time.After(patience):
		n.t.Fatalf("%s was not ready in time", n.name)
	}
	n.id = field[string](n, "id", "status", "--json")
}

// command makes a hither command with this node's home and account.
func (n *node) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary(n.t, "hither"), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HITHER_HOME=" + n.home, "LANG=C.UTF-8", "HOME=" + filepath.Dir(n.home)}
	if n.display != "" {
		cmd.Env = append(cmd.Env, "DISPLAY="+n.display)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if n.as != nil {
		n.as.run(cmd)
	}
	if n.ownHome {
		cmd.Env = append(cmd.Env, "HOME="+filepath.Dir(n.home))
	}
	return cmd
}

// try runs a hither command and gives what it printed and its exit code.
func (n *node) try(args ...string) (stdout, stderr string, code int) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	defer cancel()
	cmd := n.command(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	_ = cmd.Wait() // the exit code says it
	if ctx.Err() != nil {
		n.t.Fatalf("hither %s did not end in time", strings.Join(args, " "))
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// hither runs a command that must work and gives what it printed.
func (n *node) hither(args ...string) string {
	n.t.Helper()
	out, errs, code := n.try(args...)
	if code != 0 {
		n.t.Fatalf("%s: hither %s: exit %d\n%s%s", n.name, strings.Join(args, " "), code, out, errs)
	}
	return out
}

// refused runs a command that must fail with an exit code and a hint.
func (n *node) refused(code int, want string, args ...string) {
	n.t.Helper()
	_, errs, got := n.try(args...)
	if got != code || !strings.Contains(errs, want) || !strings.Contains(errs, "\nhint: ") {
		n.t.Errorf("hither %s: exit %d, want %d with %q and a hint; it said:\n%s", strings.Join(args, " "), got, code, want, errs)
	}
}

// field reads one field of a command's JSON object.
func field[T any](n *node, name string, args ...string) T {
	n.t.Helper()
	var object map[string]any
	out := n.hither(args...)
	if err := json.Unmarshal([]byte(out), &object); err != nil {
		n.t.Fatalf("hither %s: %v in %s", strings.Join(args, " "), err, out)
	}
	value, ok := object[name].(T)
	if !ok {
		n.t.Fatalf("hither %s: no field %q of that type in %s", strings.Join(args, " "), name, out)
	}
	return value
}

// signal sends a signal to the node's process alone.
func (n *node) signal(s syscall.Signal) {
	n.t.Helper()
	if err := n.cmd.Process.Signal(s); err != nil {
		n.t.Fatal(err)
	}
}

// kill ends the node as a power cut does.
func (n *node) kill() {
	n.t.Helper()
	n.signal(syscall.SIGKILL)
	n.waitEnded()
}

func (n *node) waitEnded() {
	n.t.Helper()
	if n.cmd == nil {
		return
	}
	select {
	case <-n.ended:
	case <-time.After(patience):
		n.t.Errorf("%s did not end in time; its goroutines are in its log", n.name)
		_ = n.cmd.Process.Signal(syscall.SIGQUIT)
		<-n.ended
	}
	n.cmd = nil
}

// offer shows a pairing code; the command ends when it is used or burnt.
func (n *node) offer() (cmd *exec.Cmd, code, addr string) {
	n.t.Helper()
	cmd, shown := n.offerTo()
	return cmd, shown.Code, shown.Addr
}

// shownCode is what `hither pair --json` prints first.
type shownCode struct{ Code, Addr, Through, Router string }

// offerTo is offer with all that is shown.
func (n *node) offerTo() (cmd *exec.Cmd, shown shownCode) {
	n.t.Helper()
	cmd = n.command("pair", "--json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	if err := json.NewDecoder(out).Decode(&shown); err != nil {
		n.t.Fatalf("hither pair printed no code: %v", err)
	}
	return cmd, shown
}

// pair lets b show a code and a use it, by the command line.
func pair(t *testing.T, a, b *node) {
	t.Helper()
	offer, code, addr := b.offer()
	began := time.Now()
	a.hither("pair", code, "--addr", addr)
	t.Logf("paired in %v", time.Since(began).Round(time.Millisecond))
	if err := offer.Wait(); err != nil {
		t.Fatalf("hither pair: %v", err)
	}
}

// together starts nodes, pairs each with each, and waits until all see each other.
func together(t *testing.T, nodes ...*node) {
	t.Helper()
	for _, n := range nodes {
		n.start()
	}
	for i, a := range nodes {
		for _, b := range nodes[i+1:] {
			pair(t, a, b)
		}
	}
	until(t, "all see each other", func() bool {
		for _, a := range nodes {
			for _, b := range nodes {
				if a != b && !a.sees(b) {
					return false
				}
			}
		}
		return true
	})
}

// until waits for a condition.
func until(t *testing.T, what string, met func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !met() {
		if time.Since(began) > patience {
			t.Fatalf("waited in vain for: %s", what)
		}
		time.Sleep(30 * time.Millisecond) // between looks at a condition
	}
	return time.Since(began)
}

// online says how a sees b.
func (a *node) sees(b *node) bool {
	return field[bool](a, "online", "host", "show", b.name, "--json")
}

// waitState waits until a machine is in a state, as this node sees it.
func (n *node) waitState(machine, state string) {
	n.t.Helper()
	until(n.t, fmt.Sprintf("%s is %s", machine, state), func() bool {
		return field[string](n, "state", "machine", "show", machine, "--json") == state
	})
}

const (
	sigstop = syscall.SIGSTOP
	sigcont = syscall.SIGCONT
)
