package vmctl

import (
	"hither/vmctl/domxml"
	"hither/vmctl/seed"
)

// plan is a machine about to be made.
type plan struct {
	domxml.Plan
	install *seed.Installation // of a machine that installs by itself, or nil
	hash    string             // of the password that it is to have, or ""
	half    bool               // it failed, and nobody knows whether it is there
}
