package remoteapp

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSafeName(t *testing.T) {
	for in, want := range map[string]string{
		"notes.txt":                      "notes.txt",
		"报告 2026.odt":                    "报告 2026.odt",
		"../../etc/passwd":               "passwd",
		`C:\Users\me\a.txt`:              "a.txt",
		"":                               "file",
		".":                              "file",
		"..":                             "file",
		"a/":                             "file",
		".bashrc":                        "_.bashrc",
		"-rf":                            "_-rf",
		"a\nb\x00c\x1b.txt":              "a_b_c_.txt",
		"bad\xff.txt":                    "bad_.txt",
		"exe\u202etxt.x":                 "exe_txt.x",
		strings.Repeat("a", 300) + ".md": strings.Repeat("a", 197) + ".md",
	} {
		if got := safeName(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func FuzzSafeName(f *testing.F) {
	f.Add("a/../b")
	f.Add(strings.Repeat("电", 100) + ".ods")
	f.Fuzz(func(t *testing.T, name string) {
		got := safeName(name)
		if got == "" || len(got) > 210 || !utf8.ValidString(got) || filepath.Base(got) != got || got[0] == '.' {
			t.Errorf("%q gives %q", name, got)
		}
	})
}
