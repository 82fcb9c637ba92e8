package mirror

import (
	"bytes"
	"reflect"
	"slices"
	"sync"
	"testing"

	"hither/fusion"
	"hither/mirror/wire"
)

// fakeBoard is the clipboard of a fake source.
type fakeBoard struct {
	mu      sync.Mutex // guards the fields below
	changed func([]string)
	content []byte
	offers  chan []string
	ask     func(string, func([]byte, error))
}

func (b *fakeBoard) Display() string { return "fake" }

func (b *fakeBoard) Watch(changed func([]string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changed = changed
}

func (b *fakeBoard) Read(_ string, done func([]byte, error)) { done(b.content, nil) }

func (b *fakeBoard) Offer(types []string, ask func(string, func([]byte, error))) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ask = ask
	b.offers <- types
}

// copies is what a program of the screen does.
func (b *fakeBoard) copies(content []byte, types ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.content = content
	b.changed(types)
}

// serveBoard serves a screen with a clipboard.
func serveBoard(t *testing.T) (*Server, *fakeSource, *fakeBoard) {
	t.Helper()
	s, f, _ := serve(t, 64, 64)
	b := &fakeBoard{offers: make(chan []string, 8)}
	f.board = b
	return s, f, b
}

// hearClip hears until something is said of the clipboard.
func (w *watcher) hearClip() wire.Message {
	w.t.Helper()
	for {
		switch m := w.hear().(type) {
		case wire.ClipOffer, wire.ClipWant, wire.ClipData:
			return m
		}
	}
}

func TestHostsClipboardGoesToTheHandOnly(t *testing.T) {
	s, f, board := serveBoard(t)
	looks, idle, works := watch(t, s, fusion.ViewOptions{ViewOnly: true}), watch(t, s, fusion.ViewOptions{}), watch(t, s, fusion.ViewOptions{})
	for _, w := range []*watcher{looks, idle, works} {
		w.shows(f)
	}
	works.say(wire.Pointer{X: 1})
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<12)
	board.copies(content, wire.PlainText)
	offer := works.hearClip().(wire.ClipOffer)
	if !slices.Contains(offer.Types, wire.PlainText) {
		t.Fatalf("offered %q", offer.Types)
	}
	for _, w := range []*watcher{looks, idle} { // the answer to a ping comes next: nothing was offered
		w.say(wire.ClipWant{From: wire.ViewerSide, Serial: offer.Serial, Type: wire.PlainText})
		w.say(wire.Ping{ID: 7})
		for {
			m := w.hear()
			if d, ok := m.(wire.ClipData); ok && !d.Refused || reflect.TypeOf(m) == reflect.TypeOf(offer) {
				t.Fatalf("a view that is not the hand got %#v", m)
			}
			if m == (wire.Message)(wire.Pong{ID: 7}) {
				break
			}
		}
	}
	works.say(wire.ClipWant{From: wire.ViewerSide, Serial: offer.Serial, Type: wire.PlainText})
	var got []byte
	for last := false; !last; {
		d := works.hearClip().(wire.ClipData)
		got, last = append(got, d.Bytes...), d.Last
	}
	if !bytes.Equal(got, content) {
		t.Errorf("got %d bytes", len(got))
	}
	idle.say(wire.Pointer{X: 2})
	for {
		if m, ok := idle.hearClip().(wire.ClipOffer); ok {
			if !slices.Contains(m.Types, wire.PlainText) {
				t.Errorf("the new hand heard %#v", m)
			}
			break
		}
	}
}

func TestViewersClipboardIsPastedInTheHost(t *testing.T) {
	s, f, board := serveBoard(t)
	looks, works := watch(t, s, fusion.ViewOptions{ViewOnly: true}), watch(t, s, fusion.ViewOptions{})
	looks.shows(f)
	works.shows(f)
	offer := wire.ClipOffer{From: wire.ViewerSide, Serial: 3, Types: []string{wire.PNG, "text/html"}}
	looks.say(offer)
	works.say(offer)
	if got := <-board.offers; !slices.Equal(got, []string{wire.PNG}) {
		t.Fatalf("offered %q", got)
	}
	pasted := make(chan []byte, 1)
	board.ask(wire.PNG, func(content []byte, err error) { pasted <- content })
	if m := works.hearClip(); m != (wire.ClipWant{From: wire.HostSide, Serial: 3, Type: wire.PNG}) {
		t.Fatalf("heard %#v", m)
	}
	works.say(wire.ClipData{From: wire.ViewerSide, Serial: 3, Bytes: []byte("pi")})
	f.fill(f.picture.Bounds(), 9) // frames go on meanwhile
	works.shows(f)
	works.say(wire.ClipData{From: wire.ViewerSide, Serial: 3, Last: true, Bytes: []byte("cture")})
	if got := <-pasted; string(got) != "picture" {
		t.Errorf("pasted %q", got)
	}
	board.ask(wire.PNG, func(_ []byte, err error) { pasted <- nil })
	works.pipe.Close()
	if got := <-pasted; got != nil {
		t.Errorf("a closed view gave %q", got)
	}
	if len(board.offers) != 0 {
		t.Error("a view that only looks offered something")
	}
}

// hearNews hears until something is said of files.
func (w *watcher) hearNews() wire.FileNews {
	w.t.Helper()
	for {
		if m, is := w.hear().(wire.FileNews); is {
			return m
		}
	}
}

func TestDropsAreRefusedPlainly(t *testing.T) {
	drop := wire.FileDrop{FileTicket: wire.FileTicket{ID: 4, Files: 1, Bytes: 1}}
	console, f, _ := serve(t, 64, 64) // without a clipboard, as a machine's
	w := watch(t, console, fusion.ViewOptions{})
	w.shows(f)
	w.say(drop)
	if m := w.hearNews(); m.ID != 4 || m.Word != wire.FilesStop || m.Reason != wire.FilesNowhere || m.Text == "" {
		t.Errorf("a console said %+v", m)
	}
	s, f, _ := serveBoard(t)
	looks, guest := watch(t, s, fusion.ViewOptions{ViewOnly: true}), watch(t, s, fusion.ViewOptions{NoDrops: true})
	for _, w := range []*watcher{looks, guest} {
		w.shows(f)
		w.say(drop)
	}
	if m := guest.hearNews(); m.Word != wire.FilesStop || m.Reason != wire.FilesForbidden {
		t.Errorf("without the grant it said %+v", m)
	}
	looks.say(wire.Ping{ID: 7})
	for m := looks.hear(); m != (wire.Message)(wire.Pong{ID: 7}); m = looks.hear() {
		if _, is := m.(wire.FileNews); is {
			t.Errorf("a view that only looks heard %#v", m)
		}
	}
}
