package fusion

import "fmt"

// DeploySpec says where copies of a machine are to be. To is required.
type DeploySpec struct {
	// To are the hosts, each once; this host may be among them.
	To []HostID `json:"to"`
	// Count is how many machines each host gets; default 1. Those of one host share
	// what came there: linked clones of a template.
	Count int `json:"count"`
	// Prefix begins the names, PREFIX-1, PREFIX-2, … over all hosts; default: the
	// machine's name. The template on a host with several is PREFIX-base.
	Prefix string `json:"prefix"`
	Start  bool   `json:"start"`
}

const (
	maxDeployHosts = 64
	maxDeployCount = 64
	maxPrefix      = maxName - 8
)

// Check fills in defaults for a machine of a name, and returns an error with cause
// ErrInvalid for hosts that are none or named twice, a count that is not 1 to 64, and
// a prefix that makes no names.
func (s DeploySpec) Check(machine string) (DeploySpec, error) {
	refuse := func(detail, hint string) (DeploySpec, error) {
		return s, &Error{Op: "machine.deploy", Path: machine, Cause: ErrInvalid, Detail: detail, Hint: hint}
	}
	if s.Count == 0 {
		s.Count = 1
	}
	if s.Prefix == "" {
		s.Prefix = machine
	}
	seen := map[HostID]bool{}
	for _, host := range s.To {
		if seen[host] {
			return refuse("a host is named twice", "to have several machines on one host, give a count")
		}
		seen[host] = true
	}
	switch {
	case len(s.To) == 0 || len(s.To) > maxDeployHosts:
		return refuse("no hosts, or too many", fmt.Sprintf("name 1 to %d hosts", maxDeployHosts))
	case s.Count < 1 || s.Count > maxDeployCount:
		return refuse("no such number of machines", fmt.Sprintf("1 to %d on each host", maxDeployCount))
	case CheckName(s.Prefix) != nil || len(s.Prefix) > maxPrefix:
		return refuse("names cannot begin so", fmt.Sprintf("begin them with 1 to %d letters, digits and . _ - ~", maxPrefix))
	}
	return s, nil
}

// Names gives the names of the machines on the host that is i-th of To.
func (s DeploySpec) Names(i int) (names []string) {
	for n := range s.Count {
		names = append(names, fmt.Sprintf("%s-%d", s.Prefix, i*s.Count+n+1))
	}
	return names
}

// Base is the name of the template on a host that gets several machines.
func (s DeploySpec) Base() string { return s.Prefix + "-base" }
