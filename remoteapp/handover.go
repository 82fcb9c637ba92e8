package remoteapp

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// safeName makes the name of a file from another computer one that is safe in a
// directory of its own: its last part, printable, at most 200 bytes with its
// extension kept, and not hidden.
func safeName(name string) string {
	const most, longExt = 200, 20
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	name = strings.TrimSpace(name)
	if len(name) > most {
		ext := path.Ext(name)
		if len(ext) > longExt {
			ext = ""
		}
		name = cut(name, most-len(ext)) + ext
	}
	if strings.Trim(name, ". ") == "" {
		return "file"
	}
	if name[0] == '.' || name[0] == '-' {
		name = "_" + name
	}
	return name
}

// cut keeps at most n bytes of a text and splits no rune.
func cut(text string, n int) string {
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
