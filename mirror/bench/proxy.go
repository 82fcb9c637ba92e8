//go:build linux

package main

import (
	"encoding/binary"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"hither/mirror/wire"
)

// counter is a proxy that counts the bytes both ways. Its goroutines end with
// close. The target is a TCP address or the path of a unix socket.
type counter struct {
	listener net.Listener
	target   string
	total    atomic.Int64
	media    atomic.Int64 // see taps
	wait     sync.WaitGroup

	mu    sync.Mutex // guards the fields below
	conns []net.Conn
	done  bool
}

// count listens on a loopback port for a server on another.
func count(target string) (*counter, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &counter{listener: l, target: target}
	c.wait.Add(1)
	go c.accept()
	return c, nil
}

func (c *counter) addr() *net.TCPAddr { return c.listener.Addr().(*net.TCPAddr) }
func (c *counter) bytes() int64       { return c.total.Load() }

func (c *counter) accept() {
	defer c.wait.Done()
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial(network(c.target), c.target)
		if err != nil {
			near.Close()
			continue
		}
		if !c.keep(near, far) {
			return
		}
		c.wait.Add(2)
		go c.carry(near, far, (&tap{media: &c.media}).see)
		go c.carry(far, near, func([]byte) {})
	}
}

func network(target string) string {
	if strings.HasPrefix(target, "/") {
		return "unix"
	}
	return "tcp"
}

func (c *counter) keep(conns ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conns...)
	if c.done {
		c.closeConns()
	}
	return !c.done
}

func (c *counter) closeConns() {
	for _, conn := range c.conns {
		conn.Close()
	}
}

func (c *counter) carry(dst, src net.Conn, see func([]byte)) {
	defer c.wait.Done()
	defer dst.Close()
	buf := make([]byte, 256<<10)
	for {
		n, err := src.Read(buf)
		c.total.Add(int64(n))
		see(buf[:n])
		if n > 0 {
			if _, err := dst.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (c *counter) close() error {
	err := c.listener.Close()
	c.mu.Lock()
	c.done = true
	c.closeConns()
	c.mu.Unlock()
	c.wait.Wait()
	return err
}

// tap reads what a Hither server says, see wire.Stream, and counts the bytes of
// messages that are no signs of life. Of another server's words it counts
// something or other.
type tap struct {
	media *atomic.Int64
	head  [3]byte // length and type of the message
	have  int     // of head
	left  int     // of the message, from its type on
}

var pong = wire.Pong{}.Append(nil)[0]

func (t *tap) see(b []byte) {
	for len(b) > 0 {
		if t.have < len(t.head) {
			t.head[t.have] = b[0]
			t.have++
			b = b[1:]
			if t.have == len(t.head) {
				t.begin()
			}
			continue
		}
		n := min(t.left, len(b))
		t.left -= n
		b = b[n:]
		if t.left == 0 {
			t.have = 0
		}
	}
}

// begin looks at a message whose type is known.
func (t *tap) begin() {
	n := int(binary.BigEndian.Uint16(t.head[:]))
	if t.head[2] != pong {
		t.media.Add(int64(n))
	}
	if t.left = n - 1; t.left <= 0 {
		t.left, t.have = 0, 0
	}
}
