//go:build e2e && linux

package app

import (
	"errors"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// echo is the first sector of a disk: int 16h waits for a key, int 10h writes it.
var echo = slices.Concat([]byte{0xb4, 0, 0xcd, 0x16, 0xb4, 0x0e, 0xcd, 0x10, 0xeb, 0xf6}, make([]byte, 500), []byte{0x55, 0xaa},
	make([]byte, 1<<20)) // firmware boots no disk of one sector

// spiceOnly is a machine as other tools make it: its display speaks SPICE. It boots a disk
// that writes what is typed.
const spiceOnly = `<domain type='qemu'><name>theirs</name><uuid>6d1f9f1e-6b4f-4b7e-9d7c-1f5a7c0e2b11</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type><boot dev='hd'/></os><features><acpi/><apic/></features><devices>
<graphics type='spice' port='-1' autoport='no'><listen type='none'/></graphics><video><model type='vga'/></video>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s'/><target dev='sda' bus='sata'/></disk></devices></domain>`

// glass shows a screen as a viewer does. Its reader ends with the pipe.
type glass struct {
	t      *testing.T
	pipe   fusion.Pipe
	frames wire.Assembler

	mu sync.Mutex // guards the field below
	d  codec.Decoder
}

func look(t *testing.T, host fusion.Host, screen string) *glass {
	t.Helper()
	pipe, err := host.Screens().Open(t.Context(), screen, fusion.ViewOptions{})
	if err != nil {
		t.Fatalf("%v (%s)", err, fusion.Hint(err))
	}
	g := &glass{t: t, pipe: pipe}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for g.read() {
		}
	}()
	t.Cleanup(func() {
		_ = pipe.Close() // it may have ended
		<-ended
		g.d.Close()
	})
	return g
}

func (g *glass) read() bool {
	b, err := g.pipe.Read()
	if err != nil {
		g.t.Logf("the view ends: %v", err)
		return false
	}
	m, err := wire.ParseHost(b)
	part, is := m.(wire.FramePart)
	if err != nil || !is {
		return err == nil
	}
	frame, err := g.frames.Add(part)
	if frame != nil {
		g.mu.Lock()
		_, err = g.d.Decode(frame)
		g.mu.Unlock()
		g.say(wire.Ack{Seq: part.Seq})
	}
	if err != nil {
		g.t.Error(err)
	}
	return err == nil
}

func (g *glass) say(messages ...wire.Message) {
	for _, m := range messages {
		if err := g.pipe.Write(m.Append(nil)); err != nil {
			g.t.Logf("%T: %v", m, err)
		}
	}
}

// differs counts the pixels in which the glass differs from a picture of libvirt's.
func (g *glass) differs(virsh func(args ...string) string) (differ, lit int) {
	path := filepath.Join(g.t.TempDir(), "shot.png")
	virsh("screenshot", "theirs", path)
	f, err := os.Open(path)
	if err != nil {
		g.t.Fatal(err)
	}
	defer f.Close()
	want, err := png.Decode(f)
	if err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.d.Picture()
	if p == nil || p.Width != want.Bounds().Dx() || p.Height != want.Bounds().Dy() {
		return 1 << 30, 0
	}
	for y := range p.Height {
		for x := range p.Width {
			r, green, b, _ := want.At(x, y).RGBA()
			pix := p.Pix[y*p.Stride+x*4:]
			if pix[0] != byte(b>>8) || pix[1] != byte(green>>8) || pix[2] != byte(r>>8) {
				differ++
			}
			if r+green+b > 0 {
				lit++
			}
		}
	}
	return differ, lit
}

