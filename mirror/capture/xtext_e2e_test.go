//go:build e2e && linux

package capture

import (
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hither/mirror/wire"
)

// written starts an xterm that writes what is typed to a file, and waits until
// it takes keys. xterm reads other characters only in a UTF-8 locale.
func written(t *testing.T, display string, c *canvas, s Source) func() string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "typed")
	cmd := on(display, "xterm", "-geometry", "80x24+0+0", "-e", "sh", "-c", "stty -echo -icanon; cat > "+file)
	cmd.Env = append(cmd.Env, "LC_ALL=C.UTF-8")
	start(t, cmd)
	text := func() string {
		b, _ := os.ReadFile(file) // not there yet
		return string(b)
	}
	c.until(t, "xterm is there", func() bool { return c.pixel(image.Pt(200, 200)) == 0xffffff })
	input := func(m wire.Message) {
		if err := s.Input(m); err != nil {
			t.Fatal(err)
		}
	}
	input(wire.Pointer{X: 200, Y: 100})
	c.until(t, "xterm takes keys", func() bool { input(wire.Text{Text: "-"}); return strings.HasSuffix(text(), "-") })
	input(wire.Text{Text: "="})
	c.until(t, "xterm has read all of it", func() bool { return strings.HasSuffix(text(), "=") })
	return text
}

// hundred are a hundred characters that no key has: more than may be bound at
// once.
func hundred() string {
	var b strings.Builder
	for i := range 100 {
		b.WriteRune(0x4e00 + rune(i))
	}
	return b.String()
}

func TestX11TypesTextExactly(t *testing.T) {
	display, _ := xvfb(t, "-screen", "0", "800x600x24")
	s, err := X11(t.Context(), X11Config{Display: display})
	c := draw(t, s, err)
	text := written(t, display, c, s)
	input := func(m wire.Message) {
		t.Helper()
		if err := s.Input(m); err != nil {
			t.Fatal(err)
		}
	}
	const capsLock, shift = 58, 42
	press := func(code uint16) {
		input(wire.Key{Code: code, Down: true})
		input(wire.Key{Code: code})
	}
	all := "Grüße, 世界! naïve ŷ €5 @ ~ \\ \"q\" Привет 😀"
	plain := func() { input(wire.Text{Text: all + "."}) }
	for _, c2 := range []struct {
		what string
		do   func()
		want string
	}{
		{"plain", plain, all + "."},
		{"with Caps Lock", func() { press(capsLock); plain(); press(capsLock) }, all + "."},
		{"with Shift held", func() {
			input(wire.Key{Code: shift, Down: true})
			plain()
			press(30)
			input(wire.Key{Code: shift})
		}, all + ".A"},
		{"in the second of two layouts", func() {
			run(t, on(display, "setxkbmap", "us,de", "-option", "grp:shifts_toggle"))
			plain()
		}, all + "."},
		{"more than may be bound at once", func() {
			for part := []rune(hundred()); len(part) > 0; part = part[20:] {
				input(wire.Text{Text: string(part[:20])})
			}
		}, hundred()},
	} {
		before := len(text())
		c2.do()
		c.until(t, c2.what+" is typed", func() bool { return len(text()) >= before+len(c2.want) })
		if got := text()[before:]; got != c2.want {
			t.Errorf("%s: typed %q, want %q", c2.what, got, c2.want)
		}
	}
	if err := s.Input(wire.Text{Text: "a\x01b"}); err == nil || err.Error() != `cannot be typed here: "\x01"` {
		t.Errorf("a control character: %v", err)
	}
}

// The keymap that text was bound in is as before when the capture ends.
func TestX11GivesTheKeymapBack(t *testing.T) {
	display, _ := xvfb(t, "-screen", "0", "800x600x24")
	before := run(t, on(display, "xmodmap", "-pke"))
	s, err := X11(t.Context(), X11Config{Display: display})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Input(wire.Text{Text: "世界"}); err != nil {
		t.Fatal(err)
	}
	if run(t, on(display, "xmodmap", "-pke")) == before {
		t.Error("nothing was bound")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if after := run(t, on(display, "xmodmap", "-pke")); after != before {
		t.Errorf("the keymap is now\n%s", after)
	}
}
