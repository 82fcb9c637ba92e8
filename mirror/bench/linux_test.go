//go:build linux

package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hither/mirror/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCPUOfRises(t *testing.T) {
	own := []*process{{cmd: &exec.Cmd{Process: &os.Process{Pid: os.Getpid()}}}}
	before := cpuOf(own)
	if before <= 0 {
		t.Fatalf("this process has used %v", before)
	}
	for end := time.Now().Add(time.Minute); cpuOf(own) == before; {
		if time.Now().After(end) {
			t.Fatal("a busy loop uses no CPU time")
		}
	}
}

func TestProxyCountsBothWays(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	echoed := make(chan error, 1)
	go func() {
		conn, err := server.Accept()
		if err == nil {
			_, err = io.CopyN(conn, conn, 5)
			conn.Close()
		}
		echoed <- err
	}()
	c, err := count(server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", c.addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != "hello" {
		t.Errorf("read %q, %v", got, err)
	}
	if err := <-echoed; err != nil {
		t.Error(err)
	}
	if err := rest(t.Context(), c, time.Millisecond); err != nil {
		t.Error(err)
	}
	if c.bytes() != 10 {
		t.Errorf("counted %d bytes", c.bytes())
	}
	if err := c.close(); err != nil {
		t.Error(err)
	}
}

// orphansEnv makes this test program one that adopts and ends orphans.
const orphansEnv = "HITHER_BENCH_ORPHANS"

func TestOrphansAreEnded(t *testing.T) {
	if os.Getenv(orphansEnv) == "" {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestOrphansAreEnded$")
		cmd.Env = append(os.Environ(), orphansEnv+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if err := adoptOrphans(); err != nil {
		t.Fatal(err)
	}
	// A shell that leaves a child behind, which has a child itself.
	if err := exec.Command("sh", "-c", `(sh -c "sleep 600 & sleep 600" >/dev/null 2>&1) & exit 0`).Run(); err != nil {
		t.Fatal(err)
	}
	if left, err := children(); err != nil || len(left) == 0 {
		t.Fatalf("no orphan was adopted: %v", err)
	}
	if err := endOrphans(); err != nil {
		t.Fatal(err)
	}
	if left, err := children(); err != nil || len(left) != 0 {
		t.Errorf("orphans are left: %v, %v", left, err)
	}
}

func TestUnknownPeerIsRefused(t *testing.T) {
	if err := need("Xvfb", "openbox"); err != nil {
		lookPath = func(string) (string, error) { return "", nil }
		defer func() { lookPath = exec.LookPath }()
	}
	if _, err := (&house{}).startPeer("fax", route{}); err == nil {
		t.Error("an unknown peer was started")
	}
}

func TestTapTellsPixelsFromSignsOfLife(t *testing.T) {
	var said bytes.Buffer
	frame := wire.FramePart{Seq: 1, Parts: 1, Bytes: make([]byte, 500)}.Append(nil)
	for _, m := range [][]byte{wire.Pong{ID: 1}.Append(nil), frame, wire.Pong{ID: 2}.Append(nil), wire.Title{}.Append(nil)} {
		said.Write([]byte{byte(len(m) >> 8), byte(len(m))})
		said.Write(m)
	}
	for _, piece := range []int{1, 2, 3, 7, 1000} {
		var media atomic.Int64
		tap := &tap{media: &media}
		for part := range slices.Chunk(said.Bytes(), piece) {
			tap.see(part)
		}
		if got, want := media.Load(), int64(len(frame)+1); got != want {
			t.Errorf("in pieces of %d: %d bytes of media, want %d", piece, got, want)
		}
	}
}
