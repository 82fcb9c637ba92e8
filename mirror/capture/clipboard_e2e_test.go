//go:build linux && e2e

package capture

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"hither/internal/xserver"
	"hither/mirror/wire"
)

const clipWait = 20 * time.Second

// board is a clipboard under test with what it told.
type board struct {
	t    *testing.T
	name string
	*XClipboard
	told chan []string
}

func newBoard(t *testing.T, display string) *board {
	t.Helper()
	c, err := OpenXClipboard(t.Context(), X11Config{Display: display})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	b := &board{t, display, c, make(chan []string, 16)}
	c.Watch(func(types []string) { b.told <- types })
	return b
}

func (b *board) tells(types ...string) {
	b.t.Helper()
	select {
	case got := <-b.told:
		if !slices.Equal(got, types) {
			b.t.Fatalf("told %q, want %q", got, types)
		}
	case <-time.After(clipWait):
		b.t.Fatalf("not told of %q", types)
	}
}

func (b *board) reads(mime string) ([]byte, error) {
	type answer struct {
		content []byte
		err     error
	}
	got := make(chan answer, 1)
	b.Read(mime, func(content []byte, err error) { got <- answer{content, err} })
	a := <-got
	return a.content, a.err
}

func xclip(display string, args ...string) *exec.Cmd {
	cmd := exec.Command("xclip", append([]string{"-selection", "clipboard"}, args...)...)
	cmd.Env = append(os.Environ(), "DISPLAY="+display)
	return cmd
}

// copies puts content into the clipboard as a program does.
func copies(t *testing.T, display, target string, content []byte) {
	t.Helper()
	cmd := xclip(display, "-quiet", "-i", "-t", target)
	cmd.Stdin = bytes.NewReader(content)
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (run build/deps.sh test)", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func TestClipboardIsRead(t *testing.T) {
	display := xserver.Start(t, "-screen", "0", "640x480x24").Display
	b := newBoard(t, display)
	for _, c := range []struct {
		target, mime string
		content      []byte
	}{
		{"UTF8_STRING", wire.PlainText, []byte("köln · 屏幕")},
		{"UTF8_STRING", wire.PlainText, bytes.Repeat([]byte("0123456789abcdef"), 1<<16)},
		{"image/png", wire.PNG, random(3 << 20)},
	} {
		copies(t, display, c.target, c.content)
		b.tells(c.mime)
		if got, err := b.reads(c.mime); err != nil || !bytes.Equal(got, c.content) {
			t.Errorf("%s: %d bytes, %v; want %d", c.target, len(got), err, len(c.content))
		}
	}
	if _, err := b.reads("text/html"); !errors.Is(err, errClipGone) {
		t.Errorf("what is not there gave %v", err)
	}
	late := newBoard(t, display)
	late.tells(wire.PNG)
}

func TestClipboardTooLargeIsNotRead(t *testing.T) {
	display := xserver.Start(t, "-screen", "0", "640x480x24").Display
	b := newBoard(t, display)
	copies(t, display, "image/png", random(wire.MaxClip+1))
	b.tells(wire.PNG)
	if _, err := b.reads(wire.PNG); !errors.Is(err, errClipLarge) {
		t.Errorf("gave %v", err)
	}
}

func TestClipboardIsOffered(t *testing.T) {
	display := xserver.Start(t, "-screen", "0", "640x480x24").Display
	b, other := newBoard(t, display), newBoard(t, display)
	for _, size := range []int{0, 5, clipChunk, 1 << 20} {
		content := random(size)
		b.Offer([]string{wire.PNG}, func(mime string, done func([]byte, error)) {
			if mime != wire.PNG {
				done(nil, errors.New("asked for "+mime))
				return
			}
			go done(content, nil)
		})
		untilHas(t, display, "image/png")
		got, err := xclip(display, "-o", "-t", "image/png").Output()
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes, %v; want %d", len(got), err, size)
		}
		if got, err := xclip(display, "-o", "-t", "UTF8_STRING").Output(); err == nil && len(got) > 0 {
			t.Errorf("text of a picture: %q", got)
		}
	}
	b.Offer([]string{wire.PlainText}, func(_ string, done func([]byte, error)) { done(nil, errors.New("refused")) })
	untilHas(t, display, "UTF8_STRING")
	if got, err := xclip(display, "-o").Output(); err == nil && len(got) > 0 {
		t.Errorf("refused, but pasted %q", got)
	}
	copies(t, display, "UTF8_STRING", []byte("mine"))
	b.tells(wire.PlainText)
	other.tells(wire.PlainText) // and was told of none of the offers
	b.Offer(nil, nil)           // takes back nothing: another program has it
	if got, err := xclip(display, "-o").Output(); err != nil || string(got) != "mine" {
		t.Errorf("%q, %v", got, err)
	}
}

// untilHas waits for a target in the clipboard.
func untilHas(t *testing.T, display, target string) {
	t.Helper()
	for end := time.Now().Add(clipWait); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		got, err := xclip(display, "-o", "-t", "TARGETS").Output()
		if err == nil && bytes.Contains(got, []byte(target+"\n")) {
			return
		}
	}
	t.Fatalf("no %s in the clipboard", target)
}

func TestClipboardEnds(t *testing.T) {
	display := xserver.Start(t, "-screen", "0", "640x480x24").Display
	b := newBoard(t, display)
	if len(b.Display()) < 16 || newBoard(t, display).Display() != b.Display() {
		t.Errorf("the display is %q", b.Display())
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.reads(wire.PlainText); err == nil {
		t.Error("read after the end")
	}
}
