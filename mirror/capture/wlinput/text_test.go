package wlinput

import (
	"slices"
	"strings"
	"testing"
)

func TestSheets(t *testing.T) {
	all := sheets("aü\na")
	if len(all) != 1 || !slices.Equal(all[0].keys, []uint32{1, 2, 3, 1}) {
		t.Fatalf("%v", all)
	}
	for _, want := range []string{"<K0> = 9;", "key <K0> { [ U0061 ] };", "key <K1> { [ U00FC ] };", "key <K2> { [ Return ] };"} {
		if !strings.Contains(all[0].keymap, want) {
			t.Errorf("%s lacks %s", all[0].keymap, want)
		}
	}
	var many []rune
	for i := range rune(300) {
		many = append(many, 0x4e00+i)
	}
	all = sheets(string(many))
	if len(all) != 2 || len(all[0].keys) != maxSymbols || len(all[1].keys) != 300-maxSymbols || slices.Max(all[0].keys) != maxSymbols {
		t.Errorf("%d sheets", len(all))
	}
}
