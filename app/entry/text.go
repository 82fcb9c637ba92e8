package entry

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"hither/fusion"
)

// The keys that say what an entry belongs to.
const (
	keyHost    = "X-Hither-Host"
	keyMachine = "X-Hither-Machine"
	keyApp     = "X-Hither-App"
	keyHome    = "X-Hither-Home"
)

// text gives the desktop entry of an app. icon is a name of the theme.
func (m Menu) text(a App, icon string) string {
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			b.WriteString(key + "=" + value + "\n")
		}
	}
	name := oneLine(a.Name)
	generic := oneLine(name + " — " + a.HostName)
	b.WriteString("[Desktop Entry]\n")
	line("Type", "Application")
	line("Version", "1.0") // what every checker knows; nothing here is newer
	line("Name", escape(name))
	if local := oneLine(a.LocalName); local != name && locale.MatchString(a.Locale) {
		line("Name["+a.Locale+"]", escape(local))
	}
	line("GenericName", escape(generic))
	if comment := oneLine(a.Comment); comment != name && comment != generic {
		line("Comment", escape(comment))
	}
	line("Icon", icon)
	line("Exec", escape(m.exec(a)))
	line("TryExec", escape(m.Program))
	line("Terminal", "false")
	line("StartupWMClass", Class(a.Host, a.Machine, a.ID))
	line("Categories", list(a.Categories, func(c string) bool { return categories[c] }))
	line("MimeType", list(a.MIMETypes, isMediaType))
	line("Keywords", list([]string{a.HostName, "Hither"}, func(word string) bool { return fusion.CheckName(word) == nil }))
	line(keyHost, escape(string(a.Host)))
	line(keyMachine, a.Machine)
	line(keyApp, a.ID)
	line(keyHome, escape(m.Home))
	return b.String()
}

// exec gives the command line, before the escapes of a string.
func (m Menu) exec(a App) string {
	args := []string{m.Program}
	if m.Home != "" {
		args = append(args, "--home", m.Home)
	}
	args = append(args, "app", "run", "--notify", string(a.Host)+"/"+a.Machine, a.ID)
	for i, arg := range args {
		args[i] = quote(arg)
	}
	return strings.Join(args, " ") + " %F"
}

// quote makes one argument of an Exec line (section 7): reserved characters
// stand in double quotes, where \ stands before " ` $ and \, and % is doubled.
func quote(arg string) string {
	arg = strings.ReplaceAll(arg, "%", "%%")
	if arg != "" && !strings.ContainsFunc(arg, reserved) {
		return arg
	}
	return `"` + strings.NewReplacer(`"`, `\"`, "`", "\\`", "$", `\$`, `\`, `\\`).Replace(arg) + `"`
}

func reserved(r rune) bool { return strings.ContainsRune(" \t\n\"'\\><~|&;$*?#()`", r) }

// escape writes a value of type string (section 4).
func escape(value string) string {
	value = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(value)
	if strings.HasPrefix(value, " ") {
		value = `\s` + value[1:]
	}
	return value
}

// list writes the items that are sound, each once.
func list(items []string, sound func(string) bool) string {
	const most = 256
	var b strings.Builder
	for i, item := range items {
		if i < most && sound(item) && !slices.Contains(items[:i], item) {
			b.WriteString(item + ";")
		}
	}
	return b.String()
}

var (
	// restricted is a restricted-name of RFC 6838, section 4.2, of any length: as
	// a regular expression the length would cost each command 7 ms at its start.
	restricted = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*$`)
	locale     = regexp.MustCompile(`^[a-z]{2,3}(_[A-Z]{2})?(@[a-z]{1,12})?$`)
)

// isMediaType says whether a text is a type and a subtype.
func isMediaType(text string) bool {
	const most = 127
	name, sub, ok := strings.Cut(text, "/")
	return ok && len(name) <= most && len(sub) <= most && restricted.MatchString(name) && restricted.MatchString(sub)
}

// oneLine keeps a text from elsewhere to one short printable line.
func oneLine(text string) string {
	const most = 120
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most-1]) + "…"
	}
	return text
}
