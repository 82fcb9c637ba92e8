package vmctl

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
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
	return plain(name, "vm", head(uuid))
}

// outsideSnapshot gives the name under which a snapshot is shown, likewise; a
// hash of its odd name keeps it apart.
func outsideSnapshot(name string) string {
	if name == "" || fusion.CheckName(name) == nil {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return plain(name, "snapshot", hex.EncodeToString(sum[:4]))
}

// plain makes a name of CheckName out of any; what is empty gets another.
func plain(name, empty, tail string) string {
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
	return cmp.Or(safe, empty) + "-" + tail
}

// head is the first eight digits of a UUID.
func head(uuid string) string {
	if len(uuid) > 8 {
		return uuid[:8]
	}
	return uuid
}
