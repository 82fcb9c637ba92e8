package mirror

import (
	"slices"
	"testing"

	"hither/fusion"
	"hither/mirror/wire"
)

func TestTextIsTypedAndWhatCannotBeIsTold(t *testing.T) {
	s, f, _ := serve(t, 10, 10)
	w := watch(t, s, fusion.ViewOptions{})
	w.shows(f)
	w.say(wire.Text{Text: "abc"}, wire.Text{Text: "axb"}, wire.Text{Text: "x"})
	if !slices.Contains(f.inputs, wire.Message(wire.Text{Text: "abc"})) {
		t.Errorf("the source got %v", f.inputs)
	}
	if m := w.hear(); m != wire.Message(wire.Untyped{Text: "xx"}) {
		t.Errorf("heard %#v", m)
	}
	looker := watch(t, s, fusion.ViewOptions{ViewOnly: true})
	looker.shows(f)
	before := len(f.inputs)
	looker.say(wire.Text{Text: "abc"})
	if len(f.inputs) != before {
		t.Error("a viewer that only looks typed")
	}
}

func TestTextGoesToItsWindow(t *testing.T) {
	_, f, _, w := serveWindows(t, fusion.ViewOptions{})
	one := f.put(win(1, wire.Active))
	w.say(wire.Desk{Width: 800, Height: 600})
	w.shows(1, one)
	w.say(wire.Over{Window: 1}, wire.Text{Text: "x世"}, wire.Over{Window: 7}, wire.Text{Text: "gone"})
	w.until(func() bool { return slices.Contains(w.heard, wire.Message(wire.Untyped{Text: "x"})) })
	if want := []fakeInput{{1, wire.Text{Text: "x世"}}}; !slices.Equal(f.inputs, want) {
		t.Errorf("got %v, want %v", f.inputs, want)
	}
}

// A viewer that types what cannot be typed and reads nothing costs no memory.
func TestUntypedIsBounded(t *testing.T) {
	s, f, _ := serve(t, 10, 10)
	w := watch(t, s, fusion.ViewOptions{})
	w.shows(f)
	for range 1000 {
		w.say(wire.Text{Text: "x"})
	}
	if m, is := w.hear().(wire.Untyped); !is || len(m.Text) != maxUntyped {
		t.Errorf("heard %d bytes", len(m.Text))
	}
}