// TestAMachineThatSpeaksSPICE: a machine that virsh defined, without VNC, is seen from
// another computer by screenshots; with a display added it has a console.
func TestAMachineThatSpeaksSPICE(t *testing.T) {
	t.Setenv("DISPLAY", "")
	here, cloud := startNode(t, "here"), startNode(t, "cloud")
	pairNodes(t, here, cloud)
	far := resolved(t, here, "cloud")
	virsh := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "virsh", append([]string{"-c", cloud.vms.URI()}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("virsh %s: %v: %s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	path, disk := filepath.Join(t.TempDir(), "theirs.xml"), filepath.Join(t.TempDir(), "echo.img")
	if err := errors.Join(os.WriteFile(disk, echo, 0o600), os.WriteFile(path, fmt.Appendf(nil, spiceOnly, disk), 0o600)); err != nil {
		t.Fatal(err)
	}
	virsh("define", path)
	waitFor(t, "the machine", func() bool { _, err := far.Machines().Get(t.Context(), "theirs"); return err == nil })
	start := func() {
		t.Helper()
		if err := far.Machines().Do(t.Context(), "theirs", fusion.Start); err != nil {
			t.Fatalf("%v (%s)", err, fusion.Hint(err))
		}
	}
	start()
	if m, err := far.Machines().Get(t.Context(), "theirs"); err != nil || !m.Screen || !m.Screenshots {
		t.Fatalf("%+v, %v", m, err)
	}
	g := look(t, far, "theirs")
	// onScreen reads the guest's text mode, every other byte.
	onScreen := func() string {
		var text []byte
		out := virsh("qemu-monitor-command", "theirs", "--hmp", "xp /4000xb 0xb8000")
		i := 0
		for line := range strings.Lines(out) {
			_, bytes, _ := strings.Cut(line, ": ")
			for _, word := range strings.Fields(bytes) {
				if n, err := strconv.ParseUint(strings.TrimPrefix(word, "0x"), 16, 8); err == nil {
					if i%2 == 0 {
						text = append(text, byte(n))
					}
					i++
				}
			}
		}
		return string(text)
	}
	waitFor(t, "the end of its boot", func() bool { return strings.Contains(onScreen(), "Booting from Hard Disk") })
	began := time.Now()
	differ, lit := 0, 0
	waitFor(t, "the glass to show it", func() bool {
		differ, lit = g.differs(virsh)
		return differ == 0 && lit > 1000
	})
	t.Logf("%d lit pixels, %d differ, %v after the boot", lit, differ, time.Since(began).Round(time.Millisecond))

	// What is typed here arrives there, and is seen here.
	for _, code := range []uint16{35, 18, 38, 38, 24} { // h e l l o
		g.say(wire.Key{Code: code, Down: true}, wire.Key{Code: code})
	}
	waitFor(t, "what was typed", func() bool { return strings.Contains(onScreen(), "hello") })
	waitFor(t, "the glass to show it too", func() bool {
		differ, _ = g.differs(virsh)
		return differ == 0
	})

	// Nobody looks, nobody asks libvirt.
	if err := g.pipe.Close(); err != nil {
		t.Error(err)
	}
	waitFor(t, "the end of the screenshots", func() bool {
		before := cloud.vms.Screenshots()
		time.Sleep(1500 * time.Millisecond) // longer than the rarest pause
		return cloud.vms.Screenshots() == before
	})

	// A display is added for the next start.
	done, err := far.Hardware().Change(t.Context(), "theirs", fusion.Change{Kind: fusion.AddDisplay})
	if err != nil || done.When != fusion.NextStart {
		t.Fatalf("%+v, %v", done, err)
	}
	if err := far.Machines().Do(t.Context(), "theirs", fusion.ForceOff); err != nil {
		t.Fatal(err)
	}
	start()
	if m, err := far.Machines().Get(t.Context(), "theirs"); err != nil || !m.Screen || m.Screenshots {
		t.Fatalf("%+v, %v", m, err)
	}
	shot := cloud.vms.Screenshots()
	g = look(t, far, "theirs")
	waitFor(t, "the console", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.d.Picture() != nil
	})
	if n := cloud.vms.Screenshots(); n != shot {
		t.Errorf("%d screenshots of a machine with VNC", n-shot)
	}
	virsh("destroy", "theirs")
	virsh("undefine", "theirs")
}
