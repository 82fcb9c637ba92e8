package capture

import (
	"errors"
	"image"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// still is a screen that changes when the test says so.
type still struct {
	now    *codec.Picture
	looks  int
	closed bool
	err    error
}

func (s *still) look(p *codec.Picture) (*codec.Picture, error) {
	s.looks++
	if s.err != nil {
		return nil, s.err
	}
	return s.now.Copy(), nil
}
func (s *still) input(wire.Message) error { return nil }
func (s *still) close()                   { s.closed = true }

// dot is a picture with one pixel set.
func dot(w, h, x, y int) *codec.Picture {
	p := codec.NewPicture(w, h)
	p.Pix[y*p.Stride+x*4] = 9
	return p
}

func TestPolledTellsOfChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		screen := &still{now: dot(200, 150, 0, 0)}
		s := newPolled(screen)
		next := func(want ...image.Rectangle) {
			t.Helper()
			change, err := s.Next()
			if err != nil || !slices.Equal(change.Damage, want) || len(want) > 0 && !change.Whole.Equal(screen.now) {
				t.Fatalf("%v, %v; want %v", change.Damage, err, want)
			}
		}
		next(image.Rect(0, 0, 200, 150))
		go func() {
			time.Sleep(10 * time.Second)
			s.Wake()
		}()
		next() // nothing has changed
		if screen.looks < 95 || screen.looks > 115 {
			t.Errorf("%d looks in 10 s", screen.looks)
		}
		screen.now = dot(200, 150, 199, 149)
		next(image.Rect(0, 0, 64, 64), image.Rect(192, 128, 200, 150))
		screen.now = dot(100, 80, 1, 1)
		next(image.Rect(0, 0, 100, 80))
		if err := s.Resize(10, 10); !errors.Is(err, fusion.ErrUnsupported) {
			t.Error(err)
		}
		s.Close()
		for i := range 2 {
			if _, err := s.Next(); err != io.EOF || screen.closed != (i == 1) {
				t.Errorf("%v, freed %v", err, screen.closed)
			}
		}
	})
}

func TestPolledFails(t *testing.T) {
	gone := errors.New("gone")
	s := newPolled(&still{err: gone})
	if _, err := s.Next(); err != gone {
		t.Error(err)
	}
}

func TestDifferencesAreJoined(t *testing.T) {
	a, b := codec.NewPicture(640, 100), codec.NewPicture(640, 100)
	for _, x := range []int{70, 130, 500} {
		b.Pix[10*b.Stride+x*4+1] = 1
	}
	want := []image.Rectangle{image.Rect(64, 0, 192, 64), image.Rect(448, 0, 512, 64)}
	if got := differences(a, b); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
