package surface

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"hither/fusion"
	"hither/mirror/wire"
)

// AppWindows says whether Run shows the windows of an app one by one. Here it
// shows one picture.
const AppWindows = false

// view is one Run: its own goroutine reads the pipe and draws, the window's
// thread turns the person's actions into messages, and a watchdog watches each
// pipe. Run waits for all.
type view struct {
	cfg   Config
	end   context.CancelCauseFunc
	win   *window
	glass glass
	sizes sizer
	pace  pacer // of asking the host for a size

	viewOnly atomic.Bool

	// Owned by the window's thread.
	keys keyboard
	held int // buttons

	// Owned by Run's goroutine.
	title  string
	frames wire.Assembler

	out  sync.Mutex // guards the fields below: one writer at a time
	pipe fusion.Pipe
	buf  []byte
}

func run(ctx context.Context, pipe fusion.Pipe, cfg Config) error {
	if cfg.Record.File != "" {
		return errors.Join(opError(fusion.ErrUnsupported, "a window is not recorded on Windows", "use: hither record"), pipe.Close())
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	hello, err := greet(ctx, pipe)
	if err == nil && hello.Windows {
		err = opError(fusion.ErrUnsupported, "the windows of an app are not shown one by one on Windows", "")
	}
	if err != nil {
		return finish(ctx, errors.Join(err, pipe.Close()))
	}
	v := &view{cfg: cfg, end: end, sizes: sizer{now: time.Now}, pace: pacer{every: resizePause, settle: true}}
	v.glass.color = cfg.Color
	if err := v.open(hello); err != nil {
		return errors.Join(err, pipe.Close())
	}
	err = finish(ctx, v.views(ctx, pipe, hello))
	v.pace.close()
	v.glass.leave()
	v.win.close()
	return err
}

// resizePause is how long a window must keep its size before a screen is asked
// for it.
const resizePause = 80 * time.Millisecond

// open makes the window, as large as its monitor allows.
func (v *view) open(hello wire.Hello) (err error) {
	ready := make(chan struct{}) // the window is known to who hears it
	size := image.Pt(max(1, int(hello.Width)), max(1, int(hello.Height)))
	room := (&window{}).monitor().work.size().Sub(framed(image.Rectangle{}).size()).Sub(image.Pt(2*frame, 2*frame))
	if room.X > 0 && room.Y > 0 {
		size = image.Pt(min(size.X, room.X), min(size.Y, room.Y))
	}
	v.sizes.told(size)
	v.win, err = openWindow(v.cfg.Title, size.Add(image.Pt(2*frame, 2*frame)), func(message uint32, wParam, lParam uintptr) (uintptr, bool) {
		select {
		case <-ready:
			return v.hear(message, wParam, lParam)
		default:
			return 0, false
		}
	})
	if err != nil {
		return opError(fusion.ErrUnsupported, err.Error(), "use the page: hither web")
	}
	close(ready)
	postMessage.Call(v.win.hwnd, wmSize, 0, 0) // what came before was not heard
	return nil
}

// views follows one pipe after the other.
func (v *view) views(ctx context.Context, pipe fusion.Pipe, hello wire.Hello) error {
	for {
		v.begin(hello)
		err := v.one(ctx, pipe)
		if !errors.Is(err, errLost) || v.cfg.Reopen == nil || ctx.Err() != nil {
			return err
		}
		v.cfg.Log.Info("screen offline", "title", v.title, "trace", fusion.Trace(ctx), "err", err)
		v.glass.dim()
		v.retitle(v.title, offlineSuffix)
		if pipe, hello, err = v.cfg.reopen(ctx); err != nil {
			return err
		}
		v.cfg.Log.Info("screen online", "title", v.title, "trace", fusion.Trace(ctx))
	}
}

func (v *view) begin(hello wire.Hello) {
	v.viewOnly.Store(hello.ViewOnly)
	v.frames = wire.Assembler{}
	v.glass.begin()
	v.retitle(hello.Title, "")
}

// retitle shows a title that came from the host.
func (v *view) retitle(title, suffix string) {
	if v.title = title; title == "" {
		title = v.cfg.Title
	}
	title = plainTitle(hostTitle(title, v.cfg.Host) + suffix)
	v.win.want(func(w *wishes) { w.title = &title })
}

// one shows what one pipe brings until it ends, and closes it.
func (v *view) one(ctx context.Context, pipe fusion.Pipe) error {
	v.use(pipe)
	v.send(abilities())
	dog := watch(pipe, v.ping)
	stop := context.AfterFunc(ctx, func() { dog.bite() })
	err := v.read(pipe, dog)
	v.use(nil)
	stop()
	return errors.Join(err, dog.close())
}

func (v *view) read(pipe fusion.Pipe, dog *watchdog) error {
	for {
		b, err := pipe.Read()
		if err != nil {
			return fmt.Errorf("%w: %w", errLost, err)
		}
		dog.heard()
		m, err := wire.ParseHost(b)
		if err != nil {
			return err
		}
		if err := v.message(m); err != nil {
			return err
		}
	}
}

func (v *view) message(m wire.Message) error {
	switch m := m.(type) {
	case wire.FramePart:
		b, err := v.frames.Add(m)
		if err != nil || b == nil {
			return err
		}
		return v.frame(b, m.Seq)
	case wire.Title:
		v.retitle(m.Text, "")
	case wire.Closed:
		return closedError(m)
	}
	return nil
}

// frame draws and acknowledges one frame.
func (v *view) frame(b []byte, seq uint32) error {
	update, err := v.glass.frame(b)
	if err != nil {
		return err
	}
	v.send(wire.Ack{Seq: seq})
	if update.Cursor != nil {
		if cursor := makeCursor(update.Cursor); cursor != 0 {
			v.win.want(func(w *wishes) {
				if w.cursor != nil {
					destroyIcon.Call(*w.cursor)
				}
				w.cursor = &cursor
			})
		}
	}
	if update.Resized {
		if size := v.glass.picture.Bounds().Size(); v.sizes.sourceIs(size) {
			area := size.Add(image.Pt(2*frame, 2*frame))
			v.win.want(func(w *wishes) { w.area = &area })
		}
	}
	return nil
}

// hear handles a message of the window, on its thread.
func (v *view) hear(message uint32, wParam, lParam uintptr) (answer uintptr, done bool) {
	switch message {
	case wmClose:
		v.send(wire.Bye{})
		v.end(errBye)
	case wmPaint:
		v.glass.paint(v.win.hwnd)
	case wmErase:
		return 1, true // paint draws every pixel
	case wmSize:
		v.follow()
	case wmKillFocus:
		v.keys.releaseAll()
		v.input(wire.Release{})
	case wmSysChar: // the letter of a key that was handled
	case wmKeyDown, wmKeyUp, wmSysKeyDown, wmSysKeyUp:
		return 0, v.key(message, wParam, lParam)
	default:
		return 0, v.mouse(message, wParam, lParam)
	}
	return 0, true
}

// follow follows the window's size, and asks the host for it if a person chose
// it.
func (v *view) follow() {
	var r winRect
	getClientRect.Call(v.win.hwnd, uintptr(unsafe.Pointer(&r)))
	if r.size() == (image.Point{}) {
		return // minimized
	}
	v.sizes.setFull(v.win.full)
	inner, picture := v.glass.setOuter(v.win.hwnd, r.size(), v.win.full)
	if v.sizes.windowIs(inner, picture) && picture != (image.Point{}) && !v.viewOnly.Load() {
		width, height := wireSize(inner)
		v.pace.ask(func() { v.send(wire.Resize{Width: width, Height: height}) })
	}
}
