package house

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// spoken is a package that says something in every way that is followed.
const spoken = `package a

import (
	"errors"
	"fmt"
	"strings"

	"hither/b"
)

const begins = "the disk " + "of "

var errGone = errors.New("it is gone")

var table = map[string]string{"x": "one of a table"}

type lack struct{ verb, why string }

type Error struct {
	Detail string
	Cause  error
}

func held() Error { return Error{Detail: "held at once", Cause: errGone} }

func list() []lack { return []lack{{"start", "without a field's name"}} }

func state() (string, string) {
	if len(begins) > 3 {
		return "off", "a second result"
	}
	return "on", ""
}

func use(c, name string) {
	var why string
	_, why = state()
	note := begins + name + " is full"
	other := "or this"
	if c == "" {
		other = fmt.Sprintf("%d of %q", 3, name)
	}
	said := "no word " + name
	refuse(said+"; read it again", table[c])
	refuse(other, b.Says())
	refuse(why, strings.Join(append([]string{"in a list"}, note), "; "))
	refuse(func() string { return "of a function here" }(), "stop")
}

// refuse hands its words on under other names.
func refuse(what, then string) { tell(what, then) }

func tell(what, hint string) { panic(Error{Detail: what}) }

func quiet() string { return "nobody asks for this" }
`

func TestTextsAreFollowed(t *testing.T) {
	root := t.TempDir()
	for name, source := range map[string]string{
		"a/a.go": spoken,
		"b/b.go": "package b\n\nfunc Says() (s string) {\n\ts = \"of another package\"\n\treturn s\n}\n\nfunc Word() string { return \"not called at all\" }\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"a second result", "held at once", "in a list", "it is gone", "no word {0}; read it again", "of a function here",
		"of another package", "one of a table", "or this", "the disk of {0} is full", "without a field's name", `{0} of "{1}"`,
	}
	if got := slices.Sorted(maps.Keys(textsOf(t, root, []string{"a", "b"}))); !slices.Equal(got, want) {
		t.Errorf("found\n%q\nwant\n%q", got, want)
	}
}
