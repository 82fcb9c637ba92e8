package files

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestName(t *testing.T) {
	long := strings.Repeat("é", 200)
	for in, want := range map[string]string{
		"plain.txt":                          "plain.txt",
		"屏幕 1.png":                           "屏幕 1.png",
		".env":                               ".env",
		"12:30 <a>.txt":                      "12:30 <a>.txt",
		"..":                                 "_",
		".":                                  "_",
		"":                                   "_",
		" . ":                                "_",
		"../../etc/passwd":                   ".._.._etc_passwd",
		`..\..\boot.ini`:                     ".._.._boot.ini",
		"/etc/passwd":                        "_etc_passwd",
		"a\x00b":                             "a_b",
		"a\nb\x1b[31m":                       "a_b_[31m",
		"gpj.\u202eexe":                      "gpj._exe",
		"\u2066x\u2069":                      "_x_",
		"bad\xff":                            "bad_",
		"family \U0001f468\u200d\U0001f469":  "family \U0001f468\u200d\U0001f469",
		long + ".tar":                        strings.Repeat("é", 118) + ".tar",
		long + "." + strings.Repeat("x", 50): strings.Repeat("é", 120),
	} {
		if got := safeName(in, false); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"CON": "_CON", "con.txt": "_con.txt", "Aux .c": "_Aux .c", "lpt9": "_lpt9", "com²": "_com²", "com": "com", "console": "console",
		"a:b": "a_b", "end. ": "end", `w?*|"`: "w____",
	} {
		if got := safeName(in, true); got != want {
			t.Errorf("on Windows %q became %q, want %q", in, got, want)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"a", "../x", "a\x00", "\u202ex", strings.Repeat("ä", 300) + ".png", "nul.txt"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		for _, windows := range []bool{false, true} {
			got := safeName(in, windows)
			if got == "" || got == "." || got == ".." || len(got) > maxName+1 || !utf8.ValidString(got) || strings.ContainsAny(got, "/\\\x00") || !filepath.IsLocal(got) {
				t.Fatalf("%q became %q", in, got)
			}
			if again := safeName(got, windows); again != got && !windows {
				t.Fatalf("%q became %q and then %q", in, got, again)
			}
		}
	})
}

func TestNumbered(t *testing.T) {
	for in, want := range map[string]string{"a.txt": "a (2).txt", "a": "a (2)", ".env": ".env (2)", "a.tar.gz": "a.tar (2).gz"} {
		if got := numbered(in, "2"); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func TestPaths(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	list := "# a comment\r\nfile:///a/b%20c\r\nfile://localhost/d\r\nfile://" + host + "/e\r\nfile://elsewhere/f\r\n" +
		"http://localhost/g\r\nfile:///h/../../i\r\nfile:relative\r\nfile:///nul%00\r\nnonsense\r\n"
	want := "/a/b c|/d|/e|/i"
	if got := strings.Join(Paths([]byte(list)), "|"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Paths([]byte("cut\nfile:///a\nfile:///b")); len(got) != 2 || got[1] != "/b" {
		t.Errorf("cut files are %q", got)
	}
	paths := []string{"/a b", "/ü%", "/#?;\n"}
	if got := Paths(URIs(paths)); strings.Join(got, "|") != strings.Join(paths, "|") {
		t.Errorf("%q came back as %q", paths, got)
	}
}

func FuzzPaths(f *testing.F) {
	f.Add([]byte("copy\nfile:///a/b"))
	f.Add([]byte("file:///a%00\r\n"))
	f.Fuzz(func(t *testing.T, list []byte) {
		paths := Paths(list)
		for _, path := range paths {
			if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) || len(paths) > maxTop {
				t.Fatalf("%q of %q", path, list)
			}
		}
	})
}
