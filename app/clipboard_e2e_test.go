//go:build e2e

package app

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"hither/mirror/files"
	"hither/mirror/wire"
)

// clipped is what a viewer of windows hears of the clipboard and of files.
type clipped struct {
	offer wire.ClipOffer
	data  []byte
	last  bool
	want  *wire.ClipWant
	take  *wire.FileTake
	kept  bool
}

// hearClip needs mu.
func (v *viewer) hearClip(m wire.Message) {
	switch m := m.(type) {
	case wire.ClipOffer:
		v.clip.offer = m
	case wire.ClipWant:
		v.clip.want = &m
	case wire.ClipData:
		v.clip.data, v.clip.last = append(v.clip.data, m.Bytes...), m.Last
	case wire.FileTake:
		v.clip.take = &m
	case wire.FileNews:
		v.clip.kept = v.clip.kept || m.Word == wire.FilesKept
	}
}

// xclip runs one on the app's display.
func (v *viewer) xclip(args ...string) *exec.Cmd {
	cmd := exec.Command("xclip", append([]string{"-selection", "clipboard"}, args...)...)
	cmd.Env = append(os.Environ(), "DISPLAY="+v.display.Name, "XAUTHORITY="+v.display.Xauthority)
	return cmd
}

// TestClipboardOfAnAppsWindows: text from the app, files into it, and nothing
// for another view of the same windows.
func TestClipboardOfAnAppsWindows(t *testing.T) {
	t.Setenv("DISPLAY", "")
	t.Setenv("HOME", t.TempDir()) // what programs remember
	n := startNode(t, "here")
	screen := runApp(t, n, "debian-xterm")
	v, other := view(t, n, screen), view(t, n, screen)
	window := v.await("the terminal", func(*seenWindow) bool { return true })
	other.await("the terminal", func(*seenWindow) bool { return true })
	id := v.now(window).ID
	v.say(wire.Over{Window: id}, wire.Pointer{X: 5, Y: 5})

	copied := v.xclip("-quiet", "-i")
	copied.Stdin = bytes.NewReader([]byte("from the app"))
	if err := copied.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = copied.Process.Kill(); _ = copied.Wait() }()
	v.until("an offer", func() bool { return slices.Contains(v.clip.offer.Types, wire.PlainText) })
	v.say(wire.ClipWant{From: wire.ViewerSide, Serial: v.clip.offer.Serial, Type: wire.PlainText})
	v.until("the text", func() bool { return v.clip.last && string(v.clip.data) == "from the app" })
	other.until("nothing", func() bool { return len(other.clip.offer.Types) == 0 })

	other.say(wire.Over{Window: id}, wire.Pointer{X: 6, Y: 5}) // now this one has the hand
	other.until("an offer to it", func() bool { return slices.Contains(other.clip.offer.Types, wire.PlainText) })

	v.say(wire.ClipOffer{From: wire.ViewerSide, Serial: 1, Types: []string{wire.Files}})
	pasted := make(chan []byte, 1)
	v.until("the offer there", func() bool {
		got, _ := v.xclip("-o", "-t", "TARGETS").Output() // it fails while there is none
		return bytes.Contains(got, []byte("text/uri-list\n"))
	})
	go func() {
		got, _ := v.xclip("-o", "-t", "text/uri-list").Output() // nothing is an error below
		pasted <- got
	}()
	v.until("a want", func() bool { return v.clip.want != nil && v.clip.want.Type == wire.Files })
	ticket := wire.FileTicket{ID: 9, Files: 1, Bytes: 4}
	v.say(wire.ClipData{From: wire.ViewerSide, Serial: 1, Last: true, Bytes: ticket.Append(nil)})
	v.until("a take", func() bool { return v.clip.take != nil && v.clip.take.ID == 9 })
	v.say(wire.FileEntry{From: wire.ViewerSide, ID: 9, Path: "../a.txt", Size: 4}) // of no directory
	if got := <-pasted; len(got) > 0 {
		t.Errorf("a file beside its directory was pasted: %q", got)
	}

	v.clip.want, v.clip.take = nil, nil
	go func() {
		got, _ := v.xclip("-o", "-t", "text/uri-list").Output() // nothing is an error below
		pasted <- got
	}()
	v.until("a want", func() bool { return v.clip.want != nil })
	ticket.ID = 10
	v.say(wire.ClipData{From: wire.ViewerSide, Serial: 1, Last: true, Bytes: ticket.Append(nil)})
	v.until("a take", func() bool { return v.clip.take != nil && v.clip.take.ID == 10 })
	v.say(wire.FileEntry{From: wire.ViewerSide, ID: 10, Path: "a.txt", Size: 4}, wire.FilePiece{From: wire.ViewerSide, ID: 10, Bytes: []byte("text")},
		wire.FileNews{From: wire.ViewerSide, ID: 10, Word: wire.FilesSent})
	paths := files.Paths(<-pasted)
	if len(paths) != 1 || filepath.Dir(filepath.Dir(paths[0])) != n.home.Pasted() {
		t.Fatalf("pasted %q", paths)
	}
	if got, err := os.ReadFile(paths[0]); err != nil || string(got) != "text" {
		t.Errorf("%q, %v", got, err)
	}
	v.until("kept", func() bool { return v.clip.kept })

	v.say(wire.FileDrop{FileTicket: wire.FileTicket{ID: 11, Files: 1, Bytes: 1}})
	v.until("a take of the drop", func() bool { return v.clip.take.ID == 11 })
	v.say(wire.FileEntry{From: wire.ViewerSide, ID: 11, Path: "dropped", Size: 1}, wire.FilePiece{From: wire.ViewerSide, ID: 11, Bytes: []byte("x")},
		wire.FileNews{From: wire.ViewerSide, ID: 11, Word: wire.FilesSent})
	v.until("the drop", func() bool {
		got, err := os.ReadFile(filepath.Join(n.home.Dir, "downloads", "dropped"))
		return err == nil && string(got) == "x"
	})
}
