package codec

import (
	"image"
	"testing"
)

// scroller is a viewer of a page of text that scrolls.
type scroller struct {
	*painter
	viewer
}

func newScroller(t *testing.T) *scroller {
	s := &scroller{painter: newPainter(640, 400, 3)}
	t.Cleanup(func() {
		if err := s.e.Close(); err != nil {
			t.Error(err)
		}
	})
	s.text(s.p.Bounds(), 2)
	s.show(t, s.painter)
	for range trusted + 2 {
		s.scroll()
		s.show(t, s.painter)
	}
	if s.e.mover.unsure.Empty() {
		t.Fatal("a scroll that goes on is not trusted")
	}
	return s
}

// scroll moves all lines up and writes a new one.
func (s *scroller) scroll() {
	s.move(image.Point{}, image.Rect(0, 13, 640, 400))
	s.text(image.Rect(0, 387, 640, 400), 2)
}

func TestALetterAmidAScrollIsSeenAtOnce(t *testing.T) {
	s := newScroller(t)
	for i := range 20 {
		s.scroll()
		s.glyph(6*i, 13*i+5, 60+i, 2)
		s.show(t, s.painter) // fails if it was not sent
		for range trusted + 1 {
			s.scroll()
			s.show(t, s.painter)
		}
	}
}

func TestAThinLineAmidAScrollIsSeenSoon(t *testing.T) {
	for row := range everyNth {
		s := newScroller(t)
		s.scroll()
		s.fill(image.Rect(50, 200+row, 90, 201+row), 0xabcdef)
		seen := 0
		for ; seen < everyNth && !s.same(t); seen++ {
			s.scroll()
		}
		if seen == everyNth {
			t.Errorf("row %d is wrong after %d frames", row, seen)
		}
	}
}

func TestARestingScrollIsExact(t *testing.T) {
	late := 0
	for row := range everyNth {
		s := newScroller(t)
		s.scroll()
		s.fill(image.Rect(50, 200+row, 90, 201+row), 0xabcdef)
		if s.same(t) {
			continue // it was this row's turn
		}
		late++
		if _, due := s.e.Due(); !due || s.e.Exact() {
			t.Error("it differs, and nothing is due")
		}
		if !s.same(t) {
			t.Error("it rests and differs")
		}
		if _, due := s.e.Due(); due || !s.e.Exact() {
			t.Error("it rests, and something is due")
		}
	}
	if late == 0 {
		t.Error("no row was trusted")
	}
}

func TestNothingIsTrustedWhereItMustBeSure(t *testing.T) {
	s := newScroller(t)
	s.e.Sure = true
	for row := range everyNth {
		s.scroll()
		s.fill(image.Rect(50, 200+row, 90, 201+row), 0xabcdef)
		s.show(t, s.painter)
		if !s.e.Exact() {
			t.Error("it is not exact")
		}
	}
}

// same sends what there is to send and says whether the viewer shows it all.
func (s *scroller) same(t *testing.T) bool {
	t.Helper()
	frame, err := s.e.Encode(s.p, &s.damage, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.damage.Clear()
	if frame != nil {
		if _, err := s.d.Decode(frame); err != nil {
			t.Fatal(err)
		}
	}
	return s.d.Picture().Equal(s.p)
}
