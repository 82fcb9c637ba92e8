package house

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// nodeTables are the page's Chinese forms of what a node says.
const nodeTables = "../../frontend/src/i18n/node*.zh.ts"

// said are the names of fields, variables, parameters and results that hold what a person reads.
var said = []string{"Hint", "Detail", "Note", "Reason", "Step", "Text", "Broken", "Cause", "hint", "detail", "note", "reason", "why"}

func holds(name string) bool {
	return slices.Contains(said, name) || strings.HasSuffix(name, "Hint") || strings.HasSuffix(name, "Note")
}

func TestWhatANodeSaysIsSaidInChinese(t *testing.T) {
	known := chineseTemplates(t)
	var dirs []string
	for _, p := range list(t, tags, "./...") {
		if speaks(p.ImportPath) {
			dirs = append(dirs, strings.TrimPrefix(p.ImportPath, "hither/"))
		}
	}
	found := textsOf(t, "../..", dirs)
	if len(found) < 100 {
		t.Fatalf("only %d texts were found in the sources", len(found))
	}
	for text, at := range found {
		if !known[text] {
			t.Errorf("%s:%d: %q has no Chinese form in frontend/src/i18n/node.*.zh.ts", strings.TrimPrefix(at.Filename, "../../"), at.Line, text)
		}
	}
}

// quiet are packages whose texts the page does not show: the command line and
// the tests, the native window, and readers of bytes, which name a broken place
// for whoever repairs the program.
var quiet = []string{
	"hither/cmd", "hither/internal", "hither/frontend", "hither/app/bench", "hither/app/tunnel/bench", "hither/mirror/bench", "hither/mirror/codec", "hither/mirror/link",
	"hither/mirror/surface", "hither/mirror/wire", "hither/mirror/webm", "hither/mirror/vpx",
}

func speaks(path string) bool {
	return ours(path) && path != "hither" && !strings.HasSuffix(path, "test") &&
		!slices.ContainsFunc(quiet, func(root string) bool { return under(path, root) })
}

func chineseTemplates(t *testing.T) map[string]bool {
	t.Helper()
	files, _ := filepath.Glob(nodeTables)
	entry := regexp.MustCompile(`(?m)^  '((?:[^'\\]|\\.)*)':`)
	known := map[string]bool{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range entry.FindAllStringSubmatch(string(source), -1) {
			known[regexp.MustCompile(`\\(.)`).ReplaceAllString(m[1], "$1")] = true
		}
	}
	return known
}
