//go:build e2e && linux

package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cdbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"hither/internal/xserver"
)

// clipDesk is the desktop of a computer in a browser that may use the clipboard.
type clipDesk struct {
	*browser
	display   string
	node      *node
	downloads string // of the browser
}

func newClipDesk(t *testing.T) *clipDesk {
	d := &clipDesk{display: xserver.Start(t, "-screen", "0", "800x600x24", "-ac").Display, node: newNode(t, "here", nil), downloads: t.TempDir()}
	d.node.display, d.node.libvirt = d.display, "off"
	d.node.start()
	d.browser = chromium(t)
	granted := func(name string) chromedp.Action {
		return cdbrowser.SetPermission(&cdbrowser.PermissionDescriptor{Name: name}, cdbrowser.PermissionSettingGranted)
	}
	d.do("the clipboard", granted("clipboard-read"), granted("clipboard-write"),
		cdbrowser.SetDownloadBehavior(cdbrowser.SetDownloadBehaviorBehaviorAllow).WithDownloadPath(d.downloads))
	d.open(d.node, "/screen/here/self")
	d.screen("webrtc")
	d.enter()
	d.letter('a') // this view has the hand now
	return d
}

// enter leaves the screen and comes back, so that the page looks at the clipboard.
func (d *clipDesk) enter() {
	d.t.Helper()
	d.do("leave the screen", chromedp.Evaluate(`document.activeElement.blur()`, nil))
	d.focusScreen()
}

func (d *clipDesk) xclip(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "xclip", append([]string{"-selection", "clipboard"}, args...)...)
	cmd.Env = append(os.Environ(), "DISPLAY="+d.display)
	return cmd
}

// copies is what a program of the desktop does.
func (d *clipDesk) copies(target string, content []byte) {
	d.t.Helper()
	cmd := d.xclip(context.Background(), "-quiet", "-i", "-t", target)
	cmd.Stdin = bytes.NewReader(content)
	background(d.t, cmd)
}

// pastes gives what a program of the desktop pastes.
func (d *clipDesk) pastes(target string) []byte {
	ctx, cancel := context.WithTimeout(context.Background(), patience/3) // xclip may wait for ever
	defer cancel()
	got, err := d.xclip(ctx, "-o", "-t", target).Output()
	if err != nil {
		return nil // there is none
	}
	return got
}

// says waits until the page says something of the clipboard.
func (d *clipDesk) says(what string) {
	d.t.Helper()
	until(d.t, "the page says "+what, func() bool {
		var text string
		d.do("read the note", chromedp.Evaluate(`document.querySelector('[data-testid="note"]')?.textContent ?? ''`, &text))
		return strings.Contains(text, what)
	})
}

