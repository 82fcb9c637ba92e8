package mirror

import (
	"errors"
	"image"
	"io"
	"reflect"
	"testing"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

func TestViewsShowTheSource(t *testing.T) {
	s, f, l := serve(t, 300, 200)
	a, b := watch(t, s, fusion.ViewOptions{}), watch(t, s, fusion.ViewOptions{ViewOnly: true})
	a.shows(f)
	b.shows(f)
	if want := (&wire.Hello{Width: 300, Height: 200, Title: "a vm"}); !reflect.DeepEqual(a.hello, want) {
		t.Errorf("hello %+v", a.hello)
	}
	if !b.hello.ViewOnly {
		t.Error("hello does not say view only")
	}
	for i := range 20 {
		f.fill(image.Rect(i*3, i, 100+i*4, 150), byte(i*10))
		a.shows(f)
		b.shows(f)
	}
	f.resize(64, 70)
	a.shows(f)
	b.shows(f)
	if l.opens != 1 {
		t.Errorf("opened %d times for two views", l.opens)
	}
}

func TestCaptureEndsWithTheLastViewAndBeginsAnew(t *testing.T) {
	s, f, l := serve(t, 10, 10)
	a, b := watch(t, s, fusion.ViewOptions{}), watch(t, s, fusion.ViewOptions{})
	a.pipe.Close()
	if _, err := a.pipe.Read(); err != io.EOF {
		t.Errorf("read after close: %v", err)
	}
	f.until(t, "still open", func() bool { return f.closed == 0 })
	b.pipe.Close()
	f.until(t, "closed", func() bool { return f.closed == 1 })
	g := newFake(5, 5)
	l.source = func() *fakeSource { return g }
	watch(t, s, fusion.ViewOptions{}).shows(g)
}

func TestAtMostTwoFramesAreUnderWay(t *testing.T) {
	s, f, _ := serve(t, 100, 100)
	w := watch(t, s, fusion.ViewOptions{})
	w.ack = false
	w.shows(f)
	f.fill(image.Rect(0, 0, 10, 10), 1)
	w.shows(f)
	for i := range 50 { // nothing of this may be queued
		f.fill(image.Rect(i, i, i+40, i+40), byte(i))
	}
	w.say(wire.Ping{ID: 7})
	if m := w.hear(); m != (wire.Pong{ID: 7}) {
		t.Fatalf("%#v came while two frames were under way", m)
	}
	w.say(wire.Ack{Seq: 2})
	w.ack = true
	w.shows(f)
	if w.seq > 5 {
		t.Errorf("%d frames for what one or two could carry", w.seq)
	}
}

func TestNobodyAsksForPixelsThatNobodyCanTake(t *testing.T) {
	s, f, _ := serve(t, 100, 100)
	w := watch(t, s, fusion.ViewOptions{})
	w.ack = false
	w.shows(f)
	f.fill(image.Rect(0, 0, 10, 10), 1)
	w.shows(f)
	f.fill(image.Rect(0, 0, 10, 10), 2) // one Next may have been waiting for this
	f.mu.Lock()
	before := f.nexts
	f.mu.Unlock()
	for i := range 20 {
		f.fill(image.Rect(0, 0, 10, 10), byte(3+i))
		w.say(wire.Ping{ID: 1})
		w.hear()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.nexts > before+1 {
		t.Errorf("captured %d times", f.nexts-before)
	}
}

func TestInputArrivesAndIsLetGo(t *testing.T) {
	s, f, _ := serve(t, 10, 10)
	w := watch(t, s, fusion.ViewOptions{})
	sent := []wire.Message{wire.Pointer{X: 1, Y: 2}, wire.Key{Code: 30, Down: true}, wire.Button{Button: 1, Down: true}, wire.Wheel{DY: 120}}
	for _, m := range sent {
		w.say(m)
	}
	w.say(wire.Release{})
	w.say(wire.Key{Code: 42, Down: true})
	w.pipe.Close()
	want := append(sent, wire.Key{Code: 30}, wire.Button{Button: 1}, wire.Key{Code: 42, Down: true}, wire.Key{Code: 42})
	if !reflect.DeepEqual(f.inputs, want) {
		t.Errorf("source got %v, want %v", f.inputs, want)
	}
	if err := w.pipe.Write(wire.Key{Code: 1, Down: true}.Append(nil)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("write after close: %v", err)
	}
}

func TestViewOnlyTakesNoInput(t *testing.T) {
	s, f, l := serve(t, 10, 10)
	w := watch(t, s, fusion.ViewOptions{ViewOnly: true})
	for _, m := range []wire.Message{wire.Key{Code: 1, Down: true}, wire.Pointer{}, wire.Button{Button: 1}, wire.Wheel{DX: 1}, wire.Resize{Width: 1, Height: 1}, wire.Release{}, wire.Bye{}} {
		w.say(m)
	}
	w.shows(f)
	if len(f.inputs) != 0 || len(f.sizes) != 0 || len(l.byes) != 0 {
		t.Errorf("got %v %v", f.inputs, f.sizes)
	}
}

func TestResizeIsPassedOn(t *testing.T) {
	s, f, _ := serve(t, 10, 10)
	w := watch(t, s, fusion.ViewOptions{})
	w.say(wire.Resize{Width: 800, Height: 600})
	if len(f.sizes) != 1 || f.sizes[0] != image.Pt(800, 600) {
		t.Error(f.sizes)
	}
	w.shows(f) // a screen that cannot is no failure
}

func TestByeIsToldAndALostViewerIsNot(t *testing.T) {
	s, _, l := serve(t, 10, 10)
	a, b := watch(t, s, fusion.ViewOptions{}), watch(t, s, fusion.ViewOptions{})
	a.pipe.Close()
	b.say(wire.Bye{})
	<-l.byes
	b.pipe.Close()
	s.Close()
	if len(l.byes) != 0 {
		t.Error("a lost viewer said bye")
	}
}

func TestEndOfTheSourceIsTold(t *testing.T) {
	for _, c := range []struct {
		err    error
		reason wire.Reason
	}{{io.EOF, wire.Ended}, {errors.New("broken"), wire.Failed}} {
		s, f, _ := serve(t, 10, 10)
		w := watch(t, s, fusion.ViewOptions{})
		w.shows(f)
		f.end(c.err)
		if m, ok := w.hear().(wire.Closed); !ok || m.Reason != c.reason || m.Text == "" {
			t.Errorf("%v: %#v", c.err, m)
		}
		if _, err := w.pipe.Read(); err != io.EOF {
			t.Error(err)
		}
		f.until(t, "closed", func() bool { return f.closed == 1 })
	}
}

// A viewer that acknowledges nothing is told too, though nobody asks the source
// for changes any more.
func TestEndIsToldToAViewerThatIsBehind(t *testing.T) {
	s, f, _ := serve(t, 10, 10)
	w := watch(t, s, fusion.ViewOptions{})
	w.ack = false
	for w.seq < fewest {
		f.fill(image.Rect(0, 0, 10, 10), byte(w.seq+1))
		w.hear()
	}
	s.End("another")
	s.End("vm")
	for {
		if closed, ok := w.hear().(wire.Closed); ok {
			if closed.Reason != wire.Ended || closed.Text == "" {
				t.Errorf("%#v", closed)
			}
			break
		}
	}
	f.until(t, "closed", func() bool { return f.closed == 1 })
}

func TestNonsenseEndsTheView(t *testing.T) {
	for name, b := range map[string][]byte{"short key": {0x81}, "empty": {}, "ack of the future": wire.Ack{Seq: 99}.Append(nil)} {
		s, f, _ := serve(t, 10, 10)
		w := watch(t, s, fusion.ViewOptions{})
		w.shows(f)
		if err := w.pipe.Write(b); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if m, ok := w.hear().(wire.Closed); !ok || m.Reason != wire.Failed {
			t.Errorf("%s: %#v", name, m)
		}
	}
	s, f, _ := serve(t, 10, 10)
	w := watch(t, s, fusion.ViewOptions{})
	w.say(wire.Unknown{Type: 0xee})
	w.shows(f)
}

func TestTitleCursorAndRefreshAreSent(t *testing.T) {
	s, f, _ := serve(t, 10, 10)
	w := watch(t, s, fusion.ViewOptions{})
	w.shows(f)
	f.locked(func() { f.change.Title = "new" })
	if m := w.hear(); m != (wire.Title{Text: "new"}) {
		t.Errorf("%#v", m)
	}
	f.locked(func() { f.change.Cursor = &codec.Cursor{Width: 1, Height: 1, Pix: []byte{1, 2, 3, 4}} })
	for w.cursor == nil {
		w.hear()
	}
	seq := w.seq
	w.cursor = nil
	w.say(wire.Refresh{})
	for w.seq == seq {
		w.hear()
	}
	if w.cursor == nil {
		t.Error("a refresh brought no cursor")
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	s, _, l := serve(t, 10, 10)
	if _, err := s.Open(t.Context(), "nothing", fusion.ViewOptions{}); !errors.Is(err, fusion.ErrNotFound) {
		t.Error(err)
	}
	l.err = fusion.ErrInvalid
	if _, err := s.Open(t.Context(), "vm", fusion.ViewOptions{}); !errors.Is(err, fusion.ErrInvalid) {
		t.Error(err)
	}
	l.err = nil
	w := watch(t, s, fusion.ViewOptions{})
	s.Close()
	for {
		if m, ok := w.hear().(wire.Closed); ok {
			if m.Reason != wire.Ended {
				t.Error(m)
			}
			break
		}
	}
	if _, err := s.Open(t.Context(), "vm", fusion.ViewOptions{}); !errors.Is(err, fusion.ErrOffline) {
		t.Error(err)
	}
}

func TestManyOpenAndCloseAtOnce(t *testing.T) {
	s, _, l := serve(t, 50, 50)
	l.source = func() *fakeSource { return newFake(50, 50) }
	done := make(chan bool)
	for range 8 {
		go func() {
			defer func() { done <- true }()
			for range 30 {
				pipe, err := s.Open(t.Context(), "vm", fusion.ViewOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := pipe.Read(); err != nil {
					t.Error(err)
				}
				pipe.Close()
			}
		}()
	}
	for range 8 {
		<-done
	}
	for _, sc := range s.all() {
		if v := sc.list(); len(v) != 0 {
			t.Error(v)
		}
	}
}
