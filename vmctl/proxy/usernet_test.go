package proxy

import "testing"

func TestReadUsernet(t *testing.T) {
	const text = "Hub -1 (hostnet1):\n  TCP[HOST_FORWARD]  12       127.0.0.1 40001       10.0.2.15    22     0     0\n" +
		"Hub -1 (hostnet0):\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\n" +
		"  TCP[ESTABLISHED]   14       10.0.2.15 40009       10.9.0.1    22     0     0\n" +
		"  TCP[HOST_FORWARD]  13               * 40008       10.0.2.15    22     0     0\n" +
		"  TCP[HOST_FORWARD]  12       127.0.0.1 40002       10.0.2.15    22     0     0\n" +
		"  UDP[HOST_FORWARD]  12       127.0.0.1 40003       10.0.2.15    53     0     0\n"
	for _, c := range []struct {
		netdev, proto string
		port, want    int
	}{{"hostnet0", "tcp", 22, 40002}, {"hostnet1", "tcp", 22, 40001}, {"hostnet0", "udp", 53, 40003}, {"hostnet0", "tcp", 53, 0}, {"hostnet2", "tcp", 22, 0}} {
		if got := UsernetPort(text, c.netdev, c.proto, c.port); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
