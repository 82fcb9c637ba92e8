//go:build linux

package main

import (
	"context"
	"net"
	"time"

	"hither/internal/path"
)

// meter counts what passes between a server and its viewer, both ways.
type meter interface{ bytes() int64 }

// route is the way between a server and its viewer: the loopback device with a
// counting proxy, or a shaped path between two namespaces.
type route struct {
	path *path.Path // nil: loopback
}

// far is the server's side, near the viewer's; nil is this process's own.
func (r route) far() *path.Side {
	if r.path == nil {
		return nil
	}
	return r.path.Far
}

func (r route) near() *path.Side {
	if r.path == nil {
		return nil
	}
	return r.path.Near
}

// longWay opens a path of its own for a peer, whose TCP is pinned to cubic: the
// default elsewhere may be another, which loss hurts less.
func (h *house) longWay(shape path.Shape, number uint64) (route, error) {
	p, err := path.Open(path.Config{Shape: shape, Seed: number, Congestion: "cubic"})
	if err != nil {
		return route{}, err
	}
	h.onClose(p.Close)
	return route{p}, nil
}

// listen gives where the server is to listen.
func (r route) listen() (*net.TCPAddr, error) {
	if r.path != nil { // nobody else is there
		return &net.TCPAddr{IP: r.path.Far.Addr.AsSlice(), Port: 5999}, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return l.Addr().(*net.TCPAddr), l.Close()
}

// connect gives where the viewer finds a server, and what counts the bytes: the
// proxy, or the path itself.
func (r route) connect(h *house, server string) (*net.TCPAddr, meter, error) {
	if r.path != nil {
		addr, err := net.ResolveTCPAddr("tcp", server)
		return addr, r, err
	}
	c, err := count(server)
	if err != nil {
		return nil, nil, err
	}
	h.onClose(c.close)
	return c.addr(), c, nil
}

// bytes gives what has entered the path.
func (r route) bytes() int64 { return r.path.Near.Count().Bytes + r.path.Far.Count().Bytes }

// quiet is how many bytes may pass in the pauses of a picture at rest: signs of
// life, not pixels. On a path the headers of IP count, and those that keep a way
// for datagrams open.
const (
	quiet     = 400
	quietPath = 1500
)

// rest waits until next to nothing has passed for a while.
func rest(ctx context.Context, m meter, length time.Duration) error {
	least := int64(quiet)
	if _, shaped := m.(route); shaped {
		least = quietPath
	}
	for {
		before := m.bytes()
		if err := sleep(ctx, length); err != nil {
			return err
		}
		if m.bytes()-before < least {
			return nil
		}
	}
}
