//go:build e2e && linux

package capture

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hither/mirror/codec"
	"hither/mirror/wire"
)

// guest is a QEMU that runs the iPXE ROM.
type guest struct {
	vnc  string
	mon  *json.Decoder
	conn net.Conn
	kill func()
}

func qemu(t *testing.T, more ...string) *guest {
	t.Helper()
	dir, err := os.MkdirTemp("", "rfb-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	vnc, qmp := filepath.Join(dir, "vnc"), filepath.Join(dir, "qmp")
	g := &guest{vnc: vnc}
	g.kill = start(t, exec.Command("qemu-system-x86_64", append(more, "-accel", "tcg", "-m", "64", "-display", "none", "-net", "none", "-nodefaults", "-vga", "std",
		"-device", "e1000,romfile=/usr/lib/ipxe/qemu/pxe-e1000.rom", "-boot", "n", "-vnc", "unix:"+vnc, "-qmp", "unix:"+qmp+",server,nowait")...))
	g.conn = dialWhenThere(t, qmp)
	t.Cleanup(func() { g.conn.Close() })
	g.mon = json.NewDecoder(bufio.NewReader(g.conn))
	g.do(t, "qmp_capabilities", nil)
	return g
}

// dialWhenThere waits for a program to listen.
func dialWhenThere(t *testing.T, path string) net.Conn {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("unix", path)
		if err == nil {
			return conn
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// do runs a command of the monitor.
func (g *guest) do(t *testing.T, command string, arguments any) {
	t.Helper()
	request := map[string]any{"execute": command}
	if arguments != nil {
		request["arguments"] = arguments
	}
	if err := json.NewEncoder(g.conn).Encode(request); err != nil {
		t.Fatal(err)
	}
	for {
		var answer struct {
			Return json.RawMessage
			Error  json.RawMessage
		}
		if err := g.mon.Decode(&answer); err != nil {
			t.Fatal(err)
		}
		if answer.Error != nil {
			t.Fatalf("%s: %s", command, answer.Error)
		}
		if answer.Return != nil {
			return
		}
	}
}

// dump is QEMU's own screenshot.
func (g *guest) dump(t *testing.T) *codec.Picture {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dump.ppm")
	g.do(t, "screendump", map[string]string{"filename": file})
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := bufio.NewReader(f)
	var w, h, top int
	if _, err := fmt.Fscanf(r, "P6\n%d %d\n%d\n", &w, &h, &top); err != nil {
		t.Fatal(err)
	}
	rgb, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	p := codec.NewPicture(w, h)
	for i := range w * h {
		p.Pix[i*4], p.Pix[i*4+1], p.Pix[i*4+2] = rgb[i*3+2], rgb[i*3+1], rgb[i*3]
	}
	return p
}

func TestConsoleEqualsScreendumpAndTakesKeys(t *testing.T) {
	g := qemu(t)
	s, err := RFB(t.Context(), dialWhenThere(t, g.vnc), RFBConfig{})
	c := draw(t, s, err)
	// iPXE's banner offers its shell by Ctrl-B for a moment; press it until
	// the picture has the text of the shell, which answers typed keys.
	press := func(codes ...uint16) {
		for _, code := range codes {
			if err := s.Input(wire.Key{Code: code, Down: true}); err != nil {
				t.Fatal(err)
			}
		}
		for _, code := range codes {
			if err := s.Input(wire.Key{Code: code}); err != nil {
				t.Fatal(err)
			}
		}
	}
	equal := func() bool {
		g.do(t, "stop", nil)
		same := c.picture != nil && c.picture.Equal(g.dump(t))
		if !same {
			g.do(t, "cont", nil)
		}
		return same
	}
	c.until(t, "720×400 text", func() bool {
		const ctrl, b = 29, 48
		press(ctrl, b)
		return c.picture != nil && c.picture.Width == 720 && lit(c.picture) > 3000
	})
	c.until(t, "the stopped guest's picture", equal)
	g.do(t, "cont", nil)
	before := lit(c.picture)
	c.until(t, "typed letters", func() bool {
		press(50) // m: a letter with many pixels
		return lit(c.picture) > before+300
	})
	c.until(t, "the picture after typing", equal)
	g.kill()
	if err := c.ends(t); err != io.EOF {
		t.Error(err)
	}
}

// TestConsoleMovesAMouse moves the mouse of a guest without a tablet; QEMU's own trace
// says what came.
func TestConsoleMovesAMouse(t *testing.T) {
	log := filepath.Join(t.TempDir(), "trace")
	g := qemu(t, "-D", log, "-trace", "input_event_rel", "-trace", "input_event_btn")
	s, err := RFB(t.Context(), dialWhenThere(t, g.vnc), RFBConfig{Mouse: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for told := false; !told; {
		c, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if told = c.Pointing != nil; told && !c.Pointing.Relative {
			t.Fatal("the guest has no tablet")
		}
	}
	for _, m := range []wire.Message{wire.Motion{DX: 7, DY: -300}, wire.Button{Button: wire.LeftButton, Down: true}, wire.Button{Button: wire.LeftButton}} {
		if err := s.Input(m); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"input_event_rel con -1, axis x, value 7\n", "axis y, value -300\n", "input_event_btn con -1, button left, down 1\n", "button left, down 0\n"}
	var got string
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		b, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		got = string(b)
		if !slices.ContainsFunc(want, func(line string) bool { return !strings.Contains(got, line) }) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("QEMU's trace:\n%s", got)
		}
	}
}

// lit counts the pixels that are not black.
func lit(p *codec.Picture) (n int) {
	for i := 0; i < len(p.Pix); i += 4 {
		if le.Uint32(p.Pix[i:])&0xffffff != 0 {
			n++
		}
	}
	return n
}
