//go:build e2e && linux && wine

package capture

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hither/internal/wine"
	"hither/mirror/codec"
)

// TestDesktopInWine compares what GDI captures of wine's desktop, which is the
// X display, with the display itself.
func TestDesktopInWine(t *testing.T) {
	display, _ := xvfb(t, "-screen", "0", "800x600x24")
	w := wine.Start(t, display)
	run(t, on(display, "xsetroot", "-mod", "7", "5", "-fg", "#123456", "-bg", "#abcdef"))
	file := filepath.Join(t.TempDir(), "picture")
	test := w.Test("TestDesktop", "HITHER_TEST_PICTURE=Z:"+strings.ReplaceAll(file, "/", `\`))
	if err := test.Run(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	width := int(binary.BigEndian.Uint32(b))
	p := &codec.Picture{Width: width, Height: int(binary.BigEndian.Uint32(b[4:])), Stride: width * 4, Pix: b[8:]}
	if !p.Equal(truth(t, display)) {
		t.Errorf("a picture of %d by %d differs", p.Width, p.Height)
	}
}
