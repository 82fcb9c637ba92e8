package vmctl

import (
	"strings"

	"hither/fusion"
)

// outsideName gives the name under which a domain is shown. A domain that Create
// made keeps its own. One made elsewhere may have a name that fusion refuses;
// its odd letters become dashes and the head of its UUID keeps it apart.
func outsideName(name, uuid string) string {
	if name != fusion.Self && fusion.CheckName(name) == nil {
		return name
	}
	const longest = 48
	safe := strings.Map(func(r rune) rune {
		one := string(r)
		if fusion.CheckName("x"+one) == nil {
			return r
		}
		return '-'
	}, name)
	safe = strings.Trim(safe, "-._~")
	if len(safe) > longest {
		safe = safe[:longest]
	}
	if safe == "" {
		safe = "vm"
	}
	return safe + "-" + head(uuid)
}

// head is the first eight digits of a UUID.
func head(uuid string) string {
	if len(uuid) > 8 {
		return uuid[:8]
	}
	return uuid
}
