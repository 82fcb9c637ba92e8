//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"hither/app/client"
	"hither/app/home"
	"hither/fusion"
)

// world is what runs for a measurement.
type world struct {
	plan
	dir     string
	service *service
	passed  int64 // bytes of both streams of this turn
	found   map[string]*figures
	started []*exec.Cmd
	near    *client.Client // of the node that has the tunnels
	nodes   []int          // process IDs
}

// end ends what was started, last first.
func (b *world) end() (err error) {
	for i := len(b.started) - 1; i >= 0; i-- {
		cmd := b.started[i]
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		timer := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // however it ended
		timer.Stop()
	}
	return nil
}

// run starts a program whose output goes to a file, for when something fails.
func (b *world) run(name, program string, args ...string) (*exec.Cmd, error) {
	log, err := os.Create(filepath.Join(b.dir, name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() // the program has it
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b.started = append(b.started, cmd)
	return cmd, nil
}

// start starts one peer, whose figures' port then leads to the service.
func (b *world) start(ctx context.Context, name string) error {
	f := &figures{}
	b.found[name] = f
	before := len(b.started)
	defer func() {
		for _, cmd := range b.started[before:] {
			f.programs = append(f.programs, cmd.Process.Pid)
		}
	}()
	var err error
	kind, build, _ := strings.Cut(name, ":")
	switch kind {
	case "direct":
		f.port = b.service.port
	case "hither":
		f.port, err = b.startHither(ctx, cmp.Or(build, b.bin))
	case "ssh":
		f.port, err = b.startSSH()
	case "frp":
		f.port, err = b.startFRP()
	default:
		return &fusion.Error{Op: "bench", Path: name, Cause: fusion.ErrInvalid, Hint: "peers are direct, hither, ssh and frp"}
	}
	if err != nil {
		return err
	}
	return b.answers(ctx, f.port)
}

// answers waits until a byte comes back through a port.
func (b *world) answers(ctx context.Context, port int) error {
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := func() error {
			conn, err := dial(port, echo)
			if err != nil {
				return err
			}
			defer conn.Close()
			_, err = trips(conn, 1)
			return err
		}()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(deadline):
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// startHither starts two nodes, pairs them and makes a tunnel.
func (b *world) startHither(ctx context.Context, bin string) (int, error) {
	program := filepath.Join(bin, "hither")
	mark := strings.ReplaceAll(bin, "/", "-") // of several builds
	var clients []*client.Client
	for _, name := range []string{"near", "far"} {
		dir := filepath.Join(b.dir, name+mark)
		cmd, err := b.run(name+mark, program, "--home", dir, "up", "--name", name, "--listen", "127.0.0.1:0", "--web", "off", "--libvirt", "off")
		if err != nil {
			return 0, err
		}
		b.nodes = append(b.nodes, cmd.Process.Pid)
		deadline := time.Now().Add(30 * time.Second)
		for {
			text, _ := os.ReadFile(filepath.Join(b.dir, name+mark+".log")) // it is there
			if bytes.Contains(text, []byte("ready")) {
				break
			}
			if time.Now().After(deadline) {
				return 0, fmt.Errorf("the node is not ready: %s", text)
			}
			time.Sleep(20 * time.Millisecond)
		}
		h, err := home.Find(dir)
		if err != nil {
			return 0, err
		}
		clients = append(clients, client.Unix(h.Socket()))
	}
	b.near = clients[0]
	if err := pair(ctx, program, filepath.Join(b.dir, "near"+mark), filepath.Join(b.dir, "far"+mark)); err != nil {
		return 0, err
	}
	t, err := b.tunnel(ctx)
	if err != nil {
		return 0, err
	}
	_, port, err := net.SplitHostPort(t.Listen)
	if err != nil {
		return 0, err
	}
	return atoi(port), nil
}

// tunnel makes one more tunnel to the service.
func (b *world) tunnel(ctx context.Context) (fusion.Tunnel, error) {
	return b.near.Host("").Tunnels().Add(ctx, fusion.TunnelSpec{Kind: fusion.ForwardTunnel, Listen: "0", Host: "far", Target: fusion.Target{Port: b.service.port}})
}

// pair offers a code at one node and enters it at the other.
func pair(ctx context.Context, program, here, there string) error {
	offer := exec.CommandContext(ctx, program, "--home", there, "--json", "pair")
	out, err := offer.StdoutPipe()
	if err != nil {
		return err
	}
	if err := offer.Start(); err != nil {
		return err
	}
	var code struct{ Code, Addr string }
	dec := json.NewDecoder(out)
	if err := dec.Decode(&code); err != nil {
		return err
	}
	text, err := exec.CommandContext(ctx, program, "--home", here, "pair", code.Code, "--addr", code.Addr).CombinedOutput()
	if err != nil {
		return fmt.Errorf("pair: %w: %s", err, text)
	}
	var rest json.RawMessage
	for dec.Decode(&rest) == nil {
	}
	return offer.Wait()
}

// startSSH starts an sshd and ssh -L, with their own defaults.
func (b *world) startSSH() (int, error) {
	for _, key := range []string{"host", "user"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(b.dir, key)).CombinedOutput(); err != nil {
			return 0, fmt.Errorf("ssh-keygen: %w: %s", err, out)
		}
	}
	server, local, err := twoPorts()
	if err != nil {
		return 0, err
	}
	config := fmt.Sprintf("ListenAddress 127.0.0.1:%d\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n",
		server, filepath.Join(b.dir, "host"), filepath.Join(b.dir, "user.pub"))
	path := filepath.Join(b.dir, "sshd.conf")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return 0, err
	}
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // where sshd separates its privileges
			return 0, err
		}
	}
	if _, err := b.run("sshd", "/usr/sbin/sshd", "-D", "-e", "-f", path); err != nil {
		return 0, err
	}
	if err := listens(server); err != nil {
		return 0, err
	}
	_, err = b.run("ssh", "ssh", "-N", "-F", "none", "-i", filepath.Join(b.dir, "user"), "-p", fmt.Sprint(server),
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ExitOnForwardFailure=yes",
		"-L", fmt.Sprintf("127.0.0.1:%d:127.0.0.1:%d", local, b.service.port), "127.0.0.1")
	return local, err
}

