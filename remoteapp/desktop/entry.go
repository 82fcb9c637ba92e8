// Package desktop reads what the freedesktop.org specifications say about
// installed programs: desktop entries (1.5), their localised names, command
// lines and icons. It only reads files; it runs nothing.
//
// A Catalogue is the one way in. Files of one's own override the system's. A
// file that is malformed, hidden, or whose program is not there is left out.
package desktop

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxFile bounds a desktop entry or an index.theme.
const maxFile = 1 << 20

// Group is one [group] of a desktop file: keys, with their [locale], to raw
// values. Of two equal keys the later counts, as in GLib.
type Group map[string]string

// mainGroup must be the first group of a desktop entry.
const mainGroup = "Desktop Entry"

var errFormat = errors.New("malformed desktop entry")

// ParseGroups reads the basic format of desktop files (section 3): UTF-8,
// comments, [group] headers and key=value lines.
func ParseGroups(data []byte) (map[string]Group, error) {
	if len(data) > maxFile || !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: too long or not UTF-8", errFormat)
	}
	groups := map[string]Group{}
	var current Group
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimRight(line, " \t\r\n")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			name, ok := header(line)
			if !ok {
				return nil, fmt.Errorf("%w: line %d", errFormat, number)
			}
			if groups[name] == nil {
				groups[name] = Group{}
			}
			current = groups[name]
		default:
			key, value, ok := strings.Cut(line, "=")
			key = strings.TrimRight(key, " \t")
			if !ok || current == nil || !validKey(key) {
				return nil, fmt.Errorf("%w: line %d", errFormat, number)
			}
			current[key] = strings.TrimLeft(value, " \t")
		}
	}
	return groups, nil
}

func header(line string) (name string, ok bool) {
	name, ok = strings.CutSuffix(line[1:], "]")
	return name, ok && name != "" && !strings.ContainsAny(name, "[]")
}

// validKey takes A-Za-z0-9- with an optional [locale]. Underscores and dots are
// taken too: real files have them.
func validKey(key string) bool {
	name, locale, localised := strings.Cut(key, "[")
	if localised {
		if locale, localised = strings.CutSuffix(locale, "]"); !localised || locale == "" || strings.ContainsAny(locale, "[]") {
			return false
		}
	}
	for _, c := range []byte(name) {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.", rune(c)) {
			return false
		}
	}
	return name != ""
}

// unescape resolves \s \n \t \r \\ and, in lists, \; of a value of type string.
func unescape(value string) string {
	if !strings.Contains(value, `\`) {
		return value
	}
	return strings.NewReplacer(`\s`, " ", `\n`, "\n", `\t`, "\t", `\r`, "\r", `\\`, `\`, `\;`, ";").Replace(value)
}

// List gives a value's items, which end in semicolons.
func (g Group) List(key string) []string {
	var items []string
	raw := g[key]
	for start, i := 0, 0; i <= len(raw); i++ {
		switch {
		case i < len(raw) && raw[i] == '\\':
			i++
		case i >= len(raw) || raw[i] == ';':
			if item := unescape(raw[start:min(i, len(raw))]); item != "" {
				items = append(items, item)
			}
			start = i + 1
		}
	}
	return items
}

// String gives a value.
func (g Group) String(key string) string { return unescape(g[key]) }

// Bool says whether a value is "true".
func (g Group) Bool(key string) bool { return g[key] == "true" }

// Localised gives a value in the language of a BCP 47 tag, or the plain one.
func (g Group) Localised(key, tag string) string {
	for _, locale := range Locales(tag) {
		if value, ok := g[key+"["+locale+"]"]; ok {
			return unescape(value)
		}
	}
	return g.String(key)
}

// Entry is one program of the catalogue.
type Entry struct {
	ID   string // its file's name under applications/, "/" as "-", without .desktop
	Path string // its file; "" for a program without one
	keys Group
}

// ParseEntry reads a desktop entry of Type Application that has an Exec line.
func ParseEntry(id, path string, data []byte) (*Entry, error) {
	groups, err := ParseGroups(data)
	if err != nil {
		return nil, err
	}
	e := &Entry{ID: id, Path: path, keys: groups[mainGroup]}
	switch {
	case e.keys == nil:
		return nil, fmt.Errorf("%w: no [%s]", errFormat, mainGroup)
	case e.keys.Bool("Hidden"):
		return e, nil // it only says that the program is deleted
	case e.keys["Type"] != "Application" || e.keys.String("Name") == "":
		return nil, fmt.Errorf("%w: not an application with a name", errFormat)
	}
	if _, err := split(e.keys.String("Exec")); err != nil {
		return nil, err
	}
	return e, nil
}

// Shown says whether a menu would show it, on any desktop.
func (e *Entry) Shown() bool {
	return !e.keys.Bool("Hidden") && !e.keys.Bool("NoDisplay") && !e.elsewhere()
}

// Name, Comment, Icon and so on are the entry's keys.
func (e *Entry) Name(tag string) string    { return e.keys.Localised("Name", tag) }
func (e *Entry) Comment(tag string) string { return e.keys.Localised("Comment", tag) }
func (e *Entry) Icon() string              { return e.keys.String("Icon") }
func (e *Entry) Categories() []string      { return e.keys.List("Categories") }
func (e *Entry) MIMETypes() []string       { return e.keys.List("MimeType") }
func (e *Entry) Terminal() bool            { return e.keys.Bool("Terminal") }
func (e *Entry) WorkDir() string           { return e.keys.String("Path") }
