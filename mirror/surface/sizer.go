package surface

import (
	"image"
	"sync"
	"time"
)

// sizer tells apart who changed a size. A person who drags the window's edge
// asks the source to follow; a source that changes by itself takes the window
// along. Neither may answer the other's answer.
type sizer struct {
	now func() time.Time // time.Now

	mu sync.Mutex // guards the fields below
	// window is the area that the window was told to have, zero once it
	// answered.
	window image.Point
	// area is the last one seen.
	area    image.Point
	askedAt time.Time
	full    bool
}

// told notes that the window was told to show an area of this size.
func (s *sizer) told(area image.Point) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.window = area
}

// setFull notes full screen, in which the window never follows the source, and
// says whether that is new.
func (s *sizer) setFull(full bool) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed = s.full != full
	s.full = full
	return changed
}

func (s *sizer) isFull() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full
}

// windowIs takes the window's area and says whether the source should be asked
// to become as large: a person changed it.
func (s *sizer) windowIs(area, source image.Point) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	same := area == s.area
	s.area = area
	if s.window != (image.Point{}) {
		s.window = image.Point{}
		return false
	}
	if same || area == source {
		return false
	}
	s.askedAt = s.now()
	return true
}

// sourceIs says whether the window should become as large as the source, which
// changed its size.
func (s *sizer) sourceIs(size image.Point) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full || size == s.area {
		return false
	}
	answer := !s.askedAt.IsZero() && s.now().Sub(s.askedAt) < answerTime
	s.askedAt = time.Time{}
	if !answer {
		s.window = size
	}
	return !answer
}
