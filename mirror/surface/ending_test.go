package surface

import (
	"strings"
	"testing"

	"hither/fusion"
	"hither/mirror/wire"
)

func TestTheHostsLastWordsHaveAHint(t *testing.T) {
	for text, want := range map[string]string{
		"broken":                          "open the screen again",
		"the monitor is gone\nask for it": "ask for it",
		"\n":                              "open the screen again",
		"a\nb\x1b[2J\nc":                  "b[2Jc",
	} {
		err := closedError(wire.Closed{Reason: wire.Failed, Text: text})
		detail, _, _ := strings.Cut(text, "\n")
		if fusion.Hint(err) != want || !strings.Contains(err.Error(), detail) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, hint %q", text, err, fusion.Hint(err))
		}
	}
}
