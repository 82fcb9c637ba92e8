package codec

import (
	"errors"
	"image"
	"testing"
)

// spared is a scroller whose source gives only what is needed.
type spared struct {
	*scroller
	old   *Picture // what the encoder has of the source
	looks int
	wants int
}

func newSpared(t *testing.T) *spared {
	s := &spared{scroller: newScroller(t)}
	s.old = s.p.Copy()
	return s
}

// next sends what there is to send, and says whether the viewer shows it all.
func (s *spared) next(t *testing.T) bool {
	t.Helper()
	if look := s.e.Ahead(); look != nil && s.e.Seen == nil && s.damage.in(look.Area) && !s.damage.Empty() {
		for _, r := range look.Rects {
			s.old.take(s.p, r)
		}
		s.e.Seen = look
		s.looks++
	} else if s.e.Seen == nil {
		s.old.take(s.p, s.p.Bounds())
	}
	frame, err := s.e.Encode(s.old, &s.damage, nil)
	if errors.Is(err, ErrUnseen) {
		s.wants++
		s.old.take(s.p, s.p.Bounds())
		s.e.Seen = nil
		frame, err = s.e.Encode(s.old, &s.damage, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.e.Seen = nil
	s.damage.Clear()
	if frame != nil {
		if _, err := s.d.Decode(frame); err != nil {
			t.Fatal(err)
		}
	}
	return s.d.Picture().Equal(s.p)
}

func TestAScrollNeedsAPartOfThePicture(t *testing.T) {
	s := newSpared(t)
	for range 50 {
		s.scroll()
		if !s.next(t) {
			t.Fatal("the viewer shows something else")
		}
	}
	if s.looks < 45 || s.wants > 0 {
		t.Errorf("%d frames of 50 were made of a part, %d needed more", s.looks, s.wants)
	}
	pixels := 0
	look := s.e.Ahead()
	for i, r := range look.Rects {
		pixels += r.Dx() * r.Dy()
		for _, other := range look.Rects[:i] {
			if r.Overlaps(other) {
				t.Errorf("%v and %v overlap", r, other)
			}
		}
	}
	if pixels*2 > s.p.Width*s.p.Height {
		t.Errorf("%d pixels of %d are needed", pixels, s.p.Width*s.p.Height)
	}
}

func TestWhatChangesAmidASparedScrollIsSeenSoon(t *testing.T) {
	for row := 0; row < bandEvery; row += 7 {
		s := newSpared(t)
		s.scroll()
		s.fill(image.Rect(50, 200+row, 90, 201+row), 0xabcdef)
		const most = bandEvery/bandRows + 1
		seen := 0
		for ; seen < most && !s.next(t); seen++ {
			s.scroll()
		}
		if seen == most {
			t.Errorf("row %d is wrong after %d frames", row, seen)
		}
	}
}

func TestARestingSparedScrollIsExact(t *testing.T) {
	late := 0
	for row := 0; row < bandEvery; row += 7 {
		s := newSpared(t)
		s.scroll()
		s.fill(image.Rect(50, 200+row, 90, 201+row), 0xabcdef)
		if s.next(t) {
			continue // it was this row's turn
		}
		late++
		if _, due := s.e.Due(); !due || s.e.Exact() {
			t.Error("it differs, and nothing is due")
		}
		if !s.next(t) || !s.e.Exact() {
			t.Error("it rests and differs")
		}
	}
	if late == 0 {
		t.Error("no row was left out")
	}
}

// Whatever else happens, nothing is made of pixels that were not seen.
func TestNothingButTheScrollIsMadeOfAPart(t *testing.T) {
	for name, do := range map[string]func(*spared){
		"another line":        func(s *spared) { s.scroll(); s.scroll() },
		"the other way":       func(s *spared) { s.move(image.Pt(0, 13), image.Rect(0, 0, 640, 387)) },
		"nothing":             func(s *spared) {},
		"a picture":           func(s *spared) { s.noise(s.p.Bounds()) },
		"one colour":          func(s *spared) { s.fill(s.p.Bounds(), 0x112233) },
		"a key frame":         func(s *spared) { s.scroll(); s.e.Refresh() },
		"a look of before":    func(s *spared) { s.scroll(); s.e.ahead = new(Look) },
		"a window over it":    func(s *spared) { s.scroll(); s.noise(image.Rect(0, 0, 600, 390)) },
		"a scroll of a part":  func(s *spared) { s.move(image.Point{}, image.Rect(0, 13, 320, 400)) },
		"a move to the right": func(s *spared) { s.move(image.Pt(20, 0), image.Rect(0, 0, 620, 400)) },
	} {
		s := newSpared(t)
		s.scroll()
		if !s.next(t) || s.looks == 0 {
			t.Fatal("a scroll that goes on is not spared")
		}
		look := s.e.Ahead()
		do(s)
		for _, r := range look.Rects {
			s.old.take(s.p, r)
		}
		s.e.Seen = look
		before := s.d.Picture().Copy()
		if frame, err := s.e.Encode(s.old, &s.damage, nil); !errors.Is(err, ErrUnseen) {
			t.Errorf("%s: %d bytes, %v", name, len(frame), err)
			continue
		}
		if !s.d.Picture().Equal(before) || !s.next(t) {
			t.Errorf("%s: the viewer shows something else", name)
		}
	}
}
