package entry

import (
	"slices"
	"strings"
	"testing"

	"hither/remoteapp/desktop"
)

// What is written is read back by the parser of the catalogue.
func TestHardPathsComeBack(t *testing.T) {
	for _, path := range []string{"/bin/hither", "/with space/hither", `/quote"back\slash/$x/` + "`y`", "/per%cent/%f", "/semi;colon/a&b",
		"/tab\there", "/ümläut/电脑", "/it's"} {
		m := Menu{Data: t.TempDir(), Program: "/bin/hither", Home: path}
		text := m.text(editor(), "icon")
		e, err := desktop.ParseEntry("x", "", []byte(text))
		if err != nil {
			t.Errorf("%q: %v in\n%s", path, err, text)
			continue
		}
		command, err := e.Command(nil)
		if err != nil || !slices.Contains(command, path) {
			t.Errorf("%q came back as %q (%v)", path, command, err)
		}
	}
}

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"Editor":                 "Editor",
		" two\n lines\t":         "two lines",
		"bad\x00\x1b[31m\xff":    "bad [31m",
		"right\u202eto left":     "right to left",
		"文本编辑器":                  "文本编辑器",
		strings.Repeat("x", 500): strings.Repeat("x", 119) + "…",
	} {
		if got := oneLine(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

// FuzzText: whatever another computer calls its apps, the entry is one that
// says nothing but that.
func FuzzText(f *testing.F) {
	f.Add("Editor", "Edit\nExec=rm", "Utility", "text/plain", "nas")
	f.Add("a\\", "[Desktop Action x]", "X;Y", "a/b;c", "n\nExec=x")
	f.Fuzz(func(t *testing.T, name, comment, category, media, host string) {
		m := Menu{Data: "/d", Program: "/bin/hither"}
		a := editor()
		a.Name, a.Comment, a.Categories, a.MIMETypes = name, comment, []string{category}, []string{media}
		a.HostName, a.LocalName, a.Locale = host, comment, category
		if oneLine(name) == "" {
			return // Install gives it another
		}
		text := m.text(a, "icon")
		groups, err := desktop.ParseGroups([]byte(text))
		if err != nil || len(groups) != 1 {
			t.Fatalf("%v in %q", err, text)
		}
		e, err := desktop.ParseEntry("x", "", []byte(text))
		if err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		command, err := e.Command(nil)
		if err != nil || strings.Join(command, " ") != "/bin/hither app run --notify 12D3KooWnas/self org.example.Editor" {
			t.Fatalf("command %q (%v)", command, err)
		}
	})
}
