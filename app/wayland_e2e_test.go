//go:build e2e && linux

package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hither/app/home"
	"hither/fusion"
	"hither/internal/wayland"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// TestWaylandDesktop sees and types into this computer's desktop where that is
// a Wayland session.
func TestWaylandDesktop(t *testing.T) {
	s := wayland.Start(t, wayland.Config{})
	file := filepath.Join(t.TempDir(), "typed")
	s.Start(t, "foot", "sh", "-c", `cat > "$1"`, "sh", file)
	h := home.Home{Dir: filepath.Join(t.TempDir(), "h"), Run: filepath.Join(t.TempDir(), "r"), Explicit: true}
	node, err := Start(t.Context(), Config{Home: h, Name: "here", Listen: "127.0.0.1:0", Web: "off", Libvirt: "off"})
	if err != nil {
		t.Fatal(err, fusion.Hint(err))
	}
	defer node.Close()
	host := resolved(t, node, "")
	self, err := host.Machines().Get(t.Context(), fusion.Self)
	if err != nil || !strings.Contains(self.Note, "asks the person") {
		t.Errorf("note %q, %v", self.Note, err)
	}
	pipe, err := host.Screens().Open(t.Context(), fusion.Self, fusion.ViewOptions{})
	if err != nil {
		t.Fatal(err, fusion.Hint(err))
	}
	defer pipe.Close()
	var frames wire.Assembler
	var d codec.Decoder
	defer d.Close()
	say := func(m wire.Message) {
		t.Helper()
		if err := pipe.Write(m.Append(nil)); err != nil {
			t.Fatal(err)
		}
	}
	for typed := ""; !strings.Contains(typed, "i\n"); {
		b, err := pipe.Read() // each frame is answered by a key, and each key by a frame
		if err != nil {
			t.Fatal(err)
		}
		m, err := wire.ParseHost(b)
		if err != nil {
			t.Fatal(err)
		}
		part, ok := m.(wire.FramePart)
		if !ok {
			continue
		}
		frame, err := frames.Add(part)
		if err != nil {
			t.Fatal(err)
		}
		if frame == nil {
			continue
		}
		if _, err := d.Decode(frame); err != nil {
			t.Fatal(err)
		}
		say(wire.Ack{Seq: part.Seq})
		for _, code := range []uint16{23, 28} { // i, enter
			say(wire.Key{Code: code, Down: true})
			say(wire.Key{Code: code})
		}
		said, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		typed = string(said)
	}
	if p := d.Picture(); p.Width != 1280 || p.Height != 800 {
		t.Errorf("a picture of %d by %d", p.Width, p.Height)
	}
	if _, err := os.Stat(filepath.Join(h.Dir, "screen.token")); err != nil {
		t.Errorf("what was allowed is not kept: %v", err)
	}
}
