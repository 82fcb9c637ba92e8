package api

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// ownerConn says whether the other end of a unix socket is the owner or root
// (SO_PEERCRED, unix(7)).
func ownerConn(conn net.Conn) bool {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) { cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	return err == nil && credErr == nil && (int(cred.Uid) == os.Getuid() || cred.Uid == 0)
}
