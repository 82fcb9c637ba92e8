package capture

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
)

const xcookieName = "MIT-MAGIC-COOKIE-1"

// xcookie finds the cookie of a local display in an Xauthority file, or nil.
func xcookie(file string, display int) []byte {
	if file == "" {
		file = os.Getenv("XAUTHORITY")
	}
	if file == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil
		}
		file = filepath.Join(home, ".Xauthority")
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	host, _ := os.Hostname()
	return findCookie(b, host, strconv.Itoa(display))
}

// findCookie prefers the entry of this host to one of any name: a host may have
// been renamed since the file was written.
func findCookie(b []byte, host, display string) (found []byte) {
	const local, wild = 256, 65535
	for len(b) >= 2 {
		family := binary.BigEndian.Uint16(b)
		b = b[2:]
		var field [4][]byte // address, display, name, data
		for i := range field {
			if len(b) < 2 {
				return found
			}
			n := int(binary.BigEndian.Uint16(b))
			if b = b[2:]; n > len(b) {
				return found
			}
			field[i], b = b[:n], b[n:]
		}
		if string(field[2]) != xcookieName || len(field[3]) > 255 || len(field[1]) > 0 && string(field[1]) != display {
			continue
		}
		if family == wild || family == local && string(field[0]) == host {
			return field[3]
		}
		if family == local && found == nil {
			found = field[3]
		}
	}
	return found
}
