package mirror

import (
	"context"
	"errors"
	"testing"

	"hither/fusion"
	"hither/mirror/wire"
)

// parts has several screens of one display.
type parts map[string]*fakeSource

func (p parts) List(context.Context, string) ([]fusion.Screen, error) { return nil, nil }

func (p parts) Open(_ context.Context, name string) (Located, error) {
	return Located{Screen: fusion.Screen{Name: name, Title: name}, Source: p[name]}, nil
}

// TestScreensOfOneDisplayShareItsHand: what its programs copy goes to the view
// whose person did something last, whichever part of the display it shows.
func TestScreensOfOneDisplayShareItsHand(t *testing.T) {
	boards, sources, views := map[string]*fakeBoard{}, parts{}, map[string]*watcher{}
	s := NewServer(sources, Config{})
	t.Cleanup(func() { s.Close() })
	for _, name := range []string{"self/left", "self/right"} {
		sources[name] = newFake(64, 64)
		boards[name] = &fakeBoard{offers: make(chan []string, 8)}
		sources[name].board = boards[name]
		pipe, err := s.Open(t.Context(), name, fusion.ViewOptions{})
		if err != nil {
			t.Fatal(err)
		}
		w := &watcher{talk: talk{t, pipe}, ack: true}
		t.Cleanup(func() { pipe.Close(); w.d.Close() })
		w.shows(sources[name])
		views[name] = w
	}
	left, right := views["self/left"], views["self/right"]
	left.say(wire.Pointer{X: 1})
	right.say(wire.Pointer{X: 1})
	for _, board := range boards {
		board.copies([]byte("text"), wire.PlainText)
	}
	if _, is := right.hearClip().(wire.ClipOffer); !is {
		t.Error("the hand heard no offer")
	}
	left.say(wire.Ping{ID: 7})
	for m := left.hear(); m != (wire.Message)(wire.Pong{ID: 7}); m = left.hear() {
		if offer, is := m.(wire.ClipOffer); is && len(offer.Types) > 0 {
			t.Errorf("the other part was offered %q", offer.Types)
		}
	}
}

func TestAFailureSaysWhatToDo(t *testing.T) {
	s, f, _ := serve(t, 64, 64)
	w := watch(t, s, fusion.ViewOptions{})
	w.shows(f)
	f.end(&fusion.Error{Op: "screen.monitor", Path: "DP-2", Cause: fusion.ErrNotFound, Detail: "the monitor is gone", Hint: "open another"})
	for {
		if m, is := w.hear().(wire.Closed); is {
			if m.Reason != wire.Failed || m.Text != "the monitor is gone\nopen another" {
				t.Errorf("it said %+v", m)
			}
			break
		}
	}
	if text := told(errors.New("broken")); text != "broken" {
		t.Errorf("of an error without more it said %q", text)
	}
}
