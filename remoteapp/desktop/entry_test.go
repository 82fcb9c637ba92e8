package desktop

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const sample = `# a comment
[Desktop Entry]
Type=Application
Name = Viewer
Name[de]=Betrachter
Name[de_AT]=Schauer
Name[sr@latin]=Preglednik
Name[zh_CN]=查看器
Name[zh_TW]=檢視器
Comment=Line\none\sand\\two
Exec=viewer --name "a \"b\" \\$c" %U
Categories=Graphics;Semi\;colon;;
Terminal=false

[Desktop Action New]
Name=New
Exec=viewer --new
`

func TestParseEntry(t *testing.T) {
	e, err := ParseEntry("viewer", "/x/viewer.desktop", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[string]string{
		"": "Viewer", "en-GB": "Viewer", "de": "Betrachter", "de-AT": "Schauer", "de-CH-1996": "Betrachter",
		"zh-CN": "查看器", "zh-Hans": "查看器", "zh": "查看器", "zh-Hant-TW": "檢視器", "zh-Hant": "檢視器",
		"sr-Latn-RS": "Preglednik", "sr": "Viewer", "---": "Viewer",
	} {
		if got := e.Name(tag); got != want {
			t.Errorf("name in %q: %q, want %q", tag, got, want)
		}
	}
	if got := e.Comment(""); got != "Line\none and\\two" {
		t.Errorf("comment %q", got)
	}
	if got := e.Categories(); !slices.Equal(got, []string{"Graphics", "Semi;colon"}) {
		t.Errorf("categories %q", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", "Name=x\n[Desktop Entry]\n", "[Desktop Entry\nName=x", "[Desktop Entry]\nno value\n",
		"[Desktop Entry]\nType=Link\nName=x\nExec=x\n", "[Desktop Entry]\nType=Application\nExec=x\n",
		"[Desktop Entry]\nType=Application\nName=x\n", "[Desktop Entry]\nType=Application\nName=x\nExec=\"x\n",
		"[Desktop Entry]\nType=Application\nName=\xff\nExec=x\n", "[Desktop Entry]\nNa me=x\n", "[Desktop Entry]\nName[=x\n",
		"[Desktop Entry]\nType=Application\nName=x\nExec=%f\n", strings.Repeat("#", maxFile+1),
	} {
		if _, err := ParseEntry("x", "", []byte(text)); err == nil {
			t.Errorf("took %.60q", text)
		}
	}
}

func TestLocales(t *testing.T) {
	for tag, want := range map[string][]string{
		"en":             {"en"},
		"pt-BR":          {"pt_BR", "pt"},
		"sr-Latn-RS":     {"sr_RS@latin", "sr_RS", "sr@latin", "sr"},
		"ca-ES-valencia": {"ca_ES@valencia", "ca_ES", "ca@valencia", "ca"},
		"es-419":         {"es_419", "es"},
		"en-x-GB":        {"en"},
		"de_DE":          {"de_DE", "de"},
		"":               nil,
	} {
		if got := Locales(tag); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", tag, got, want)
		}
	}
}

func TestCommand(t *testing.T) {
	files := []string{"/a b", "/c%d"}
	for _, c := range []struct {
		exec  string
		files []string
		want  []string
	}{
		{`prog`, nil, []string{"prog"}},
		{`prog %f`, nil, []string{"prog"}},
		{`prog %f x`, files[:1], []string{"prog", "/a b", "x"}},
		{`prog %F`, files, []string{"prog", "/a b", "/c%d"}},
		{`prog %U`, files, []string{"prog", "file:///a%20b", "file:///c%25d"}},
		{`prog --file=%u`, files[:1], []string{"prog", "--file=file:///a%20b"}},
		{`prog %i %c %k %m 100%%`, nil, []string{"prog", "--icon", "ic", "Na me", "/e", "", "100%"}},
		{`"my prog" "a\"b\\\\c" 'd e' ""`, nil, []string{"my prog", `a"b\c`, "d e", ""}},
		{`sh -c "echo \\$HOME \\` + "`x\\\\`" + `"`, nil, []string{"sh", "-c", "echo $HOME `x`"}},
	} {
		e := &Entry{Path: "/e", keys: Group{"Exec": c.exec, "Name": "Na me", "Icon": "ic"}}
		got, err := e.Command(c.files)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v, want %q", c.exec, got, err, c.want)
		}
	}
	for exec, most := range map[string]int{"prog": 0, "prog %f": 1, "prog --x=%u": 1} {
		e := &Entry{keys: Group{"Exec": exec}}
		if _, err := e.Command(files); !reflect.DeepEqual(err, TooManyFiles{Max: most}) {
			t.Errorf("%s: %v", exec, err)
		}
	}
	for _, exec := range []string{"prog %", "prog %z", `prog "a`, `prog 'a`, "A=b prog", " ", `""`, "prog \x00"} {
		e := &Entry{keys: Group{"Exec": exec}}
		if got, err := e.Command(nil); err == nil {
			t.Errorf("%q: took %q", exec, got)
		}
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("[Desktop Entry]\nHidden=true\n"))
	f.Add([]byte("[Desktop Entry]\nType=Application\nName=x\nExec=\"a\\\" '%f\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ParseEntry("x", "/x", data)
		if err != nil {
			return
		}
		e.Name("sr-Latn-RS")
		e.Categories()
		if args, err := e.Command([]string{"/f"}); err == nil && args[0] == "" {
			t.Errorf("no program in %q", args)
		}
	})
}

func FuzzLocales(f *testing.F) {
	f.Add("zh-Hant-TW")
	f.Fuzz(func(t *testing.T, tag string) {
		if got := Locales(tag); len(got) > 4 {
			t.Errorf("%q: %q", tag, got)
		}
	})
}

// tree writes files below a new directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
