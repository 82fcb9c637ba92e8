//go:build !linux

package api

import "net"

// ownerConn trusts the directory of the socket, which only the owner may enter.
func ownerConn(conn net.Conn) bool {
	_, ok := conn.(*net.UnixConn)
	return ok
}
