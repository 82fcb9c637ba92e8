package surface

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestKeyboardSendsEachPressOnce(t *testing.T) {
	var k keyboard
	if k.release(30) {
		t.Error("a key that was never pressed is released")
	}
	if !k.press(30) || k.press(30) {
		t.Error("a held key is sent once")
	}
	if !k.release(30) || k.release(30) {
		t.Error("a release is sent once")
	}
	k.press(30)
	k.releaseAll()
	if !k.press(30) {
		t.Error("a key is held after all were let go")
	}
}

func TestCommandsNeedCtrlAlt(t *testing.T) {
	var k keyboard
	if k.command(keyEnter) != noCommand {
		t.Error("Enter alone is a command")
	}
	k.press(keyRightCtrl)
	if k.command(keyEnter) != noCommand {
		t.Error("Ctrl+Enter is a command")
	}
	k.press(keyLeftAlt)
	for code, want := range map[uint16]command{keyEnter: fullCommand, keyKPEnter: fullCommand,
		keyG: grabCommand, keyI: infoCommand, keyM: muteCommand, 30: noCommand} {
		if got := k.command(code); got != want {
			t.Errorf("Ctrl+Alt+%d is %v, want %v", code, got, want)
		}
	}
}

func TestEvdev(t *testing.T) {
	if _, ok := evdev(8); ok {
		t.Error("keycode 8 is no key")
	}
	if code, ok := evdev(38); !ok || code != 30 {
		t.Errorf("keycode 38 is %d", code)
	}
}

func TestButtons(t *testing.T) {
	real := []byte{1, 2, 3, 8, 9}
	for b := range byte(20) {
		if got, want := realButton(b), strings.IndexByte(string(real), b) >= 0; got != want {
			t.Errorf("realButton(%d) = %v", b, got)
		}
		if _, _, ok := wheel(b); ok != (b >= 4 && b <= 7) {
			t.Errorf("wheel(%d) = %v", b, ok)
		}
	}
	if dx, dy, _ := wheel(6); dx != -notch || dy != 0 {
		t.Errorf("wheel left is %d,%d", dx, dy)
	}
}

func FuzzPlainTitle(f *testing.F) {
	f.Add("nas/win11")
	f.Add("a\x1b]0;b\x07\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := plainTitle(s)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > maxTitle || strings.ContainsAny(got, "\x00\n\x1b\u202e") {
			t.Errorf("plainTitle(%q) = %q", s, got)
		}
	})
}
