//go:build linux

package main

import (
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"
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
	if err := c.rest(t.Context(), time.Millisecond); err != nil {
		t.Error(err)
	}
	if c.bytes() != 10 {
		t.Errorf("counted %d bytes", c.bytes())
	}
	if err := c.close(); err != nil {
		t.Error(err)
	}
}

func TestUnknownPeerIsRefused(t *testing.T) {
	if _, err := startPeer(nil, "fax"); err == nil {
		t.Error("an unknown peer was started")
	}
}
