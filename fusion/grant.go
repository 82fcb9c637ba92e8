package fusion

import (
	"slices"
	"strings"
)

// Capability is one thing that a paired key may be allowed to do here.
type Capability string

const (
	ViewCap     Capability = "view"     // see hosts, machines, screens
	ControlCap  Capability = "control"  // keyboard, mouse, power of virtual machines
	MachinesCap Capability = "machines" // create and remove
	AppsCap     Capability = "apps"     // list and launch
	FilesCap    Capability = "files"    // folders and files
	// MicrophoneCap lets a viewer's microphone be that of the programs it views.
	MicrophoneCap Capability = "microphone"
	TunnelCap     Capability = "tunnel"
	MeshCap       Capability = "mesh"
	AdminCap      Capability = "admin" // host paths, settings, power of the computer; implies all
)

// Capabilities lists every capability in the order a person is asked.
var Capabilities = []Capability{ViewCap, ControlCap, MachinesCap, AppsCap, FilesCap, MicrophoneCap, TunnelCap, MeshCap, AdminCap}

// ParseGrant reads CAP[@OBJECT][,until=TIME]. Objects and expiry are refused
// with ErrUnsupported until they are enforced; an unknown word is ErrInvalid.
func ParseGrant(text string) (Capability, error) {
	if strings.ContainsAny(text, "@,") {
		return "", &Error{Op: "grant", Path: clip(text), Cause: ErrUnsupported,
			Hint: "grant a whole capability; objects and expiry are not enforced yet"}
	}
	if c := Capability(text); slices.Contains(Capabilities, c) {
		return c, nil
	}
	var words []string
	for _, c := range Capabilities {
		words = append(words, string(c))
	}
	return "", &Error{Op: "grant", Path: clip(text), Cause: ErrInvalid,
		Hint: "one of: " + strings.Join(words, ", ")}
}

// Allows says whether a key with these grants may use a capability.
func Allows(grants []Capability, want Capability) bool {
	return slices.Contains(grants, want) || slices.Contains(grants, AdminCap)
}
