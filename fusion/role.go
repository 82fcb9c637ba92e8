package fusion

import (
	"fmt"
	"slices"
	"strings"
)

// The roles say what a host is for. They are its owner's word: nothing is
// forbidden by them, but machines that may be anywhere prefer ComputeRole.
const (
	ComputeRole = "compute" // runs machines
	StorageRole = "storage" // keeps files
	RouterRole  = "router"  // connects networks
)

// Roles lists every role.
var Roles = []string{ComputeRole, StorageRole, RouterRole}

// ChangeRoles gives the set now with add put in and remove taken out, each role
// once and in the order of Roles. A word that is no role, or one that is both
// put in and taken out, is ErrInvalid.
func ChangeRoles(now, add, remove []string) ([]string, error) {
	for _, role := range slices.Concat(add, remove) {
		if !slices.Contains(Roles, role) {
			return nil, &Error{Op: "host.role", Path: clip(role), Cause: ErrInvalid, Detail: "there is no such role",
				Hint: "one of: " + strings.Join(Roles, ", ")}
		}
		if slices.Contains(add, role) && slices.Contains(remove, role) {
			return nil, &Error{Op: "host.role", Path: role, Cause: ErrInvalid, Detail: "it is to be put in and taken out",
				Hint: fmt.Sprintf("say either --add %s or --remove %s", role, role)}
		}
	}
	roles := []string{}
	for _, role := range Roles {
		if (slices.Contains(now, role) || slices.Contains(add, role)) && !slices.Contains(remove, role) {
			roles = append(roles, role)
		}
	}
	return roles, nil
}
