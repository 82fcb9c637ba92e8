package process

import (
	"net"
	"time"
)

// Answers says whether a program accepts connections on a unix socket, within five seconds.
func Answers(path string) bool {
	conn, err := net.DialTimeout("unix", path, 5*time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close() // nothing was written
	return true
}
