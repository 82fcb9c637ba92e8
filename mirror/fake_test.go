package mirror

import (
	"context"
	"errors"
	"image"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hither/fusion"
	"hither/mirror/capture"
	"hither/mirror/codec"
	"hither/mirror/sound"
	"hither/mirror/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 60 * time.Second

// fakeSource is a screen that the test draws on.
type fakeSource struct {
	mu      sync.Mutex
	wake    *sync.Cond
	picture *codec.Picture
	pending []image.Rectangle
	change  capture.Change
	err     error
	nexts   int
	inputs  []wire.Message
	sizes   []image.Point
	closed  int
	woken   bool
	board   capture.Clipboard // nil: it has none

	spares bool // it leaves out what is not needed
	look   *codec.Look
	fetch  bool
	left   bool // something was left out
	looks  int
	wholes int
}

func newFake(w, h int) *fakeSource {
	f := &fakeSource{picture: codec.NewPicture(w, h), pending: []image.Rectangle{image.Rect(0, 0, w, h)}}
	f.wake = sync.NewCond(&f.mu)
	return f
}

func (f *fakeSource) locked(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	f.wake.Broadcast()
}

// fill draws a rectangle of one grey.
func (f *fakeSource) fill(r image.Rectangle, grey byte) {
	f.locked(func() {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			row := f.picture.Pix[y*f.picture.Stride:]
			for i := r.Min.X * 4; i < r.Max.X*4; i++ {
				row[i] = grey
			}
		}
		f.pending = append(f.pending, r)
	})
}

func (f *fakeSource) resize(w, h int) {
	f.locked(func() {
		f.picture = codec.NewPicture(w, h)
		f.pending = []image.Rectangle{image.Rect(0, 0, w, h)}
	})
}

func (f *fakeSource) Next() (capture.Change, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.pending) == 0 && !(f.fetch && f.left) && f.change.Cursor == nil && f.change.Title == "" && f.err == nil && !f.woken {
		f.wake.Wait()
	}
	if woken := f.woken; woken && f.err == nil {
		f.woken = false
		return capture.Change{}, nil
	}
	if f.err != nil {
		return capture.Change{}, f.err
	}
	f.nexts++
	c := f.change
	f.change = capture.Change{}
	c.Width, c.Height = f.picture.Width, f.picture.Height
	still := f.picture.Copy()
	area := image.Rectangle{}
	for _, r := range f.pending {
		area = area.Union(r)
	}
	switch {
	case f.fetch && f.left:
		f.fetch, f.left = false, false
		f.wholes++
		c.Whole, c.Damage, f.pending = still, f.pending, nil
	case f.spares && f.look != nil && area.In(f.look.Area) && !area.Empty():
		c.Look, c.Damage = f.look, []image.Rectangle{area}
		f.pending, f.left = f.look.Rects, true
		f.looks++
	}
	for _, r := range f.pending {
		c.Patches = append(c.Patches, capture.Patch{Rect: r, Pix: still.Pix[r.Min.Y*still.Stride+r.Min.X*4:], Stride: still.Stride})
	}
	f.pending = nil
	return c, nil
}

func (f *fakeSource) Spare(look *codec.Look) { f.locked(func() { f.look = look }) }

func (f *fakeSource) Fetch() { f.locked(func() { f.fetch, f.woken = true, true }) }

func (f *fakeSource) Clipboard() capture.Clipboard { return f.board }

func (f *fakeSource) Wake() { f.locked(func() { f.woken = true }) }

func (f *fakeSource) Input(m wire.Message) error {
	f.locked(func() { f.inputs = append(f.inputs, m) })
	return untypable(m)
}

// untypable is what a source says that has no key for x.
func untypable(m wire.Message) error {
	if text, is := m.(wire.Text); is && strings.Contains(text.Text, "x") {
		return &capture.UntypedError{Text: "x"}
	}
	return nil
}

