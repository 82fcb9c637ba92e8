//go:build e2e && linux

package surface

import (
	"os/exec"
	"testing"

	"hither/mirror/wire"
)

// layout gives the desktop a layout.
func (d *desk) layout(name string) {
	d.t.Helper()
	if out, err := exec.Command("setxkbmap", "-display", d.name, name).CombinedOutput(); err != nil {
		d.t.Fatalf("setxkbmap: %v\n%s", err, out)
	}
}

func TestLettersGoAsWhatTheyAreHere(t *testing.T) {
	d := newDesk(t)
	d.layout("de")
	s, pipe := newSource(t, 320, 200, "letters")
	runView(t, d, pipe, Config{Letters: true})
	s.paint(320, 200, 1)
	_, area := d.waitWindow("letters")
	const keyY, keyQ, keyE, acute, altGr, ctrl, enter = 21, 16, 18, 13, 100, 29, 28
	d.press(keyY)
	s.expect(wire.Text{Text: "z"})
	d.press(altGr, keyQ)
	s.expect(wire.Text{Text: "@"})
	d.press(acute)
	d.press(keyE)
	s.expect(wire.Text{Text: "é"})
	d.press(ctrl, keyY)
	s.expect(wire.Key{Code: ctrl, Down: true})
	s.expect(wire.Text{Text: "z"})
	s.expect(wire.Key{Code: ctrl})
	d.press(enter)
	s.expect(wire.Key{Code: enter, Down: true})
	// The layout changes while the window is open.
	d.layout("us")
	d.until("the letters of another layout", func() bool {
		d.press(keyY)
		for {
			if text, is := (<-s.messages).(wire.Text); is {
				return text.Text == "y"
			}
		}
	})
	s.write(wire.Untyped{Text: "世界"})
	d.until("a note over the picture", func() bool { return d.labels(area) == 1 })
}
