package proxy

import (
	"context"
	"net"
	"strconv"
	"strings"
)

// UsernetPort reads "info usernet" (net/slirp.c and libslirp's connection table): below
// a line "Hub …(NETDEV):" are lines such as
//
//	TCP[HOST_FORWARD]  15  127.0.0.1 40022  10.0.2.15  22  0  0
func UsernetPort(text, netdev, proto string, guestPort int) int {
	inside := false
	for line := range strings.Lines(text) {
		if strings.HasSuffix(strings.TrimSpace(line), "):") {
			inside = strings.Contains(line, "("+netdev+"):")
			continue
		}
		f := strings.Fields(line)
		if !inside || len(f) < 6 || f[0] != strings.ToUpper(proto)+"[HOST_FORWARD]" || f[2] != "127.0.0.1" || f[5] != strconv.Itoa(guestPort) {
			continue
		}
		if n, err := strconv.Atoi(f[3]); err == nil && n > 0 && n < 1<<16 {
			return n
		}
	}
	return 0
}

// FreePort gives a port of the loopback that nobody has now.
func FreePort(ctx context.Context, proto string) (int, error) {
	var listening net.ListenConfig
	if proto == "udp" {
		c, err := listening.ListenPacket(ctx, "udp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		return c.LocalAddr().(*net.UDPAddr).Port, c.Close()
	}
	l, err := listening.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
