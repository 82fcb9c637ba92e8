package files

import (
	"path"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxName leaves room in the 255 bytes of most file systems for a number.
	maxName = 240
	longExt = 20
)

// Name makes the name of a file of another computer one that is safe here: one
// part of a path, of at most 240 bytes with its extension kept, without
// characters that control a terminal or the direction of text, and none that
// means something to the system. A name that is safe stays as it is.
func Name(name string) string { return safeName(name, runtime.GOOS == "windows") }

func safeName(name string, windows bool) string {
	name = strings.Map(func(r rune) rune {
		if unsafeRune(r) || windows && strings.ContainsRune(`<>:"|?*`, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	if windows {
		name = strings.TrimRight(name, ". ")
	}
	if strings.Trim(name, ". ") == "" {
		return "_"
	}
	if windows && reserved(name) {
		name = "_" + name
	}
	return shorten(name)
}

// unsafeRune says whether a character has no place in a name. Joiners belong to
// the words of some languages and to emoji.
func unsafeRune(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	switch {
	case r == '/' || r == '\\' || r == utf8.RuneError:
		return true
	case r == nonJoiner || r == joiner:
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// reserved says whether Windows takes the name for a device.
func reserved(name string) bool {
	stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
	stem = strings.TrimRight(stem, " ")
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	port, digit := strings.CutPrefix(stem, "COM")
	if !digit {
		port, digit = strings.CutPrefix(stem, "LPT")
	}
	return digit && utf8.RuneCountInString(port) == 1 && strings.ContainsAny(port, "0123456789¹²³")
}

// shorten cuts a long name before its extension.
func shorten(name string) string {
	if len(name) <= maxName {
		return name
	}
	ext := extension(name)
	n := maxName - len(ext)
	for n > 0 && !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n] + ext
}

// extension gives what of a name tells its kind.
func extension(name string) string {
	ext := path.Ext(name)
	if len(ext) > longExt || ext == name {
		return ""
	}
	return ext
}

// numbered gives another name for a second file of the same name.
func numbered(name string, n string) string {
	ext := extension(name)
	return strings.TrimSuffix(name, ext) + " (" + n + ")" + ext
}
