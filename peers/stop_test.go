//go:build unix

package peers

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"hither/fusion"
)

// childDir makes the test binary a node of its own: see TestMain.
const childDir = "HITHER_PEERS_TEST_DIR"

func init() {
	dir := os.Getenv(childDir)
	if dir == "" {
		return
	}
	runChild = func() {
		fmt.Fprintln(os.Stderr, child(dir))
		os.Exit(1)
	}
}

// child runs a node that offers a code, until it is killed.
func child(dir string) error {
	n, err := Open(context.Background(), Config{Dir: dir, Name: "child", Listen: "127.0.0.1:0", NoMDNS: true})
	if err != nil {
		return err
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

type childSaid struct{ ID, Code, Addr string }

func startChild(t *testing.T, dir string) (*os.Process, childSaid) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
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
	for range 2 {
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
	}
	signal(t, process, syscall.SIGKILL)
	timed(t, "offline after KILL", offline(n, id))
	startChild(t, dir)
	timed(t, "online after restart", online(n, id))
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
