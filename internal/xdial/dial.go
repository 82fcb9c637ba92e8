package xdial

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"hither/internal/rawconn"
)

// Refused is what a server says that lets nobody in without the right cookie.
type Refused string

func (r Refused) Error() string { return "the display refused: " + string(r) }

// Number reads ":N", ":N.S" or "unix:N"; a display of another computer is an error.
func Number(display string) (int, error) {
	host, rest, found := strings.Cut(display, ":")
	digits, _, _ := strings.Cut(rest, ".")
	n, err := strconv.ParseUint(digits, 10, 16)
	if !found || host != "" && host != "unix" || err != nil {
		return 0, fmt.Errorf("display %q: not a display of this computer", display)
	}
	return int(n), nil
}

// Dial connects to the socket of a display.
func Dial(ctx context.Context, number int) (net.Conn, error) {
	var d net.Dialer
	path := "/tmp/.X11-unix/X" + strconv.Itoa(number)
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		if conn, err = d.DialContext(ctx, "unix", "@"+path); err != nil {
			return nil, err
		}
	}
	return rawconn.New(conn), nil
}

// Setup begins a connection, little-endian, and gives what follows the first eight bytes
// of the server's answer, at least 32 bytes; or Refused.
func Setup(conn net.Conn, cookie []byte) ([]byte, error) {
	if _, err := conn.Write(greeting(cookie)); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, err
	}
	body := make([]byte, int(binary.LittleEndian.Uint16(head[6:]))*4)
	if _, err := io.ReadFull(conn, body); err != nil {
		return nil, err
	}
	if head[0] != 1 {
		return nil, Refused(strings.TrimSpace(string(body[:min(int(head[1]), len(body))])))
	}
	if len(body) < 32 {
		return nil, io.ErrUnexpectedEOF
	}
	return body, nil
}

// greeting is the first request.
func greeting(cookie []byte) []byte {
	name := ""
	if cookie != nil {
		name = CookieName
	}
	b := []byte{'l', 0}
	for _, n := range []int{11, 0, len(name), len(cookie), 0} {
		b = binary.LittleEndian.AppendUint16(b, uint16(n))
	}
	for _, field := range []string{name, string(cookie)} {
		for b = append(b, field...); len(b)%4 != 0; {
			b = append(b, 0)
		}
	}
	return b
}
