package x11

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

// Families of addresses in an authority file (Xauth.h).
const (
	familyLocal = 256
	familyWild  = 65535
)

const cookieName = "MIT-MAGIC-COOKIE-1"

var errAuthority = errors.New("malformed Xauthority file")

// authority is one entry of an authority file.
type authority struct {
	family                uint16
	address, number, name string
	data                  []byte
}

// WriteAuthority writes a file with a new random cookie that fits whatever
// number the display gets. Only its owner may read it.
func WriteAuthority(path string) error {
	cookie := make([]byte, 16)
	if _, err := rand.Read(cookie); err != nil {
		return err
	}
	b := binary.BigEndian.AppendUint16(nil, familyWild)
	for _, field := range []string{"", "", cookieName, string(cookie)} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(field)))
		b = append(b, field...)
	}
	return os.WriteFile(path, b, 0o600)
}

// parseAuthority reads the entries of an authority file (Xau's XauReadAuth):
// each a family and four counted strings, big-endian.
func parseAuthority(data []byte) ([]authority, error) {
	var all []authority
	for len(data) > 0 {
		if len(data) < 2 {
			return nil, errAuthority
		}
		a := authority{family: binary.BigEndian.Uint16(data)}
		data = data[2:]
		var fields [4]string
		for i := range fields {
			if len(data) < 2 {
				return nil, errAuthority
			}
			n := int(binary.BigEndian.Uint16(data))
			if len(data) < 2+n {
				return nil, errAuthority
			}
			fields[i], data = string(data[2:2+n]), data[2+n:]
		}
		a.address, a.number, a.name, a.data = fields[0], fields[1], fields[2], []byte(fields[3])
		all = append(all, a)
	}
	return all, nil
}

// cookie finds the cookie for a display of this computer; none is no error, for
// a server may let everybody in.
func cookie(path string, number int) ([]byte, error) {
	if path == "" {
		path = DefaultAuthority()
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	entries, err := parseAuthority(data)
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	for _, a := range entries {
		here := a.family == familyWild || a.family == familyLocal && a.address == host
		if here && (a.number == "" || a.number == strconv.Itoa(number)) && a.name == cookieName && len(a.data) == 16 {
			return a.data, nil
		}
	}
	return nil, nil
}

// DefaultAuthority is the session's authority file.
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
