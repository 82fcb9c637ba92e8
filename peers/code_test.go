package peers

import (
	"slices"
	"strings"
	"testing"

	"hither/fusion"
)

func TestWords(t *testing.T) {
	if len(words) < 1024 || !slices.IsSorted(words) {
		t.Errorf("%d words, sorted %v", len(words), slices.IsSorted(words))
	}
	for i, word := range words {
		if len(word) < 3 || len(word) > 8 || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") != "" || i > 0 && word == words[i-1] {
			t.Errorf("%q", word)
		}
	}
}

func TestParseCode(t *testing.T) {
	for text, hint := range map[string]string{
		"4711-apple-river-stone":     "",
		" 4711 Apple RIVER  stone\n": "",
		"4711-aplle-river-stone":     `did you mean apple?`,
		"4711-apple-river-zzzzz":     "read it again",
		"471-apple-river-stone":      "looks like",
		"4711-apple-river":           "looks like",
		"":                           "looks like",
		strings.Repeat("x", 1000):    "looks like",
	} {
		c, err := parseCode(text)
		if hint == "" && (err != nil || c.String() != "4711-apple-river-stone") {
			t.Errorf("%q: %v %v", text, c, err)
		}
		if hint != "" && !strings.Contains(fusion.Hint(err), hint) {
			t.Errorf("%q: hint %q", text, fusion.Hint(err))
		}
	}
	if a, b := newCode(), newCode(); a == b {
		t.Errorf("twice %s", a)
	}
}

func TestCleanName(t *testing.T) {
	for text, want := range map[string]string{
		"nas": "nas", "My Laptop": "My-Laptop", "": "host", "../x": "x", "名前": "host", "-a-": "a",
		strings.Repeat("a", 100): strings.Repeat("a", 60), "self": "self", "a.local": "a.local", "é-e": "e",
	} {
		if got := cleanName(text); got != want || fusion.CheckName(got) != nil {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
