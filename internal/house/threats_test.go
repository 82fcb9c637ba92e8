package house

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testsOf gives the names of all tests and fuzz targets of the project.
func testsOf(t *testing.T) map[string]bool {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*_test.go")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9_]+)\(`)
	found := map[string]bool{}
	for name := range bytes.SplitSeq(bytes.TrimRight(out, "\x00"), []byte{0}) {
		text, err := os.ReadFile(filepath.Join(cmd.Dir, string(name)))
		if os.IsNotExist(err) {
			continue // removed and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range function.FindAllSubmatch(text, -1) {
			found[string(m[1])] = true
		}
	}
	if len(found) < 1000 {
		t.Fatalf("only %d tests were found", len(found))
	}
	return found
}

var namedTest = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`")

// TestEveryThreatHasATest: each row of the table and each paragraph of docs/threats.md names
// a test, and what is named is there.
func TestEveryThreatHasATest(t *testing.T) {
	tests := testsOf(t)
	text, err := os.ReadFile("../../docs/threats.md")
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	for block := range strings.SplitSeq(string(text), "\n\n") {
		parts := []string{block}
		if strings.HasPrefix(block, "|") {
			parts = strings.Split(strings.TrimSpace(block), "\n")[2:] // without the head
		} else if strings.HasPrefix(block, "#") || looked == 0 && !strings.HasPrefix(block, "**") {
			continue // the title, and what the page is
		}
		for _, part := range parts {
			looked++
			names := namedTest.FindAllStringSubmatch(part, -1)
			if len(names) == 0 {
				t.Errorf("no test is named by: %.80s", part)
			}
			for _, name := range names {
				if !tests[name[1]] {
					t.Errorf("there is no %s, which is named by: %.80s", name[1], part)
				}
			}
		}
	}
	if looked < 40 {
		t.Errorf("only %d lines were looked at", looked)
	}
}
