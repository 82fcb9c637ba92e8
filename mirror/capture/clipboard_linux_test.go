package capture

import "testing"

func TestAWindowHasNoClipboardOfItsOwn(t *testing.T) {
	var source any = &xwindow{x11: &x11{}}
	if c, ok := source.(Clipboarded); ok && c.Clipboard() != nil {
		t.Error("it gives one that is not there")
	}
}
