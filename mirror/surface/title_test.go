package surface

import (
	"strings"
	"testing"
)

func TestHostTitle(t *testing.T) {
	long := strings.Repeat("长", 1000)
	for _, c := range []struct{ title, host, want string }{
		{"win11", "nas", "win11 — nas"},
		{"win11", "", "win11"},
		{long, "nas", strings.Repeat("长", maxTitle/2-1) + "… — nas"},
	} {
		if got := plainTitle(hostTitle(c.title, c.host)); got != c.want {
			t.Errorf("hostTitle(%.20q, %q) = %q", c.title, c.host, got)
		}
	}
}
