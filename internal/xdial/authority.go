package xdial

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
)

// CookieName is the protocol of authorization by a cookie.
const CookieName = "MIT-MAGIC-COOKIE-1"

// Families of addresses in an authority file (Xauth.h).
const (
	FamilyLocal = 256
	FamilyWild  = 65535
)

// DefaultAuthority is the session's authority file, or "".
func DefaultAuthority() string {
	if path := os.Getenv("XAUTHORITY"); path != "" {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".Xauthority")
}

// Cookie finds the cookie of a display of this computer in an authority file ("" is the
// session's). nil is none: a server may let everybody in, and says so if it does not.
func Cookie(file string, number int) []byte {
	if file == "" {
		file = DefaultAuthority()
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	host, err := os.Hostname()
	if err != nil {
		host = "" // any entry does then
	}
	return find(b, host, strconv.Itoa(number))
}

// find prefers the entry of this host to one of any name: a host may have been renamed
// since the file was written. What follows a broken entry is not read.
func find(b []byte, host, display string) (found []byte) {
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
		if string(field[2]) != CookieName || len(field[3]) > 255 || len(field[1]) > 0 && string(field[1]) != display {
			continue
		}
		if family == FamilyWild || family == FamilyLocal && string(field[0]) == host {
			return field[3]
		}
		if family == FamilyLocal && found == nil {
			found = field[3]
		}
	}
	return found
}
