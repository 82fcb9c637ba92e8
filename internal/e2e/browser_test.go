//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"image"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a real Chromium with an empty profile.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// chromium starts a browser that ends with the test.
func chromium(t *testing.T, extra ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir: Chromium's children may still write when it has ended.
	profile := tempDir(t, nil)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(profile), chromedp.WindowSize(1280, 800),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.WSURLReadTimeout(patience))
	options = append(options, extra...)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(t.Logf))
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("browser: %v", err)
		}
		cancel()
	})
	return &browser{t: t, ctx: ctx}
}

// do runs steps, which must work in time.
func (b *browser) do(what string, steps ...chromedp.Action) {
	b.t.Helper()
	if err := b.try(patience, steps...); err != nil {
		b.t.Fatalf("browser: %s: %v", what, err)
	}
}

func (b *browser) try(limit time.Duration, steps ...chromedp.Action) error {
	// The first Run starts the browser with its context, so that one must live.
	if err := chromedp.Run(b.ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(b.ctx, limit)
	defer cancel()
	return chromedp.Run(ctx, steps...)
}

// open opens a path of the page of a node, with a one-time token of its own.
func (b *browser) open(n *node, path string) {
	b.t.Helper()
	link, err := url.Parse(strings.TrimSpace(n.hither("web")))
	if err != nil {
		b.t.Fatal(err)
	}
	link.Path = path
	b.do("open "+path, chromedp.Navigate("about:blank"), chromedp.Navigate(link.String()))
}

// screen waits until the page shows a live screen over a transport.
func (b *browser) screen(transport string) {
	b.t.Helper()
	b.do("live screen over "+transport,
		chromedp.WaitReady(`canvas[data-testid="screen"][data-state="live"][data-transport="`+transport+`"]`, chromedp.ByQuery))
}

// picture reads the canvas.
func (b *browser) picture() *image.RGBA {
	b.t.Helper()
	var size []int
	var text string
	b.do("read the canvas", chromedp.Evaluate(`(() => { const c = document.querySelector('canvas[data-testid="screen"]'); return [c.width, c.height]; })()`, &size),
		chromedp.Evaluate(`(() => {
			const c = document.querySelector('canvas[data-testid="screen"]');
			const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
			let s = '';
			for (let i = 0; i < d.length; i += 32768) s += String.fromCharCode(...d.subarray(i, i + 32768));
			return btoa(s);
		})()`, &text))
	pixels, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(size) != 2 || len(pixels) != size[0]*size[1]*4 {
		b.t.Fatalf("browser: the canvas of size %v gave %d bytes (%v)", size, len(pixels), err)
	}
	return &image.RGBA{Pix: pixels, Stride: 4 * size[0], Rect: image.Rect(0, 0, size[0], size[1])}
}

// press types one key with modifiers, as a keyboard does.
func (b *browser) press(key, code string, virtual int64, modifiers input.Modifier) {
	b.t.Helper()
	down := input.DispatchKeyEvent(input.KeyDown).WithKey(key).WithCode(code).WithWindowsVirtualKeyCode(virtual).WithModifiers(modifiers)
	up := input.DispatchKeyEvent(input.KeyUp).WithKey(key).WithCode(code).WithWindowsVirtualKeyCode(virtual).WithModifiers(modifiers)
	b.do("press "+code, down, up)
}

// ctrlB opens iPXE's command line.
func (b *browser) ctrlB() {
	b.t.Helper()
	ctrl := func(kind input.KeyType) chromedp.Action {
		return input.DispatchKeyEvent(kind).WithKey("Control").WithCode("ControlLeft").WithWindowsVirtualKeyCode(17)
	}
	b.do("ctrl down", ctrl(input.KeyDown))
	b.press("b", "KeyB", 66, input.ModifierCtrl)
	b.do("ctrl up", ctrl(input.KeyUp))
}

// letter types one lower-case letter.
func (b *browser) letter(c byte) {
	b.t.Helper()
	upper := strings.ToUpper(string(c))
	b.press(string(c), "Key"+upper, int64(upper[0]), 0)
}

func (b *browser) focusScreen() {
	b.t.Helper()
	b.do("focus the screen", chromedp.Focus(`canvas[data-testid="screen"]`, chromedp.ByQuery))
}

// evaluateAsync evaluates a promise and waits for its value.
func evaluateAsync(script string, out any) chromedp.Action {
	return chromedp.Evaluate(script, out, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) })
}
