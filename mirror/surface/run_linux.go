package surface

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"sync/atomic"
	"time"

	"hither/fusion"
	"hither/mirror/wire"
)

var (
	errBye      = errors.New("the window was closed")
	errLost     = errors.New("the connection was lost")
	errFinished = errors.New("the source ended")
)

// view is one Run. Its goroutines: Run's own reads the pipe and draws; events
// (ended by closing the display's connection) turns the person's actions into
// messages; a watchdog for each pipe. Run waits for all.
type view struct {
	cfg    Config
	win    *window
	glass  *glass
	cursor *pointer
	sizes  *sizer
	end    context.CancelCauseFunc
	title  string // owned by Run's goroutine

	viewOnly atomic.Bool

	out  sync.Mutex // guards the fields below: one writer at a time
	pipe fusion.Pipe
	buf  []byte
}

func run(ctx context.Context, pipe fusion.Pipe, cfg Config) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	hello, err := greet(ctx, pipe)
	if err != nil {
		return finish(ctx, errors.Join(err, pipe.Close()))
	}
	size := image.Pt(int(hello.Width), int(hello.Height))
	win, err := openWindow(cfg, size)
	if err != nil {
		return errors.Join(err, pipe.Close())
	}
	v := &view{cfg: cfg, win: win, end: end, glass: newGlass(win, size), cursor: newPointer(win),
		sizes: &sizer{now: time.Now}}
	v.sizes.told(win.fit(size))
	v.setTitle(hello.Title)
	err = v.whole(ctx, pipe, hello)
	return errors.Join(err, v.glass.close())
}

// whole runs the event loop beside the view and waits for it.
func (v *view) whole(ctx context.Context, pipe fusion.Pipe, hello wire.Hello) error {
	if err := v.win.show(); err != nil {
		v.win.conn.Close()
		return errors.Join(err, pipe.Close())
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		v.events()
	}()
	err := finish(ctx, v.views(ctx, pipe, hello))
	v.win.conn.Close()
	<-done
	return err
}

// finish turns what ended the view into what Run promises.
func finish(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	switch {
	case errors.Is(err, errBye), errors.Is(err, errFinished):
		return nil
	case errors.Is(err, errLost):
		return opError(fusion.ErrOffline, err.Error(), "see if the host is on and reachable: hither status")
	}
	return err
}

// views follows one pipe after the other.
func (v *view) views(ctx context.Context, pipe fusion.Pipe, hello wire.Hello) error {
	for {
		err := v.follow(ctx, pipe, hello)
		if !errors.Is(err, errLost) || v.cfg.Reopen == nil || ctx.Err() != nil {
			return err
		}
		v.cfg.Log.Info("screen offline", "title", v.title, "trace", fusion.Trace(ctx), "err", err)
		v.glass.dim()
		v.win.setTitle(v.title + offlineSuffix)
		if pipe, hello, err = v.reopen(ctx); err != nil {
			return err
		}
		v.cfg.Log.Info("screen online", "title", v.title, "trace", fusion.Trace(ctx))
		v.setTitle(hello.Title)
	}
}

// follow shows what one pipe brings until it ends, and closes it.
func (v *view) follow(ctx context.Context, pipe fusion.Pipe, hello wire.Hello) error {
	v.viewOnly.Store(hello.ViewOnly)
	v.glass.begin()
	v.use(pipe)
	v.send(abilities())
	dog := watch(pipe, v.ping)
	stop := context.AfterFunc(ctx, func() { dog.bite() })
	err := v.read(pipe, dog)
	v.use(nil)
	stop()
	return errors.Join(err, dog.close())
}

// use makes pipe the one that input goes to; nil drops input.
func (v *view) use(pipe fusion.Pipe) {
	v.out.Lock()
	defer v.out.Unlock()
	v.pipe = pipe
}

// read handles messages until the view ends. It draws on this goroutine, so
// that nothing stands between a frame and the glass.
func (v *view) read(pipe fusion.Pipe, dog *watchdog) error {
	var frames wire.Assembler
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
		if err := v.message(m, &frames); err != nil {
			return err
		}
	}
}

func (v *view) message(m wire.Message, frames *wire.Assembler) error {
	switch m := m.(type) {
	case wire.FramePart:
		frame, err := frames.Add(m)
		if err != nil || frame == nil {
			return err
		}
		return v.frame(m.Seq, frame)
	case wire.Title:
		v.setTitle(m.Text)
	case wire.Closed:
		return closedError(m)
	}
	return nil
}

// closedError is what the host's last message means for Run.
func closedError(m wire.Closed) error {
	switch m.Reason {
	case wire.Ended:
		return errFinished
	case wire.Revoked:
		return opError(fusion.ErrPermission, plainTitle(m.Text), "ask the host's owner to grant control again")
	}
	return &fusion.Error{Op: "screen.view", Cause: errors.New("the host cannot show this screen any more"),
		Detail: plainTitle(m.Text), Hint: "open the screen again"}
}

// frame draws and acknowledges one frame.
func (v *view) frame(seq uint32, b []byte) error {
	before := v.glass.geo.Load().picture
	update, err := v.glass.frame(b)
	if err != nil {
		return err
	}
	v.send(wire.Ack{Seq: seq})
	if update.Cursor != nil {
		if err := v.cursor.show(update.Cursor); err != nil {
			return err
		}
	}
	if size := v.glass.geo.Load().picture; size != before && v.sizes.sourceIs(size) {
		v.win.resizeOuter(size)
	}
	return nil
}

func (v *view) setTitle(title string) {
	if title == "" {
		title = v.cfg.Title
	}
	v.title = hostTitle(title, v.cfg.Host)
	v.win.setTitle(v.title)
}

// send writes a message at once. While offline it goes nowhere. A pipe that
// fails is found by its reader.
func (v *view) send(m wire.Message) {
	v.out.Lock()
	defer v.out.Unlock()
	v.write(m)
}

// ping asks for a sign of life, unless a message is under way already.
func (v *view) ping(id uint64) {
	if v.out.TryLock() {
		defer v.out.Unlock()
		v.write(wire.Ping{ID: id})
	}
}

func (v *view) write(m wire.Message) {
	if v.pipe == nil {
		return
	}
	v.buf = m.Append(v.buf[:0])
	if err := v.pipe.Write(v.buf); err != nil {
		v.cfg.Log.Debug("screen input lost", "err", err)
		v.pipe = nil
	}
}
