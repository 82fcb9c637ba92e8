package catalogue

import (
	"strings"

	"hither/fusion"
)

// SumOf finds a file's sum in a list as publishers have it: "HEX  file" and
// "HEX *file" (sha256sum), "SHA256 (file) = HEX" (BSD, also inside a PGP message),
// or the digits alone, of the one file that the list is for. file may have its path in
// front; a list that names files below its own place ("./netboot/mini.iso") means one with
// that path.
func SumOf(list, file string) (string, bool) {
	alone := strings.Fields(list)
	is := func(name string) bool { return strings.HasSuffix("/"+file, "/"+strings.TrimPrefix(name, "./")) }
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 2 && is(strings.TrimPrefix(fields[1], "*")):
			if sum, ok := sumFrom(fields[0]); ok {
				return sum, true
			}
		case len(fields) == 4 && strings.HasPrefix(fields[1], "(") && is(strings.Trim(fields[1], "()")) && fields[2] == "=" && strings.HasPrefix(fields[0], "SHA"):
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
