package fusion

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// DeploySpec says where copies of a machine, or machines of an image, are to be. To is required.
type DeploySpec struct {
	// To are the hosts, each once; this host may be among them.
	To []HostID `json:"to"`
	// Count is how many machines each host gets; default 1. Those of one host share
	// what came there: linked clones of a template.
	Count int `json:"count"`
	// Prefix begins the names, PREFIX-1, PREFIX-2, … over all hosts; default: the
	// machine's name, or the image's without its suffix. The template on a host with
	// several copies of a machine is PREFIX-base.
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
	return s.check("machine.deploy", machine)
}

// CheckImage is Check for an image, of which machines are made as of says. They cannot
// have one host name or address.
func (s DeploySpec) CheckImage(image string, of MachineSpec) (DeploySpec, error) {
	const op = "image.deploy"
	if s.Prefix == "" {
		base, suffix := image, path.Ext(image)
		if slices.Contains(imageSuffixes, suffix) {
			base = strings.TrimSuffix(image, suffix)
		}
		s.Prefix = base[:min(len(base), maxPrefix)]
	}
	s, err := s.check(op, image)
	if err != nil || of.Seed == nil {
		return s, err
	}
	if len(s.To)*s.Count > 1 && (of.Seed.Hostname != "" || len(of.Seed.Addresses) > 0) {
		return s, &Error{Op: op, Path: image, Cause: ErrInvalid, Detail: "several machines cannot have one host name or address",
			Hint: "leave them out: each is called like its machine, and asks DHCP"}
	}
	return s, of.Seed.Check()
}

// imageSuffixes are of files, and no part of a machine's name.
var imageSuffixes = []string{".qcow2", ".img", ".raw", ".iso"}

func (s DeploySpec) check(op, of string) (DeploySpec, error) {
	refuse := func(detail, hint string) (DeploySpec, error) {
		return s, &Error{Op: op, Path: of, Cause: ErrInvalid, Detail: detail, Hint: hint}
	}
	if s.Count == 0 {
		s.Count = 1
	}
	if s.Prefix == "" {
		s.Prefix = of
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
