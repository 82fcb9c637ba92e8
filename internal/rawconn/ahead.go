package rawconn

import (
	"bufio"
	"net"
)

// Ahead is New for a connection of which r has read: what r holds comes first.
func Ahead(c net.Conn, r *bufio.Reader) net.Conn { return &ahead{New(c), r} }

type ahead struct {
	net.Conn
	r *bufio.Reader
}

func (a *ahead) Read(p []byte) (int, error) {
	if a.r.Buffered() > 0 {
		return a.r.Read(p)
	}
	return a.Conn.Read(p)
}
