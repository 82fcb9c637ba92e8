package vmctl

import (
	"strings"

	"hither/fusion"
)

// sumOf finds a file's sum in a list as publishers have it: "HEX  file" and
// "HEX *file" (sha256sum), "SHA256 (file) = HEX" (BSD, also inside a PGP message),
// or the digits alone, of the one file that the list is for.
func sumOf(list, file string) (string, bool) {
	alone := strings.Fields(list)
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 2 && strings.TrimPrefix(fields[1], "*") == file:
			if sum, ok := sumFrom(fields[0]); ok {
				return sum, true
			}
		case len(fields) == 4 && fields[1] == "("+file+")" && fields[2] == "=" && strings.HasPrefix(fields[0], "SHA"):
			if sum, ok := sumFrom(fields[3]); ok {
				return sum, true
			}
		}
	}
	if len(alone) == 1 {
		return sumFrom(alone[0])
	}
	return "", false
}

// sumFrom tells the kind of a sum by its length.
func sumFrom(digits string) (string, bool) {
	for _, kind := range []string{"sha256:", "sha512:"} {
		if sum := kind + strings.ToLower(digits); fusion.CheckSum(sum) == nil {
			return sum, true
		}
	}
	return "", false
}