func picture(t *testing.T, side int) []byte {
	t.Helper()
	p := image.NewRGBA(image.Rect(0, 0, side, side))
	for i := range side * side {
		p.Set(i%side, i/side, color.RGBA{byte(i), byte(i >> 3), 9, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestClipboardInThePage(t *testing.T) {
	d := newClipDesk(t)

	d.copies("UTF8_STRING", []byte("vom Rechner · 屏幕"))
	until(t, "text in the browser", func() bool {
		var text string
		err := d.try(patience, evaluateAsync(`navigator.clipboard.readText()`, &text))
		return err == nil && text == "vom Rechner · 屏幕"
	})
	d.says("Copied from here")

	d.do("copy a text", evaluateAsync(`navigator.clipboard.writeText('aus dem Browser').then(() => true)`, nil))
	d.enter()
	until(t, "text on the desktop", func() bool { return string(d.pastes("UTF8_STRING")) == "aus dem Browser" })

	d.copies("image/png", picture(t, 99))
	until(t, "a picture in the browser", func() bool {
		var width int
		err := d.try(patience, evaluateAsync(`navigator.clipboard.read().then(async ([i]) => {
			if (!i?.types.includes('image/png')) return 0
			return (await createImageBitmap(await i.getType('image/png'))).width
		})`, &width))
		return err == nil && width == 99
	})

	d.do("copy a picture", evaluateAsync(`(async () => {
		const c = new OffscreenCanvas(77, 5)
		c.getContext('2d').fillRect(0, 0, 9, 5)
		await navigator.clipboard.write([new ClipboardItem({ 'image/png': await c.convertToBlob({ type: 'image/png' }) })])
		return true
	})()`, nil))
	d.enter()
	until(t, "a picture on the desktop", func() bool {
		p, err := png.Decode(bytes.NewReader(d.pastes("image/png")))
		return err == nil && p.Bounds().Dx() == 77
	})
}

// manyFiles makes files and gives their sums.
func manyFiles(t *testing.T) (dir string, sums map[string][32]byte) {
	t.Helper()
	dir, sums = t.TempDir(), map[string][32]byte{}
	for n := range 40 {
		content := bytes.Repeat([]byte(fmt.Sprintf("%d ", n)), n*n*50)
		name := fmt.Sprintf("d/%d/ü %d", n%3, n)
		sums[name] = sha256.Sum256(content)
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, sums
}

func TestFilesInThePage(t *testing.T) {
	d := newClipDesk(t)
	dir, sums := manyFiles(t)

	d.copies("text/uri-list", []byte("file://"+dir+"/d\r\n"))
	d.says("here offers 40 files")
	d.do("download", chromedp.Click(`//button[contains(., 'Download')]`, chromedp.BySearch))
	var archive string
	until(t, "the archive", func() bool {
		found, err := filepath.Glob(filepath.Join(d.downloads, "*.zip"))
		if err != nil || len(found) != 1 {
			return false
		}
		archive = found[0]
		return true
	})
	d.says("40 files")
	checkZip(t, archive, sums)

	corner := d.place()
	drag := &input.DragData{Items: []*input.DragDataItem{}, Files: []string{filepath.Join(dir, "d")}, DragOperationsMask: 1}
	d.do("drop a directory", input.DispatchDragEvent(input.DragEnter, corner[0]+50, corner[1]+50, drag),
		input.DispatchDragEvent(input.DragOver, corner[0]+50, corner[1]+50, drag),
		input.DispatchDragEvent(input.Drop, corner[0]+50, corner[1]+50, drag))
	d.says("at here, ready to be pasted there")
	down := filepath.Join(d.node.home, "downloads")
	for name, sum := range sums {
		if got, err := os.ReadFile(filepath.Join(down, name)); err != nil || sha256.Sum256(got) != sum {
			t.Errorf("%s: %v", name, err)
		}
	}
	until(t, "the directory in the desktop's clipboard", func() bool {
		return strings.Contains(string(d.pastes("text/uri-list")), "file://"+down+"/d\r\n")
	})

	d.enter()
	d.do("paste a file", chromedp.Evaluate(`(() => {
		const data = new DataTransfer()
		data.items.add(new File([new Uint8Array(5 << 20).fill(7)], 'big .bin'))
		document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))
	})()`, nil))
	until(t, "the file on the desktop", func() bool {
		uri := strings.TrimSpace(string(d.pastes("text/uri-list")))
		path := strings.ReplaceAll(strings.TrimPrefix(uri, "file://"), "%20", " ")
		got, err := os.ReadFile(path)
		return err == nil && filepath.Base(path) == "big .bin" && bytes.Equal(got, bytes.Repeat([]byte{7}, 5<<20))
	})
}

// place gives where the screen is on the page.
func (d *clipDesk) place() (corner []float64) {
	d.t.Helper()
	d.do("find the screen", chromedp.Evaluate(`(() => {
		const r = document.querySelector('canvas[data-testid="screen"]').getBoundingClientRect()
		return [r.left, r.top]
	})()`, &corner))
	return corner
}

func checkZip(t *testing.T, path string, sums map[string][32]byte) {
	t.Helper()
	var r *zip.ReadCloser
	until(t, "a whole archive", func() (whole bool) {
		var err error
		r, err = zip.OpenReader(path)
		return err == nil
	})
	defer r.Close()
	if len(r.File) != len(sums) {
		t.Errorf("%d files in the archive", len(r.File))
	}
	for _, f := range r.File {
		content, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(content) // checks the CRC
		if err != nil || sha256.Sum256(got) != sums[f.Name] {
			t.Errorf("%s: %v", f.Name, err)
		}
		if err := content.Close(); err != nil {
			t.Error(err)
		}
	}
}
