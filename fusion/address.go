package fusion

import (
	"fmt"
	"strings"
)

// Self is the name of the machine that is the host's own operating system.
const Self = "self"

// HostID is the libp2p peer ID of a node: the text form of its Ed25519 key.
type HostID string

// Address names one thing on one host: HOST, HOST/MACHINE or HOST/MACHINE/APP.
// An empty Host is this computer. Host may be a name or a HostID. App also names
// a running app's instance, or one of several monitors.
type Address struct {
	Host    string
	Machine string
	App     string
}

// ParseAddress reads HOST/MACHINE/APP, HOST/MACHINE or a bare MACHINE of this
// computer. It returns an error with cause ErrInvalid for anything else.
func ParseAddress(text string) (Address, error) {
	parts := strings.Split(text, "/")
	for _, part := range parts {
		if err := CheckName(part); err != nil {
			return Address{}, &Error{Op: "address", Path: text, Cause: ErrInvalid,
				Hint: "an address is MACHINE, HOST/MACHINE or HOST/MACHINE/APP; " + Hint(err)}
		}
	}
	switch len(parts) {
	case 1:
		return Address{Machine: parts[0]}, nil
	case 2:
		return Address{Host: parts[0], Machine: parts[1]}, nil
	case 3:
		return Address{Host: parts[0], Machine: parts[1], App: parts[2]}, nil
	}
	return Address{}, &Error{Op: "address", Path: text, Cause: ErrInvalid,
		Hint: "an address has at most three parts: HOST/MACHINE/APP"}
}

// String joins the parts that are set with slashes.
func (a Address) String() string {
	var parts []string
	for _, part := range []string{a.Host, a.Machine, a.App} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/")
}

// maxName is the longest name in bytes; libvirt and file systems both take it.
const maxName = 64

// CheckName returns an error with cause ErrInvalid unless name is 1 to 64
// letters, digits, dots, dashes, underscores or tildes of ASCII and begins with
// a letter or a digit. Such a name is safe in a path, in XML and in a URL.
func CheckName(name string) error {
	if name == "" || len(name) > maxName {
		return &Error{Op: "name", Path: clip(name), Cause: ErrInvalid,
			Hint: fmt.Sprintf("a name has 1 to %d characters", maxName)}
	}
	for i, c := range []byte(name) {
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if alnum || i > 0 && strings.IndexByte("._-~", c) >= 0 {
			continue
		}
		return &Error{Op: "name", Path: clip(name), Cause: ErrInvalid,
			Hint: "a name begins with a letter or a digit and goes on with letters, digits and . _ - ~"}
	}
	return nil
}

// clip makes a refused name short and printable enough for an error's path.
func clip(name string) string {
	if len(name) > maxName {
		name = name[:maxName] + "…"
	}
	return strings.Trim(fmt.Sprintf("%q", name), `"`)
}
