//go:build linux

package main

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// counter is a proxy that counts the bytes both ways. Its goroutines end with
// close.
type counter struct {
	listener net.Listener
	target   string
	total    atomic.Int64
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
		far, err := net.Dial("tcp", c.target)
		if err != nil {
			near.Close()
			continue
		}
		if !c.keep(near, far) {
			return
		}
		c.wait.Add(2)
		go c.carry(near, far)
		go c.carry(far, near)
	}
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

func (c *counter) carry(dst, src net.Conn) {
	defer c.wait.Done()
	defer dst.Close()
	buf := make([]byte, 256<<10)
	for {
		n, err := src.Read(buf)
		c.total.Add(int64(n))
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

// quiet is how many bytes may pass in the pauses of a picture at rest: signs of
// life, not pixels.
const quiet = 400

// rest waits until next to nothing has passed for a while.
func (c *counter) rest(ctx context.Context, length time.Duration) error {
	for {
		before := c.bytes()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(length):
		}
		if c.bytes()-before < quiet {
			return nil
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
