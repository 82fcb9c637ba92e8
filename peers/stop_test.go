//go:build unix

package peers

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"hither/fusion"
	"hither/peers/carry"
)

// childDir makes the test binary a node of its own: see TestMain.
const (
	childDir    = "HITHER_PEERS_TEST_DIR"
	childListen = "HITHER_PEERS_TEST_LISTEN"
	childMDNS   = "HITHER_PEERS_TEST_MDNS"
	childJoin   = "HITHER_PEERS_TEST_JOIN"  // a code: join by mDNS, then end
	childCalls  = "HITHER_PEERS_TEST_CALLS" // an ID: open a lasting stream to it and say hello
)

func init() {
	dir := os.Getenv(childDir)
	if dir == "" {
		return
	}
	runChild = func() {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err, fusion.Hint(err))
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// child runs a node that offers a code, until it is killed, or joins one.
func child(dir string) error {
	n, err := Open(context.Background(), Config{Dir: dir, Name: "child", Listen: os.Getenv(childListen), NoMDNS: os.Getenv(childMDNS) == ""})
	if err != nil {
		return err
	}
	if code := os.Getenv(childJoin); code != "" {
		began := time.Now()
		p, err := n.Join(context.Background(), code, "", nil)
		fmt.Println("joined", p.Name, p.Addrs, "online", p.Online, "nearby", n.Nearby(), "after", time.Since(began))
		return errors.Join(err, n.Close())
	}
	go echoLasting(n.ListenLasting(echoProtocol))
	if id := os.Getenv(childCalls); id != "" {
		go callLasting(n, fusion.HostID(id))
	}
	o, err := n.Offer(context.Background(), nil)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"id": string(n.ID()), "code": o.Code, "addr": o.Addr}); err != nil {
		return err
	}
	select {}
}

func echoLasting(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			io.Copy(c, c)
			c.Close()
		}()
	}
}

// callLasting says hello to a computer once it is paired, over a lasting stream
// that stays open.
func callLasting(n *Network, id fusion.HostID) {
	n.Watch(context.Background(), func(p Peer, _ bool) {
		if p.ID == id && p.Online {
			c, err := n.DialLasting(context.Background(), id, echoProtocol)
			if err == nil {
				_, err = io.WriteString(c, "hello")
			}
			fmt.Fprintln(os.Stderr, "called:", err)
		}
	})
}

type childSaid struct{ ID, Code, Addr string }

func startChild(t *testing.T, dir string) (*os.Process, childSaid) {
	t.Helper()
	return startChildAs(t, exec.Command(os.Args[0]), dir, childListen+"=127.0.0.1:0")
}

func startChildAs(t *testing.T, cmd *exec.Cmd, dir string, env ...string) (*os.Process, childSaid) {
	t.Helper()
	cmd.Env = append(append(os.Environ(), childDir+"="+dir), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	var said childSaid
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &said)
	}
	if err != nil {
		t.Fatal(err)
	}
	return cmd.Process, said
}

// TestStoppedAndKilled is a laptop that sleeps (SIGSTOP sends no FIN) and one
// that crashes: offline each time, and online again without pairing anew.
func TestStoppedAndKilled(t *testing.T) {
	n, dir := openTest(t, testConfig(t, "nas")), t.TempDir()
	process, it := startChild(t, dir)
	if _, err := n.Join(testContext(t), it.Code, it.Addr, nil); err != nil {
		t.Fatal(err)
	}
	id := fusion.HostID(it.ID)
	until(t, "online", online(n, id))
	signal(t, process, syscall.SIGSTOP)
	timed(t, "offline after STOP", offline(n, id))
	began := time.Now()
	_, err := n.Dial(testContext(t), id, "/hither/test-none/1")
	wantCause(t, err, fusion.ErrOffline, "child")
	t.Logf("Dial to it said so after %v", time.Since(began))
	signal(t, process, syscall.SIGCONT)
	timed(t, "online after CONT", online(n, id))
	// It answers: it lacks the protocol.
	_, err = n.Dial(testContext(t), id, "/hither/test-none/1")
	wantCause(t, err, fusion.ErrUnsupported, "child")
	signal(t, process, syscall.SIGKILL)
	timed(t, "offline after KILL", offline(n, id))
	startChild(t, dir)
	timed(t, "online after restart", online(n, id))
}

// TestKilledWithLastingStreams: a process that was killed has no memory of its
// streams. Both ends hear of it when it is back, as an error and not as an end.
func TestKilledWithLastingStreams(t *testing.T) {
	n, dir := openTest(t, testConfig(t, "nas")), t.TempDir()
	l := n.ListenLasting(echoProtocol)
	defer l.Close()
	process, it := startChildAs(t, exec.Command(os.Args[0]), dir, childListen+"=127.0.0.1:0", childCalls+"="+string(n.ID()))
	if _, err := n.Join(testContext(t), it.Code, it.Addr, nil); err != nil {
		t.Fatal(err)
	}
	taken, err := l.Accept() // the child opened it
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	opened, err := n.DialLasting(testContext(t), fusion.HostID(it.ID), echoProtocol)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if _, err := io.WriteString(opened, "hello"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]net.Conn{"opened here": opened, "opened there": taken} {
		hello := make([]byte, 5)
		if _, err := io.ReadFull(c, hello); err != nil || string(hello) != "hello" {
			t.Fatal(name, string(hello), err)
		}
	}
	// Asleep for longer than it takes to be found offline, it goes on.
	signal(t, process, syscall.SIGSTOP)
	timed(t, "offline after STOP", offline(n, fusion.HostID(it.ID)))
	if _, err := io.WriteString(opened, "again"); err != nil {
		t.Fatal(err)
	}
	signal(t, process, syscall.SIGCONT)
	began, again := time.Now(), make([]byte, 5)
	if _, err := io.ReadFull(opened, again); err != nil || string(again) != "again" {
		t.Fatal(string(again), err)
	}
	t.Log("the stream goes on after CONT", time.Since(began))
	signal(t, process, syscall.SIGKILL)
	timed(t, "offline after KILL", offline(n, fusion.HostID(it.ID)))
	startChild(t, dir)
	began = time.Now()
	for name, c := range map[string]net.Conn{"opened here": opened, "opened there": taken} {
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, carry.ErrReset) {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Log("both heard of the restart after", time.Since(began))
}

func signal(t *testing.T, p *os.Process, s os.Signal) {
	t.Helper()
	if err := p.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func timed(t *testing.T, what string, ok func() bool) {
	t.Helper()
	began := time.Now()
	until(t, what, ok)
	t.Log(what, fmt.Sprint(time.Since(began).Round(time.Millisecond)))
}
