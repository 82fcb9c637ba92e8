package fusion

import "slices"

// Sleep suspends a computer to memory. Only "self" has it; Reboot and Stop
// restart a computer and switch it off.
const Sleep Verb = "sleep"

// PowerVerbs are the verbs of "self". They need AdminCap. A computer that cannot
// do one of them says why in Machine.Cannot.
var PowerVerbs = []Verb{Sleep, Reboot, Stop}

// Refusal says why a machine lacks a verb that its kind has.
type Refusal struct {
	Verb   Verb   `json:"verb"`
	Reason string `json:"reason"` // for people
}

// Away is why a host is offline, as it said before it went.
type Away string

const (
	Asleep     Away = "asleep"
	PoweredOff Away = "off"
	Restarting Away = "restarting"
)

// Away gives what a computer is after a power verb, "" for any other verb.
func (v Verb) Away() Away {
	return map[Verb]Away{Sleep: Asleep, Stop: PoweredOff, Reboot: Restarting}[v]
}

// Check returns an error with cause ErrInvalid unless a is "" or one of the
// words above.
func (a Away) Check() error {
	if slices.Contains([]Away{"", Asleep, PoweredOff, Restarting}, a) {
		return nil
	}
	return &Error{Op: "host.going", Path: clip(string(a)), Cause: ErrInvalid, Hint: "one of: asleep, off, restarting"}
}

// Allows says whether this computer may use a capability there. Of a host that
// does not tell, it is taken to be so: the host itself decides.
func (h HostInfo) Allows(c Capability) bool {
	return h.Local || len(h.May) == 0 || slices.Contains(h.May, string(c)) || slices.Contains(h.May, string(AdminCap))
}

// Offered gives a machine of host as this computer is offered it: a host where it
// is not admin is not to be switched from here.
func (m Machine) Offered(host HostInfo) Machine {
	if m.Kind != KindSelf || host.Allows(AdminCap) {
		return m
	}
	verbs, cannot := []Verb{}, slices.Clone(m.Cannot)
	for _, verb := range m.Verbs {
		if slices.Contains(PowerVerbs, verb) {
			cannot = append(cannot, Refusal{Verb: verb, Reason: "this computer was not granted admin there"})
		} else {
			verbs = append(verbs, verb)
		}
	}
	m.Verbs, m.Cannot = verbs, cannot
	return m
}
