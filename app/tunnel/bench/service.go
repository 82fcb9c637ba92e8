//go:build linux

package main

import (
	"io"
	"net"
	"sync"
)

// service is what tunnels lead to: the first byte of a connection says what it does. It ends
// with the program.
type service struct {
	l    net.Listener
	port int
}

const (
	source = 's' // sends until the connection ends
	sink   = 'k' // takes all, and sends a byte for each MiB
	echo   = 'e' // sends back
)

const chunk = 256 << 10

func startService() (*service, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &service{l: l, port: l.Addr().(*net.TCPAddr).Port}
	go func() { // until the program ends
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return s, nil
}

var chunks = sync.Pool{New: func() any { b := make([]byte, chunk); return &b }}

func serve(conn net.Conn) {
	defer conn.Close()
	var what [1]byte
	if _, err := io.ReadFull(conn, what[:]); err != nil {
		return
	}
	buf := chunks.Get().(*[]byte)
	defer chunks.Put(buf)
	switch what[0] {
	case source:
		for {
			if _, err := conn.Write(*buf); err != nil {
				return
			}
		}
	case sink:
		taken := 0
		for {
			n, err := conn.Read(*buf)
			if err != nil {
				return
			}
			for taken += n; taken >= 1<<20; taken -= 1 << 20 {
				if _, err := conn.Write([]byte{0}); err != nil {
					return
				}
			}
		}
	case echo:
		small := make([]byte, 16<<10)
		for {
			n, err := conn.Read(small)
			if err != nil {
				return
			}
			if _, err := conn.Write(small[:n]); err != nil {
				return
			}
		}
	}
}
