//go:build linux && e2e

package e2e

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hither/app/client"
)

// streamSize is what passes a tunnel each way while its path changes, in bytes.
const streamSize = 200 << 20

// pour sends a stream that both ends know, and ends what it sends. It is told how far it is
// after each MiB, and may be held there.
func pour(to net.Conn, at func(mib int)) error {
	from := rand.NewChaCha8([32]byte{1})
	buf := make([]byte, 1<<20)
	for mib := range streamSize >> 20 {
		_, _ = from.Read(buf) // it never fails
		if _, err := to.Write(buf); err != nil {
			return fmt.Errorf("after %d MiB: %w", mib, err)
		}
		at(mib + 1)
	}
	return to.(interface{ CloseWrite() error }).CloseWrite()
}

// drink takes a stream that pour sent, to its end.
func drink(from net.Conn) error {
	want, got := sha256.New(), sha256.New()
	if _, err := io.CopyN(want, rand.NewChaCha8([32]byte{1}), streamSize); err != nil {
		return err
	}
	if n, err := io.Copy(got, from); err != nil || n != streamSize {
		return fmt.Errorf("%d bytes came, %w", n, err)
	}
	if string(want.Sum(nil)) != string(got.Sum(nil)) {
		return errors.New("other bytes came than were sent")
	}
	return nil
}

// both pours and drinks at one end.
func both(conn net.Conn, at func(mib int)) error {
	var sent error
	var wg sync.WaitGroup
	wg.Go(func() { sent = pour(conn, at) })
	err := drink(conn)
	wg.Wait()
	return errors.Join(sent, err, conn.Close())
}

// listen listens on the loopback of a namespace.
func (n *internet) listen(ns string) (l net.Listener) {
	n.t.Helper()
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and the thread ends with the goroutine
		var f *os.File
		if f, err = os.Open("/run/netns/" + n.name + ns); err != nil {
			return
		}
		defer f.Close()
		if err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err == nil {
			l, err = net.Listen("tcp", "127.0.0.1:0")
		}
	}()
	if <-done; err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = l.Close() })
	return l
}

// TestAStreamKeepsItsBytes: 200 MiB each way through a tunnel while the router that carries
// it is killed, and again while the path climbs from a router to a direct one, after which no
// router is left that could carry it.
func TestAStreamKeepsItsBytes(t *testing.T) {
	f := newFleet(t)
	for ns, other := range map[string]*node{"laptop": f.b, "nas": f.a} { // they do not reach each other directly
		v4, v6 := f.net.address(other.name)
		f.net.in(ns, fmt.Sprintf("nft 'add table inet block; add chain inet block out { type filter hook output priority 0; }; add rule inet block out ip daddr %s drop; add rule inet block out ip6 daddr %s drop'", v4, v6))
	}
	c := client.Unix(field[string](f.a, "apiSocket", "status", "--json"))
	relayed := func() bool { return seenBy(t, c, f.b).GetPath() == "relay" }
	if took, ok := soon(20*time.Second, relayed); !ok {
		t.Fatalf("no relayed path after %v: %v", took, seenBy(t, c, f.b))
	}
	l := f.net.listen("nas")
	_, port, _ := net.SplitHostPort(l.Addr().String())
	socket := filepath.Join(f.a.home, "t")
	f.a.hither("forward", "unix:"+socket, "nas:"+port)

	// run sends both ways, calls change once 40 MiB went out, and ends sending when it returned.
	run := func(change func()) {
		t.Helper()
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		far, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		began, reached, changed := time.Now(), make(chan struct{}), make(chan struct{})
		var work sync.WaitGroup
		var farErr, nearErr error
		work.Go(func() { farErr = both(far, func(int) {}) })
		work.Go(func() {
			nearErr = both(conn, func(mib int) {
				switch {
				case mib == 40:
					close(reached)
				case mib == streamSize>>20-40:
					<-changed // much is under way when it changes, and some is left afterwards
				case mib > 40:
					time.Sleep(2 * time.Millisecond) // the pace of a sender
				}
			})
		})
		<-reached
		change()
		close(changed)
		work.Wait()
		if err := errors.Join(nearErr, farErr); err != nil {
			t.Error(err)
		}
		t.Logf("200 MiB each way in %v", time.Since(began).Round(time.Millisecond))
	}
	routers := map[string]*node{"router1": f.r1, "router2": f.r2}
	run(func() {
		via := seenBy(t, c, f.b).GetVia()
		routers[via].kill()
		delete(routers, via)
		took, ok := soon(20*time.Second, func() bool { h := seenBy(t, c, f.b); return h.GetPath() == "relay" && h.GetVia() != via })
		t.Logf("%s was killed; another path after %v", via, took)
		if !ok {
			t.Error("no path through the other router")
		}
	})
	run(func() {
		f.net.in("laptop", "nft delete table inet block")
		f.net.in("nas", "nft delete table inet block")
		took, ok := soon(60*time.Second, func() bool { return seenBy(t, c, f.b).GetPath() == "direct" })
		t.Logf("direct after %v", took)
		if !ok {
			t.Error("no direct path")
		}
		for _, left := range routers {
			left.kill()
		}
	})
}

// address gives the public addresses of a computer.
func (n *internet) address(ns string) (v4, v6 string) {
	n.t.Helper()
	return n.ask(ns, "ip -4 -o addr show dev wan scope global | sed 's/.*inet \\([^/]*\\).*/\\1/'"), n.ask(ns, "ip -6 -o addr show dev wan scope global | sed 's/.*inet6 \\([^/]*\\).*/\\1/'")
}