func (f *fakeSource) Resize(w, h int) error {
	f.locked(func() { f.sizes = append(f.sizes, image.Pt(w, h)) })
	return fusion.ErrUnsupported
}

func (f *fakeSource) end(err error) { f.locked(func() { f.err = err }) }

func (f *fakeSource) Close() error {
	f.locked(func() {
		f.closed++
		if f.err == nil {
			f.err = io.EOF
		}
	})
	return nil
}

// until waits for something to become true of the source.
func (f *fakeSource) until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		f.mu.Lock()
		ok := is()
		f.mu.Unlock()
		if ok {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// locator has one screen, "vm".
type locator struct {
	mu     sync.Mutex
	source func() *fakeSource
	sound  sound.Device // nil: it has none

	session bool // the sound is this computer's own
	opens   int
	err     error
	byes    chan bool
}

func (l *locator) List(context.Context, string) ([]fusion.Screen, error) {
	return []fusion.Screen{{Name: "vm"}}, nil
}

func (l *locator) Open(_ context.Context, name string) (Located, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil || name != "vm" {
		return Located{}, errors.Join(l.err, fusion.ErrNotFound)
	}
	l.opens++
	return Located{Screen: fusion.Screen{Name: "vm", Title: "a vm"}, Source: l.source(), Sound: l.sound, Session: l.session, Bye: func() { l.byes <- true }}, nil
}

// serve gives a server of one fake screen.
func serve(t *testing.T, w, h int) (*Server, *fakeSource, *locator) {
	t.Helper()
	f := newFake(w, h)
	l := &locator{source: func() *fakeSource { return f }, byes: make(chan bool, 8)}
	s := NewServer(l, Config{})
	t.Cleanup(func() { s.Close() })
	return s, f, l
}

// watcher is a viewer that acknowledges every frame when ack is set.
type watcher struct {
	talk
	ack    bool
	frames wire.Assembler
	d      codec.Decoder
	seq    uint32
	hello  *wire.Hello
	cursor *codec.Cursor
}

func watch(t *testing.T, s *Server, options fusion.ViewOptions) *watcher {
	t.Helper()
	pipe, err := s.Open(t.Context(), "vm", options)
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{talk: talk{t, pipe}, ack: true}
	t.Cleanup(func() { pipe.Close(); w.d.Close() })
	return w
}

// talk is a viewer's end of a view.
type talk struct {
	t    *testing.T
	pipe fusion.Pipe
}

func (w *talk) say(messages ...wire.Message) {
	w.t.Helper()
	for _, m := range messages {
		if err := w.pipe.Write(m.Append(nil)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// read gives the next message of the host.
func (w *talk) read() wire.Message {
	w.t.Helper()
	b, err := w.pipe.Read()
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := wire.ParseHost(b)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// hear reads one message and applies it if it completes a frame.
func (w *watcher) hear() wire.Message {
	w.t.Helper()
	m := w.read()
	switch m := m.(type) {
	case wire.Hello:
		w.hello = &m
	case wire.FramePart:
		w.part(m)
	}
	return m
}

func (w *watcher) part(p wire.FramePart) {
	w.t.Helper()
	frame, err := w.frames.Add(p)
	if err != nil {
		w.t.Fatal(err)
	}
	if frame == nil {
		return
	}
	u, err := w.d.Decode(frame)
	if err != nil {
		w.t.Fatal(err)
	}
	if u.Cursor != nil {
		w.cursor = u.Cursor
	}
	w.seq = p.Seq
	if w.ack {
		w.say(wire.Ack{Seq: p.Seq})
	}
}

// shows hears until the picture is that of the source.
func (w *watcher) shows(f *fakeSource) {
	w.t.Helper()
	for !w.same(f) {
		w.hear()
	}
}

func (w *watcher) same(f *fakeSource) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return w.d.Picture() != nil && w.d.Picture().Equal(f.picture)
}
