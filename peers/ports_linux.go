package peers

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// sharesPorts says whether a dial can leave from the port that TCP listens on,
// as the punching of holes needs.
const sharesPorts = true

// share lets this process bind the port of a listening socket again. It is called
// after bind: Linux lets two sockets have one port only when both had
// SO_REUSEPORT at the bind of the later one, so a second node, whose listener has
// not, is still refused (inet_csk_get_port, net/ipv4/inet_connection_sock.c).
func share(l net.Listener) error {
	raw, err := l.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	return reuse(raw)
}

func reuse(raw syscall.RawConn) error {
	var err error
	if failed := raw.Control(func(fd uintptr) {
		if err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err == nil {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		}
	}); failed != nil {
		return failed
	}
	return err
}
