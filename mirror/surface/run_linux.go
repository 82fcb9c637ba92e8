package surface

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jezek/xgb/xproto"

	"hither/fusion"
	"hither/mirror/capture"
	"hither/mirror/wire"
)

// AppWindows says whether Run shows the windows of an app one by one.
const AppWindows = true

// view is one Run. Its goroutines: Run's own reads the pipe and draws; events
// (ended by closing the display's connection) turns the person's actions into
// messages; a watchdog for each pipe; the overlay's while it shows; two of the
// clipboard; those of files that move; one for each recording; those of sound
// (ears); and timers of panes. Run waits for all.
type view struct {
	cfg     Config
	display *display
	end     context.CancelCauseFunc
	meter   meter
	overlay *overlay
	clip    *clipboard     // nil without one
	tapes   sync.WaitGroup // of recordings
	ending  sync.Mutex     // one Record.Ended at a time
	ears    *ears

	viewOnly atomic.Bool
	relative atomic.Bool   // the screen takes a mouse's motions
	hidden   xproto.Cursor // one that is not seen, or 0; the event loop's
	windows  atomic.Bool   // the host shows windows one by one
	userTime atomic.Uint32 // of the display, when the person last did something
	focus    atomic.Pointer[pane]
	focusAt  atomic.Int64 // when the host was told of the focus, UnixNano
	press    atomic.Pointer[press]

	// Owned by Run's goroutine.
	title    string // of the host, for windows that have none
	on       *pane  // whose frame parts come
	held     int    // bytes of frames that are not whole yet
	began    time.Time
	empty    time.Time // since when there is no window any more, zero if there is one
	lastShut bool      // the person closed the last one
	started  string    // startup ID that no window has taken yet
	recorded bool      // what Config.Record.File wants has begun

	unfocused pacer // tells the host that no window has the focus
	toldMu    sync.Mutex
	told      *pane // which window the host was told to have it; guarded by toldMu

	placing sync.Mutex // one followPlace at a time: each carries menus by what is new

	mu    sync.RWMutex // guards the fields below
	panes []*pane      // in the order in which they came
	room  room

	out  sync.Mutex // guards the fields below: one writer at a time
	pipe fusion.Pipe
	over uint32 // the window that the host takes input for
	buf  []byte
}

func run(ctx context.Context, pipe fusion.Pipe, cfg Config) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	opening := sync.OnceValues(func() (*display, error) { return openDisplay(cfg.Display) })
	boarding := sync.OnceValues(func() (*capture.XClipboard, error) {
		return capture.OpenXClipboard(ctx, capture.X11Config{Display: cfg.Display})
	})
	go opening() // while the host says hello
	go boarding()
	hello, helloErr := greet(ctx, pipe)
	d, err := opening()
	board, boardErr := boarding()
	if err != nil || helloErr != nil {
		if err == nil {
			d.conn.Close()
		}
		if boardErr == nil {
			err = errors.Join(err, board.Close())
		}
		return finish(ctx, errors.Join(err, helloErr, pipe.Close()))
	}
	v := newView(d, cfg, end)
	if boardErr != nil {
		cfg.Log.Info("no clipboard", "err", boardErr)
	} else {
		v.clip = newClipboard(v, board)
	}
	return v.whole(ctx, pipe, hello)
}

func newView(d *display, cfg Config, end context.CancelCauseFunc) *view {
	v := &view{cfg: cfg, display: d, end: end, unfocused: pacer{every: focusPause, settle: true},
		room: room{work: d.workArea(), margins: ownMargins}, started: os.Getenv("DESKTOP_STARTUP_ID")}
	v.ears = newEars(v)
	v.overlay = &overlay{view: v, hide: pacer{every: noteTime, settle: true}}
	return v
}

// whole runs the event loop beside the view and waits for it.
func (v *view) whole(ctx context.Context, pipe fusion.Pipe, hello wire.Hello) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		v.events()
	}()
	err := finish(ctx, v.views(ctx, pipe, hello))
	err = errors.Join(err, v.clip.close(), v.ears.close())
	v.overlay.close()
	v.unfocused.close()
	for _, p := range v.all() {
		err = errors.Join(err, v.remove(p))
	}
	v.tapes.Wait()
	v.display.conn.Close()
	<-done
	return err
}

