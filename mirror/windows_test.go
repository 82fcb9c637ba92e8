package mirror

import (
	"context"
	"errors"
	"image"
	"io"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"hither/fusion"
	"hither/mirror/capture"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// fakeWindows are windows that the test opens, draws on and closes.
type fakeWindows struct {
	mu      sync.Mutex
	wake    *sync.Cond
	list    []Window
	changed bool
	err     error
	sources map[uint32]*fakeSource
	inputs  []fakeInput
	done    []wire.Message
	slow    chan bool // if set, Do waits for it
}

type fakeInput struct {
	id uint32
	m  wire.Message
}

func (f *fakeWindows) locked(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	f.wake.Broadcast()
}

// put makes or changes a window; its picture has its size.
func (f *fakeWindows) put(w Window) *fakeSource {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changed = true
	f.wake.Broadcast()
	for i := range f.list {
		if f.list[i].ID == w.ID {
			f.list[i] = w
			return f.sources[w.ID]
		}
	}
	f.list = append(f.list, w)
	f.sources[w.ID] = newFake(int(w.Width), int(w.Height))
	return f.sources[w.ID]
}

func (f *fakeWindows) remove(id uint32) {
	f.locked(func() {
		f.list = slices.DeleteFunc(f.list, func(w Window) bool { return w.ID == id })
		f.changed = true
		f.sources[id].end(io.EOF)
	})
}

func (f *fakeWindows) Next() ([]Window, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for !f.changed && f.err == nil {
		f.wake.Wait()
	}
	f.changed = false
	f.wake.Broadcast()
	return slices.Clone(f.list), f.err
}

func (f *fakeWindows) Open(id uint32) (capture.Source, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sources[id], nil
}

func (f *fakeWindows) Input(id uint32, m wire.Message) error {
	f.locked(func() { f.inputs = append(f.inputs, fakeInput{id, m}) })
	return untypable(m)
}

func (f *fakeWindows) Do(m wire.Message) error {
	f.locked(func() { f.done = append(f.done, m) })
	if f.slow != nil {
		<-f.slow
	}
	return nil
}

func (f *fakeWindows) Close() error {
	f.locked(func() { f.err = cmpErr(f.err, io.EOF) })
	return nil
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func (f *fakeWindows) until(t *testing.T, what string, is func() bool) {
	t.Helper()
	end := time.AfterFunc(patience, func() { f.wake.Broadcast() })
	defer end.Stop()
	start := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	for !is() {
		if time.Since(start) > patience {
			t.Fatalf("not in time: %s", what)
		}
		f.wake.Wait()
	}
}

// windowLocator has windows instead of a screen.
type windowLocator struct {
	locator
	windows *fakeWindows
}

func (l *windowLocator) OpenWindows(_ context.Context, name string) (LocatedWindows, error) {
	if name != "app" {
		return LocatedWindows{}, errors.Join(fusion.ErrUnsupported)
	}
	return LocatedWindows{Screen: fusion.Screen{Name: name, Title: "an app", Width: 640, Height: 480}, Windows: l.windows, Sound: l.sound,
		Bye: func() { l.byes <- true }}, nil
}

// shown is what a viewer knows of a window.
type shown struct {
	wire.Window
	icon   string
	frames wire.Assembler
	d      codec.Decoder
	seq    uint32
}

// windowWatcher is a viewer of windows.
type windowWatcher struct {
	talk
	hello *wire.Hello
	on    uint32
	all   map[uint32]*shown
	ack   bool
	heard []wire.Message // all but frame parts, and of those only the last ones
}

func serveWindows(t *testing.T, options fusion.ViewOptions) (*Server, *fakeWindows, *windowLocator, *windowWatcher) {
	t.Helper()
	f := &fakeWindows{changed: true, sources: map[uint32]*fakeSource{}}
	f.wake = sync.NewCond(&f.mu)
	l := &windowLocator{windows: f}
	l.byes = make(chan bool, 8)
	s := NewServer(l, Config{})
	t.Cleanup(func() { s.Close() })
	options.Windows = true
	pipe, err := s.Open(t.Context(), "app", options)
	if err != nil {
		t.Fatal(err)
	}
	w := &windowWatcher{talk: talk{t, pipe}, all: map[uint32]*shown{}, ack: true}
	t.Cleanup(func() { pipe.Close() })
	return s, f, l, w
}

func (w *windowWatcher) hear() wire.Message {
	w.t.Helper()
	m := w.read()
	switch m := m.(type) {
	case wire.Hello:
		w.hello = &m
	case wire.Window:
		if w.all[m.ID] == nil {
			w.all[m.ID] = &shown{}
		}
		w.all[m.ID].Window = m
	case wire.Icon:
		w.all[m.Window].icon = string(m.PNG)
	case wire.Gone:
		if w.all[m.Window] == nil {
			w.t.Errorf("%d is gone and was not there", m.Window)
		}
		delete(w.all, m.Window)
	case wire.On:
		w.on = m.Window
	case wire.FramePart:
		w.part(m)
		return m
	}
	w.heard = append(w.heard, m)
	return m
}

func (w *windowWatcher) part(p wire.FramePart) {
	w.t.Helper()
	one := w.all[w.on]
	if one == nil {
		w.t.Fatalf("a frame of %d, which is not there", w.on)
	}
	frame, err := one.frames.Add(p)
	if err != nil {
		w.t.Fatal(err)
	}
	if frame == nil {
		return
	}
	if _, err := one.d.Decode(frame); err != nil {
		w.t.Fatal(err)
	}
	one.seq = p.Seq
	if w.ack {
		w.say(wire.Over{Window: w.on}, wire.Ack{Seq: p.Seq})
	}
}

func (w *windowWatcher) until(is func() bool) {
	w.t.Helper()
	for !is() {
		w.hear()
	}
}

// shows hears until a window shows its source.
func (w *windowWatcher) shows(id uint32, f *fakeSource) {
	w.t.Helper()
	w.until(func() bool { return f.same(w.all[id]) })
}

// same says whether a viewer shows the source.
func (f *fakeSource) same(one *shown) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return one != nil && one.d.Picture() != nil && one.d.Picture().Equal(f.picture)
}

func win(id uint32, flags wire.WindowFlags) Window {
	return Window{Window: wire.Window{ID: id, Flags: flags, Width: 100, Height: 80, Title: "w"}, Icon: "icon"}
}

func TestWindowsComeAfterTheDeskAndShowTheirSources(t *testing.T) {
	_, f, _, w := serveWindows(t, fusion.ViewOptions{})
	one, two := f.put(win(1, wire.Active)), f.put(win(2, wire.Dialog))
	w.say(wire.Ping{ID: 5})
	w.hear()
	if want := (&wire.Hello{Windows: true, Width: 640, Height: 480, Title: "an app"}); !reflect.DeepEqual(w.hello, want) {
		t.Errorf("hello %+v", w.hello)
	}
	if m := w.hear(); m != (wire.Pong{ID: 5}) {
		t.Errorf("%#v before the desk", m)
	}
	w.say(wire.Desk{Width: 800, Height: 600})
	w.shows(1, one)
	w.shows(2, two)
	if len(f.done) != 1 || f.done[0] != (wire.Desk{Width: 800, Height: 600}) {
		t.Error(f.done)
	}
	w.until(func() bool { return w.all[1].icon == "icon" })
	for i := range 10 {
		one.fill(image.Rect(i, i, 50+i, 60), byte(i+1))
		two.fill(image.Rect(0, i, 90, 10+i), byte(99-i))
		w.shows(1, one)
		w.shows(2, two)
	}
	changed := win(2, wire.Dialog|wire.Modal)
	changed.Title, changed.Parent, changed.X, changed.Icon = "changed", 1, -7, "other"
	f.put(changed)
	w.until(func() bool { return w.all[2].Window == changed.Window && w.all[2].icon == "other" })
	three := f.put(win(3, wire.Popup))
	w.shows(3, three)
	f.remove(3)
	w.until(func() bool { return w.all[3] == nil })
	one.resize(300, 20)
	w.shows(1, one)
	f.until(t, "the source of the one that went is closed", func() bool { three.mu.Lock(); defer three.mu.Unlock(); return three.closed == 1 })
}

func TestWindowsHaveTwoFramesUnderWayEach(t *testing.T) {
	_, f, _, w := serveWindows(t, fusion.ViewOptions{})
	w.ack = false
	one, two := f.put(win(1, wire.Active)), f.put(win(2, 0))
	w.say(wire.Desk{Width: 800, Height: 600})
	w.shows(1, one)
	w.shows(2, two)
	one.fill(image.Rect(0, 0, 9, 9), 1)
	w.shows(1, one)
	for i := range 30 {
		one.fill(image.Rect(i, 0, i+9, 9), byte(i))
		two.fill(image.Rect(i, 0, i+9, 9), byte(i))
	}
	w.until(func() bool { return w.all[2].seq == 2 })
	w.say(wire.Ping{ID: 1})
	w.until(func() bool { return w.heard[len(w.heard)-1] == wire.Message(wire.Pong{ID: 1}) })
	if w.all[1].seq != 2 || w.all[2].seq != 2 {
		t.Errorf("%d and %d frames", w.all[1].seq, w.all[2].seq)
	}
	w.ack = true
	w.say(wire.Over{Window: 1}, wire.Ack{Seq: 2}, wire.Over{Window: 2}, wire.Ack{Seq: 2})
	w.shows(1, one)
	w.shows(2, two)
}

// noise makes a window's picture worth many parts.
func noise(f *fakeSource, seed uint32) {
	f.locked(func() {
		for i := range f.picture.Pix {
			seed = seed*1664525 + 1013904223
			f.picture.Pix[i] = byte(seed >> 24)
		}
		f.pending = []image.Rectangle{f.picture.Bounds()}
	})
}

// waits waits until a window has something to say.
func (w *windowWatcher) waits(id uint32) {
	w.t.Helper()
	s := w.pipe.(*session)
	late := false
	defer time.AfterFunc(patience, func() { s.mu.Lock(); late = true; s.mu.Unlock(); s.wake.Broadcast() }).Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.panes[id].due() {
		if late {
			w.t.Fatalf("not in time: %d has something to say", id)
		}
		s.wake.Wait()
	}
}

// The active window's parts go before those of the others, which are not
// forgotten.
func TestTheActiveWindowGoesFirst(t *testing.T) {
	_, f, _, w := serveWindows(t, fusion.ViewOptions{})
	sources := map[uint32]*fakeSource{}
	for id := range uint32(4) {
		one := win(id+1, 0)
		one.Width, one.Height = 400, 400 // about 30 parts
		if id == 3 {
			one.Flags = wire.Active
		}
		sources[id+1] = f.put(one)
		noise(sources[id+1], id+1)
	}
	w.say(wire.Desk{Width: 800, Height: 600})
	for id, source := range sources {
		w.shows(id, source)
	}
	for id, source := range sources {
		noise(source, 77+id)
	}
	for id := range sources {
		w.waits(id)
	}
	w.say(wire.Ping{ID: 1}) // applied: the captured pictures may still be on their way
	parts, others := 0, 0
	w.until(func() bool {
		if _, is := w.hear().(wire.FramePart); is && w.on == 4 {
			parts++
		} else if is {
			others++
		}
		return sources[4].same(w.all[4])
	})
	if parts < 10 || others == 0 || others > parts {
		t.Errorf("%d parts of the active window, %d of others meanwhile", parts, others)
	}
	for id, source := range sources {
		w.shows(id, source)
	}
}

func TestInputGoesToItsWindow(t *testing.T) {
	_, f, l, w := serveWindows(t, fusion.ViewOptions{})
	one, two := f.put(win(1, wire.Active)), f.put(win(2, 0))
	w.ack = false
	w.say(wire.Desk{Width: 800, Height: 600})
	w.shows(1, one)
	w.shows(2, two)
	w.say(wire.Over{Window: 1}, wire.Pointer{X: 3, Y: 4}, wire.Button{Button: 1, Down: true}, wire.Button{Button: 1},
		wire.Over{Window: 2}, wire.Key{Code: 28, Down: true})
	f.remove(2) // the key closed it
	w.until(func() bool { return w.all[2] == nil })
	w.say(wire.Pointer{X: 1, Y: 1}, wire.Key{Code: 30, Down: true}, wire.Key{Code: 28},
		wire.Over{Window: 1}, wire.Key{Code: 31, Down: true}, wire.Release{}, wire.Over{Window: 4711}, wire.Wheel{DY: 120},
		wire.Over{Window: 1}, wire.Key{Code: 32, Down: true})
	w.pipe.Close()
	want := []fakeInput{{1, wire.Pointer{X: 3, Y: 4}}, {1, wire.Button{Button: 1, Down: true}}, {1, wire.Button{Button: 1}},
		{2, wire.Key{Code: 28, Down: true}}, {0, wire.Key{Code: 28}}, {1, wire.Key{Code: 31, Down: true}}, {0, wire.Key{Code: 31}},
		{1, wire.Key{Code: 32, Down: true}}, {0, wire.Key{Code: 32}}}
	if !reflect.DeepEqual(f.inputs, want) {
		t.Errorf("got  %v\nwant %v", f.inputs, want)
	}
	if len(l.byes) != 0 {
		t.Error("a lost viewer said bye")
	}
}

func TestTwoStatesAreOne(t *testing.T) {
	const f, m, a = wire.FullScreen, wire.Maximized, wire.Active
	for _, c := range []struct{ earlier, later, want wire.WindowFlags }{
		{f, m, m | 0xff00},
		{m | m<<8, a | a<<8, m | a | (m|a)<<8},
		{m | m<<8, m << 8, m << 8},
		{m | a, a << 8, m | 0xff00},
		{a << 8, m, m | 0xff00},
	} {
		if got := both(wire.State{Window: 1, Flags: c.earlier}, wire.State{Window: 1, Flags: c.later}); got.Flags != c.want {
			t.Errorf("%04x then %04x: %04x, want %04x", c.earlier, c.later, got.Flags, c.want)
		}
	}
}

func TestAButtonBesideAllWindowsClosesMenus(t *testing.T) {
	_, f, _, w := serveWindows(t, fusion.ViewOptions{})
	one := f.put(win(1, wire.Active))
	w.say(wire.Desk{Width: 800, Height: 600})
	w.shows(1, one)
	click := []wire.Message{wire.Over{}, wire.Pointer{X: 1}, wire.Button{Button: 1, Down: true}, wire.Button{Button: 1}}
	w.say(click...)
	menu := f.put(win(2, wire.Popup))
	w.shows(2, menu)
	w.say(click...)
	far := wire.Pointer{X: 32767, Y: 32767}
	want := []fakeInput{{0, wire.Button{Button: 1}}, {0, far}, {0, wire.Button{Button: 1, Down: true}}, {0, wire.Button{Button: 1}}}
	if !reflect.DeepEqual(f.inputs, want) {
		t.Errorf("got  %v\nwant %v", f.inputs, want)
	}
}

func TestAHostileViewerOfWindows(t *testing.T) {
	_, f, _, w := serveWindows(t, fusion.ViewOptions{})
	one := f.put(win(1, wire.Active))
	f.slow = make(chan bool)
	w.say(wire.Desk{Width: 800, Height: 600})
	f.slow <- true
	w.shows(1, one)
	for i := range 10000 {
		w.say(wire.Place{Window: 1, X: int16(i), Width: 5, Height: 5}, wire.State{Window: 1, Flags: wire.Maximized}, wire.Shut{Window: 9},
			wire.Place{Window: uint32(i + 2)}, wire.Shut{Window: uint32(i + 2)}, wire.Over{Window: uint32(i + 2)}, wire.Ack{Seq: 7},
			wire.Refresh{}, wire.Pointer{X: 65535, Y: 65535}, wire.Resize{Width: 1, Height: 1}, wire.Able{Flags: 0xffffffff}, wire.Ping{ID: 3})
	}
	close(f.slow)
	last := wire.Message(wire.Place{Window: 1, X: 9999, Width: 5, Height: 5})
	f.until(t, "the newest place", func() bool { return f.done[len(f.done)-1] == last })
	if len(f.done) > 6 || len(f.inputs) != 0 {
		t.Errorf("done %v, inputs %v", f.done, f.inputs)
	}
	w.say(wire.Shut{Window: 1})
	f.until(t, "shut", func() bool { return f.done[len(f.done)-1] == wire.Message(wire.Shut{Window: 1}) })
	w.say(wire.Over{Window: 1})
	if err := w.pipe.Write(wire.Ack{Seq: 99}.Append(nil)); !errors.Is(err, fusion.ErrInvalid) {
		t.Error(err)
	}
}

// A viewer that reads nothing costs as much as the windows there are, however
// many come and go.
func TestWindowsThatNobodyReadsOf(t *testing.T) {
	s, f, _, w := serveWindows(t, fusion.ViewOptions{})
	w.say(wire.Desk{Width: 800, Height: 600})
	for id := range uint32(300) {
		f.put(win(id+1, 0))
		f.until(t, "taken", func() bool { return !f.changed })
		f.remove(id + 1)
		f.until(t, "taken", func() bool { return !f.changed })
	}
	last := f.put(win(1000, 0))
	w.shows(1000, last)
	if len(w.all) != 1 || len(w.heard) > 10 {
		t.Errorf("%d windows, %d messages", len(w.all), len(w.heard))
	}
	for id := range uint32(2 * maxPanes) {
		f.put(win(2000+id, 0))
	}
	w.until(func() bool { return len(w.all) == maxPanes })
	s.Close()
	w.until(func() bool { _, closed := w.heard[len(w.heard)-1].(wire.Closed); return closed })
}

func TestAViewOfWindowsForLookingOnly(t *testing.T) {
	_, f, l, w := serveWindows(t, fusion.ViewOptions{ViewOnly: true})
	one := f.put(win(1, 0))
	w.say(wire.Desk{Width: 800, Height: 600})
	w.shows(1, one)
	w.say(wire.Over{Window: 1}, wire.Key{Code: 1, Down: true}, wire.Pointer{}, wire.Place{Window: 1}, wire.State{Window: 1}, wire.Shut{Window: 1},
		wire.Release{}, wire.Bye{}, wire.Desk{Width: 5, Height: 5})
	one.fill(image.Rect(0, 0, 9, 9), 9)
	w.shows(1, one)
	if !w.hello.ViewOnly || len(f.inputs)+len(f.done)+len(l.byes) != 0 {
		t.Error(w.hello, f.inputs, f.done)
	}
}

func TestEndOfTheWindowsIsTold(t *testing.T) {
	for _, c := range []struct {
		end    func(s *Server, f *fakeWindows, w *windowWatcher)
		reason wire.Reason
	}{
		{func(_ *Server, f *fakeWindows, _ *windowWatcher) { f.locked(func() { f.err = io.EOF }) }, wire.Ended},
		{func(_ *Server, f *fakeWindows, _ *windowWatcher) { f.locked(func() { f.err = errors.New("broken") }) }, wire.Failed},
		{func(s *Server, _ *fakeWindows, _ *windowWatcher) { s.End("app") }, wire.Ended},
		{func(s *Server, _ *fakeWindows, _ *windowWatcher) { s.Close() }, wire.Ended},
		{func(_ *Server, _ *fakeWindows, w *windowWatcher) { _ = w.pipe.Write([]byte{0x94}) }, wire.Failed},
	} {
		s, f, l, w := serveWindows(t, fusion.ViewOptions{})
		one := f.put(win(1, 0))
		w.say(wire.Desk{Width: 800, Height: 600})
		w.shows(1, one)
		w.say(wire.Bye{})
		<-l.byes
		c.end(s, f, w)
		for {
			if m, is := w.hear().(wire.Closed); is {
				if m.Reason != c.reason || m.Text == "" {
					t.Errorf("%#v", m)
				}
				break
			}
		}
		if _, err := w.pipe.Read(); err != io.EOF {
			t.Error(err)
		}
		if err := w.pipe.Write(wire.Ping{}.Append(nil)); !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
		one.until(t, "closed", func() bool { return one.closed == 1 })
	}
}

// A screen without windows of its own is shown as one picture.
func TestNoWindowsIsOnePicture(t *testing.T) {
	f := newFake(10, 10)
	l := &windowLocator{}
	l.source, l.byes = func() *fakeSource { return f }, make(chan bool, 1)
	s := NewServer(l, Config{})
	defer s.Close()
	w := watch(t, s, fusion.ViewOptions{Windows: true})
	w.shows(f)
	if w.hello.Windows {
		t.Error("hello says windows")
	}
}
