//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"hither/fusion"
)

// node is a real `hither up` with a home of its own, whose computer's screen is
// a display of ours.
type node struct {
	house   *house
	program string
	home    string
	name    string
	display string
	process *process
}

// startNode starts a node and waits until its API answers.
func (h *house) startNode(p plan, name, display string) (*node, error) {
	program, err := filepath.Abs(filepath.Join(p.bin, "hither"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(program); err != nil {
		return nil, &fusion.Error{Op: "bench", Path: program, Cause: fusion.ErrNotFound, Hint: "run make bin/hither, or say -bin DIR"}
	}
	n := &node{house: h, program: program, home: filepath.Join(h.dir, name), name: name, display: display}
	args := []string{"up", "--name", name, "--listen", "127.0.0.1:0", "--web", "127.0.0.1:0", "--libvirt", "off"}
	process, lines, err := h.startReading(n.command(display, args...), 1)
	if err != nil {
		return nil, err
	}
	n.process = process
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "ready") {
			return n, nil
		}
	}
	return nil, fmt.Errorf("the node ended before it was ready: %s", h.lastWords())
}

func (n *node) command(display string, args ...string) command {
	return command{name: n.program, args: args, display: display, env: []string{"HITHER_HOME=" + n.home}}
}

// view starts the native window of this computer's screen on another display.
func (n *node) view(display string) (*process, error) {
	return n.house.start(n.command(display, "view", "self"))
}

// link gives the address of the page that shows the screen, with a one-time
// token.
func (n *node) link() (string, error) {
	cmd := exec.CommandContext(n.house.ctx, n.program, "web")
	cmd.Env = append(os.Environ(), "HITHER_HOME="+n.home, "HOME="+n.house.dir)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("hither web: %w: %s", err, said.String())
	}
	before, token, found := strings.Cut(strings.TrimSpace(string(out)), "#")
	if !found {
		return "", fmt.Errorf("hither web printed %q", out)
	}
	return strings.TrimRight(before, "/") + "/screen/" + n.name + "/self#" + token, nil
}