// startFRP starts frps and frpc with their defaults, among them TLS.
func (b *world) startFRP() (int, error) {
	server, local, err := twoPorts()
	if err != nil {
		return 0, err
	}
	frps := fmt.Sprintf("bindAddr = \"127.0.0.1\"\nbindPort = %d\nproxyBindAddr = \"127.0.0.1\"\n", server)
	frpc := fmt.Sprintf("serverAddr = \"127.0.0.1\"\nserverPort = %d\n[[proxies]]\nname = \"t\"\ntype = \"tcp\"\nlocalIP = \"127.0.0.1\"\nlocalPort = %d\nremotePort = %d\n", server, b.service.port, local)
	for name, text := range map[string]string{"frps": frps, "frpc": frpc} {
		if err := os.WriteFile(filepath.Join(b.dir, name+".toml"), []byte(text), 0o600); err != nil {
			return 0, err
		}
	}
	if _, err := b.run("frps", filepath.Join(b.frp, "frps"), "-c", filepath.Join(b.dir, "frps.toml")); err != nil {
		return 0, err
	}
	if err := listens(server); err != nil {
		return 0, err
	}
	_, err = b.run("frpc", filepath.Join(b.frp, "frpc"), "-c", filepath.Join(b.dir, "frpc.toml"))
	return local, err
}

// listens waits until somebody listens on a port.
func listens(port int) error {
	deadline := time.Now().Add(20 * time.Second)
	for {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// twoPorts gives two ports that nobody has now.
func twoPorts() (a, b int, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	m, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, errors.Join(err, l.Close())
	}
	return l.Addr().(*net.TCPAddr).Port, m.Addr().(*net.TCPAddr).Port, errors.Join(l.Close(), m.Close())
}

func atoi(text string) (n int) {
	_, _ = fmt.Sscan(strings.TrimSpace(text), &n) // the kernel's own text
	return n
}