// views follows one pipe after the other.
func (v *view) views(ctx context.Context, pipe fusion.Pipe, hello wire.Hello) error {
	for {
		err := v.begin(hello)
		if err != nil {
			return errors.Join(err, pipe.Close())
		}
		err = v.follow(ctx, pipe, hello)
		if !errors.Is(err, errLost) || v.cfg.Reopen == nil || ctx.Err() != nil {
			return err
		}
		v.cfg.Log.Info("screen offline", "title", v.title, "trace", fusion.Trace(ctx), "err", err)
		if err := v.lost(); err != nil {
			return err
		}
		if pipe, hello, err = v.cfg.reopen(ctx); err != nil {
			return err
		}
		v.cfg.Log.Info("screen online", "title", v.title, "trace", fusion.Trace(ctx))
	}
}

// begin makes ready for a host's view: one picture has its window at once, the
// windows of an app come later.
func (v *view) begin(hello wire.Hello) error {
	v.title = hello.Title
	v.windows.Store(hello.Windows)
	v.viewOnly.Store(hello.ViewOnly)
	v.relative.Store(false)
	v.on, v.held = nil, 0
	v.toldFocus(nil)
	v.began = time.Now()
	for _, p := range v.all() {
		if p.single() == hello.Windows { // the host shows it another way now
			if err := v.remove(p); err != nil {
				return err
			}
		}
	}
	if hello.Windows {
		return nil
	}
	return v.beginScreen(hello)
}

// follow shows what one pipe brings until it ends, and closes it.
func (v *view) follow(ctx context.Context, pipe fusion.Pipe, hello wire.Hello) error {
	v.use(pipe)
	if hello.Windows {
		v.tellDesk()
	}
	v.send(abilities())
	v.clip.begin()
	v.ears.begin()
	dog := watch(pipe, v.ping)
	stop := context.AfterFunc(ctx, func() { dog.bite() })
	err := v.read(ctx, pipe, dog)
	v.use(nil)
	v.ears.hush()
	stop()
	return errors.Join(err, dog.close())
}

// lost shows that nothing is live: menus go, windows stay, dimmed.
func (v *view) lost() error {
	for _, p := range v.all() {
		if p.popup() {
			if err := v.remove(p); err != nil {
				return err
			}
			continue
		}
		p.glass.dim()
		p.stale = true
		p.win.setTitle(p.title + offlineSuffix)
	}
	return nil
}

// read handles messages until the view ends. It draws on this goroutine, so
// that nothing stands between a frame and the glass.
func (v *view) read(ctx context.Context, pipe fusion.Pipe, dog *watchdog) error {
	for {
		b, err := pipe.Read()
		if err != nil {
			return fmt.Errorf("%w: %w", errLost, err)
		}
		dog.heard()
		v.meter.received(len(b))
		m, err := wire.ParseHost(b)
		if err != nil {
			return err
		}
		if err := v.message(ctx, m); err != nil {
			return err
		}
	}
}

func (v *view) message(ctx context.Context, m wire.Message) error {
	switch m := m.(type) {
	case wire.FramePart:
		return v.part(m)
	case wire.Pong:
		v.meter.ponged(m.ID)
		return v.tidy()
	case wire.Title:
		v.title = m.Text
		if !v.windows.Load() {
			v.retitle(v.on, m.Text)
		}
	case wire.Closed:
		return closedError(m)
	case wire.ClipOffer, wire.ClipWant, wire.ClipData, wire.FileTake, wire.FileEntry, wire.FilePiece, wire.FileNews:
		v.clip.take(m)
	case wire.Sound, wire.Listening, wire.Speaking:
		v.ears.take(ctx, m)
	case wire.Untyped:
		v.untyped(m.Text)
	case wire.Pointing:
		v.pointing(m)
	default:
		if v.windows.Load() {
			return v.windowMessage(m)
		}
	}
	return nil
}

// frame draws and acknowledges one frame.
func (v *view) frame(p *pane, b []byte) error {
	if !p.single() {
		if err := checkContent(b); err != nil {
			return err
		}
	}
	before := p.glass.geo.Load().picture
	update, err := p.glass.frame(b)
	if err != nil {
		return err
	}
	v.tell(p, wire.Ack{Seq: p.parts.seq})
	v.meter.drawn()
	p.keep(update)
	if err := v.recordFirst(p); err != nil {
		return err
	}
	if update.Cursor != nil {
		if err := p.cursor.show(update.Cursor); err != nil {
			return err
		}
	}
	if size := p.glass.geo.Load().picture; p.single() && size != before && p.sizes.sourceIs(size) {
		p.win.resizeOuter(size)
	}
	return v.show(p)
}

// find gives the pane that an X window belongs to.
func (v *view) find(w xproto.Window) *pane {
	v.mu.RLock()
	defer v.mu.RUnlock()
	for _, p := range v.panes {
		if p.win.outer == w || p.win.area == w {
			return p
		}
	}
	return nil
}
