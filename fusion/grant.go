package fusion

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Capability is one kind of thing that a paired key may be allowed to do here.
type Capability string

const (
	ViewCap     Capability = "view"     // see hosts, machines, screens
	ControlCap  Capability = "control"  // keyboard, mouse, power of virtual machines
	MachinesCap Capability = "machines" // create, change and remove; power of virtual machines
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

// ParseCapability reads a capability alone; an unknown word is ErrInvalid.
func ParseCapability(text string) (Capability, error) {
	if c := Capability(text); slices.Contains(Capabilities, c) {
		return c, nil
	}
	var words []string
	for _, c := range Capabilities {
		words = append(words, string(c))
	}
	return "", &Error{Op: "grant", Path: clip(text), Cause: ErrInvalid, Hint: "one of: " + strings.Join(words, ", ")}
}

// Grant is a capability that a paired key has here: of everything or of one object, for
// good or until a time. Its text is CAP[@OBJECT][,until=TIME].
type Grant struct {
	Cap Capability
	// Object is what it is limited to, "" when it is not. Of view, control, machines, apps
	// and microphone it is a machine, and of all but machines it may be an app of one as
	// MACHINE/APP; of files it is a folder; of tunnel see Target.Object. Where grants are kept a virtual machine is its
	// UUID, so that the grant goes with it and not with its name; for people it is its name.
	Object string
	// Until is when it ends, zero when it does not.
	Until time.Time
}

const untilPrefix = "until="

// ParseGrant reads CAP[@OBJECT][,until=TIME] with TIME as in RFC 3339. What is malformed
// is ErrInvalid, and an object that is not enforced is ErrUnsupported.
func ParseGrant(text string) (Grant, error) {
	var g Grant
	head, until, ends := strings.Cut(text, ",")
	word, object, limited := strings.Cut(head, "@")
	refuse := func(cause error, detail, hint string) (Grant, error) {
		return Grant{}, &Error{Op: "grant", Path: clip(text), Cause: cause, Detail: detail, Hint: hint}
	}
	var err error
	if g.Cap, err = ParseCapability(word); err != nil {
		return Grant{}, err
	}
	if limited {
		if hint, cause := checkObject(g.Cap, object); cause != nil {
			return refuse(cause, "", hint)
		}
		g.Object = object
	}
	if ends {
		value, named := strings.CutPrefix(until, untilPrefix)
		g.Until, err = time.Parse(time.RFC3339, value)
		if g.Until = g.Until.UTC().Truncate(time.Second); err != nil || !named || g.Until.Year() < 2000 || g.Until.Year() > 9999 {
			return refuse(ErrInvalid, "", "a grant ends as in view,until="+time.Date(2026, 12, 4, 18, 0, 0, 0, time.UTC).Format(time.RFC3339))
		}
	}
	return g, nil
}

// checkObject says why a capability cannot be limited to an object.
func checkObject(c Capability, object string) (hint string, cause error) {
	if c == TunnelCap {
		return checkTunnelObject(object)
	}
	parts := strings.Split(object, "/")
	for _, part := range parts {
		if CheckName(part) != nil {
			return "an object is a name, or MACHINE/APP, as in view@web or apps@self/org.gnome.Maps", ErrInvalid
		}
	}
	switch c {
	case AdminCap:
		return "admin is of the whole computer; limit control, machines or apps to one machine instead", ErrInvalid
	case MeshCap:
		return fmt.Sprintf("grant %s as a whole; its objects are not enforced yet", c), ErrUnsupported
	case MachinesCap, FilesCap:
		if len(parts) > 1 {
			return map[Capability]string{MachinesCap: "machines is of a machine, as in machines@web",
				FilesCap: "files is of a folder, as in files@photos"}[c], ErrInvalid
		}
	}
	if len(parts) > 2 {
		return "an object has at most two parts: MACHINE/APP", ErrInvalid
	}
	return "", nil
}

const tunnelObjectHint = "tunnel is of a machine, a port of one, or an address with its port, as in tunnel@web, tunnel@self/80 and tunnel@10.0.0.5:443; a name that it may publish is tunnel@https:www.example.org"

// checkTunnelObject says why a tunnel cannot be limited to an object.
func checkTunnelObject(object string) (hint string, cause error) {
	if _, site := siteOf(object); site {
		return "", nil
	}
	if strings.Contains(object, ":") {
		if _, t, err := ParseTarget(":" + object); err != nil || t.Object() != object {
			return tunnelObjectHint, ErrInvalid
		}
		return "", nil
	}
	machine, port, one := strings.Cut(object, "/")
	if CheckName(machine) != nil {
		return tunnelObjectHint, ErrInvalid
	}
	if _, err := parsePort(port, 1); one && err != nil {
		return tunnelObjectHint, ErrInvalid
	}
	return "", nil
}

// String gives the text of a grant, its time in UTC.
func (g Grant) String() string {
	text := string(g.Cap)
	if g.Object != "" {
		text += "@" + g.Object
	}
	if !g.Until.IsZero() {
		text += "," + untilPrefix + g.Until.UTC().Format(time.RFC3339)
	}
	return text
}

// MarshalText gives String.
func (g Grant) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText reads String's text and never fails: a text that this release does not
// understand, as a later one may write it, is kept as it is and grants nothing.
func (g *Grant) UnmarshalText(text []byte) error {
	parsed, err := ParseGrant(string(text))
	if err != nil {
		parsed = Grant{Cap: Capability(text)}
	}
	*g = parsed
	return nil
}

// Ended says whether a grant is over.
func (g Grant) Ended(now time.Time) bool { return !g.Until.IsZero() && !now.Before(g.Until) }

// Covers says whether a grant holds for an object, all of it: it is the object's own, or
// of the machine that the object is in, or of everything. "" is everything. What opens the
// computer to its network, a site, is covered by its own grant only.
func (g Grant) Covers(object string) bool {
	if _, site := siteOf(object); site {
		return g.Object == object
	}
	return g.Object == "" || g.Object == object || strings.HasPrefix(object, g.Object+"/")
}

// Touches says whether a grant holds for an object or for a part of it.
func (g Grant) Touches(object string) bool {
	return g.Covers(object) || object == "" || strings.HasPrefix(g.Object, object+"/")
}

// Whole makes grants of everything, for good.
func Whole(caps ...Capability) []Grant {
	list := make([]Grant, len(caps))
	for i, c := range caps {
		list[i] = Grant{Cap: c}
	}
	return list
}

// Allows says whether a key with these grants, all of them in force, may use a capability
// on everything.
func Allows(grants []Grant, want Capability) bool { return AllowsOn(grants, want, "") }

// AllowsOn says whether a key with these grants may use a capability on an object.
func AllowsOn(grants []Grant, want Capability, object string) bool {
	return slices.ContainsFunc(grants, func(g Grant) bool {
		return g.Cap == AdminCap || g.Cap == want && g.Covers(object)
	})
}
