package x11

import (
	"crypto/rand"
	"encoding/binary"
	"os"

	"hither/internal/xdial"
)

// WriteAuthority writes a file with a new random cookie that fits whatever
// number the display gets. Only its owner may read it.
func WriteAuthority(path string) error {
	cookie := make([]byte, 16)
	if _, err := rand.Read(cookie); err != nil {
		return err
	}
	b := binary.BigEndian.AppendUint16(nil, xdial.FamilyWild)
	for _, field := range []string{"", "", xdial.CookieName, string(cookie)} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(field)))
		b = append(b, field...)
	}
	return os.WriteFile(path, b, 0o600)
}
