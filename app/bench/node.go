//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
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

// node is a real `hither up` over a host of the test driver.
type node struct {
	cmd    *exec.Cmd
	log    *os.File
	home   string
	uri    string
	hither string
	client *client.Client
	host   fusion.Host
	count  int // of its machines, "self" too
}

// startNode starts a node with so many machines and waits until its API answers.
func startNode(ctx context.Context, p plan, dir, name string, machines int) (*node, error) {
	hither, err := filepath.Abs(filepath.Join(p.bin, "hither"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(hither); err != nil {
		return nil, &fusion.Error{Op: "bench", Path: hither, Cause: fusion.ErrNotFound, Hint: "run make bin/hither, or say -bin DIR"}
	}
	n := &node{home: filepath.Join(dir, name), hither: hither, count: machines + 1}
	disks := filepath.Join(dir, name+".host")
	if err := os.Mkdir(disks, 0o700); err != nil {
		return nil, err
	}
	if n.uri, err = writeHost(disks, machines); err != nil {
		return nil, err
	}
	if n.log, err = os.Create(filepath.Join(dir, name+".log")); err != nil {
		return nil, err
	}
	n.cmd = exec.CommandContext(ctx, hither, "up", "--home", n.home, "--name", name, "--listen", "127.0.0.1:0", "--web", "127.0.0.1:0", "--libvirt", n.uri)
	n.cmd.Stderr, n.cmd.Env = n.log, append(os.Environ(), "DISPLAY=", "HOME="+dir)
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := n.cmd.Start(); err != nil {
		return nil, err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "ready") {
			return n, n.join()
		}
	}
	said, _ := os.ReadFile(n.log.Name()) // it goes into an error
	return nil, errors.Join(fmt.Errorf("the node ended before it was ready: %s", said), n.end())
}

func (n *node) join() error {
	h, err := home.Find(n.home)
	if err != nil {
		return err
	}
	n.client = client.Unix(h.Socket())
	n.host = n.client.Host("")
	return nil
}

// end stops the node and waits for it.
func (n *node) end() error {
	_ = n.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	err := n.cmd.Wait()
	return errors.Join(err, n.log.Close())
}

// list takes the time of one list through the API.
func (n *node) list(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	list, err := n.host.Machines().List(ctx)
	took := time.Since(start)
	if err == nil && len(list) != n.count {
		err = fmt.Errorf("the list has %d machines of %d", len(list), n.count)
	}
	return took, err
}

// changes pauses and resumes a machine and takes the time from the request to the
// event at a client that watches.
func (n *node) changes(ctx context.Context, times int) ([]time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	events := make(chan fusion.Event)
	ended := make(chan error, 1)
	go func() {
		for e, err := range n.host.Watch(ctx) {
			if err != nil {
				ended <- err
				return
			}
			select {
			case events <- e:
			case <-ctx.Done():
			}
		}
		ended <- ctx.Err()
	}()
	defer func() { cancel(); <-ended }()
	if err := await(ctx, events, ended, func(e fusion.Event) bool { return e.Kind == fusion.EventReady }); err != nil {
		return nil, err
	}
	var took []time.Duration
	name := machineName(0)
	for i := range times {
		verb, state := fusion.Pause, fusion.Paused
		if i%2 == 1 {
			verb, state = fusion.Resume, fusion.Running
		}
		start := time.Now()
		asked := make(chan error, 1)
		go func() { asked <- n.host.Machines().Do(ctx, name, verb) }()
		err := await(ctx, events, ended, func(e fusion.Event) bool {
			return e.Machine != nil && e.Machine.Name == name && e.Machine.State == state
		})
		took = append(took, time.Since(start))
		if err := errors.Join(err, <-asked); err != nil {
			return nil, err
		}
	}
	return took, nil
}

// await takes events until one is what is waited for. What ended the watch is put back.
func await(ctx context.Context, events <-chan fusion.Event, ended chan error, is func(fusion.Event) bool) error {
	for {
		select {
		case e := <-events:
			if is(e) {
				return nil
			}
		case err := <-ended:
			ended <- err
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// link gives the address of the page with a one-time token.
func (n *node) link(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, n.hither, "web", "--home", n.home).Output()
	return strings.TrimSpace(string(out)), err
}
