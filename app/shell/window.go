package shell

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"sync"

	"github.com/wailsapp/wails/v2/pkg/options"
	"github.com/wailsapp/wails/v2/pkg/options/linux"

	"hither/app/home"
	"hither/fusion"
)

// Window is the desktop window of one home. It runs two goroutines from the
// start of the window to Close: one that follows the node, one that raises the
// window for a second start.
type Window struct {
	page   fs.FS
	icon   []byte
	bridge *Bridge
	single *single

	ctx  context.Context // ended by stop
	stop context.CancelFunc
	work sync.WaitGroup
	once sync.Once // starts single.serve, which Close waits for
}

// New makes the window of the home; page has index.html or placeholder.html at
// its root, and icon is a PNG. When the home's window is open already New
// raises it and gives nil. It promises ErrUnsupported where there is no
// display.
func New(h home.Home, page fs.FS, icon []byte) (*Window, error) {
	if runtime.GOOS == "linux" && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return nil, &fusion.Error{Op: "window", Cause: fusion.ErrUnsupported, Detail: "there is no display here",
			Hint: "use the page in a browser: hither web"}
	}
	if err := speakable(); err != nil {
		return nil, err
	}
	single, err := claim(h)
	if errors.Is(err, errShown) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	w := &Window{page: page, icon: icon, bridge: newBridge(h), single: single}
	w.ctx, w.stop = context.WithCancel(context.Background())
	return w, nil
}

// speakable gives WebKit a language where the locale has none: in the locale C
// a page that formats a number dies.
func speakable() error {
	for _, name := range []string{"LC_ALL", "LANG"} {
		switch os.Getenv(name) {
		case "C", "POSIX", "C.UTF-8", "C.utf8":
			if err := os.Setenv(name, "en_US.UTF-8"); err != nil {
				return err
			}
		}
	}
	if os.Getenv("LANG") == "" {
		return os.Setenv("LANG", "en_US.UTF-8")
	}
	return nil
}

// Options describes the window to Wails.
func (w *Window) Options() *options.App {
	return &options.App{
		Title: title, Width: 1280, Height: 800, MinWidth: 640, MinHeight: 480,
		BackgroundColour: options.NewRGB(0xf6, 0xf7, 0xf9),
		AssetServer:      pageOptions(w.page),
		OnStartup:        w.start,
		Bind:             []any{w.bridge},
		ErrorFormatter:   pageError,
		Linux: &linux.Options{Icon: w.icon, ProgramName: "hither",
			WebviewGpuPolicy: linux.WebviewGpuPolicyNever}, // accelerated, WebKitGTK is blank on some drivers
	}
}

func (w *Window) start(toolkit context.Context) {
	desk := &wailsDesktop{ctx: toolkit}
	w.bridge.start(w.ctx, desk)
	w.once.Do(func() { w.work.Go(func() { w.single.serve(desk.Raise) }) })
	w.work.Go(func() { w.bridge.watch(w.ctx) })
}

// Close ends what the window runs. Call it after wails.Run has returned.
func (w *Window) Close() error {
	w.stop()
	w.once.Do(func() { close(w.single.done) }) // the window never started
	err := w.single.Close()
	w.work.Wait()
	return err
}
