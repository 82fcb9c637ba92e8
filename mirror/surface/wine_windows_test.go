package surface

import (
	"net"
	"os"
	"testing"

	"hither/mirror/wire"
)

// TestAgainstAHost shows the screen that a host at $HITHER_TEST_HOST sends, for
// TestWindowsInWine, which is that host.
func TestAgainstAHost(t *testing.T) {
	address := os.Getenv("HITHER_TEST_HOST")
	if address == "" {
		t.Skip("it is run by TestWindowsInWine")
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if err := Run(t.Context(), wire.Stream(conn), Config{Host: "nas", Color: [3]uint8{0x12, 0x34, 0x56}}); err != nil {
		t.Error(err)
	}
}
