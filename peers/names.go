package peers

import (
	"fmt"
	"strings"

	"hither/fusion"
)

// cleanName makes a name that fusion.CheckName takes out of any text.
func cleanName(text string) string {
	var b strings.Builder
	for _, c := range text {
		r := "-"
		if c < 0x80 && fusion.CheckName("a"+string(c)) == nil {
			r = string(c)
		}
		b.WriteString(r)
	}
	name := strings.TrimRight(strings.TrimLeft(b.String(), "-._~"), "-")
	name = name[:min(len(name), 60)]
	if fusion.CheckName(name) != nil {
		return "host"
	}
	return name
}

// freeName gives name, or name-2, name-3 … when taken says so.
func freeName(name string, taken func(string) bool) string {
	free := name
	for i := 2; taken(free); i++ {
		free = fmt.Sprintf("%s-%d", name, i)
	}
	return free
}
