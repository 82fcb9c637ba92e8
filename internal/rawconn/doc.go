// Package rawconn reads and writes sockets without telling Go's scheduler.
//
// A system call by way of package net tells the scheduler that it may take long. If the
// process had rested, that wakes its monitor (sysmon), a thread that sleeps and looks a
// few times and then rests again: eight system calls and four switches of threads for a
// letter that is typed, a third of what it costs where switches are dear, as in virtual
// machines. But a call on a socket that does not block cannot take long; see
// entersyscall in Go's runtime/proc.go.
package rawconn

import (
	"net"
	"syscall"
)

// Socket is a connection that says which socket it is.
type Socket interface {
	net.Conn
	syscall.Conn
}
