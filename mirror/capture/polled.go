package capture

import (
	"bytes"
	"image"
	"io"
	"sync"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// looker is a screen that can be looked at.
type looker interface {
	// look gives the screen as it is now, into p if that has its size. It is
	// called from one goroutine at a time.
	look(p *codec.Picture) (*codec.Picture, error)
	// input is Source.Input.
	input(event wire.Message) error
	// close frees what look needs, once it is called no more.
	close()
}

// polled is a screen that does not tell when it changes. It is looked at again
// and again, but only while somebody waits for a change: soon after one, and
// then ever more rarely. What differs is found by comparing.
type polled struct {
	screen looker
	wake   chan struct{}
	closed chan struct{}
	once   sync.Once
	nudge  chan struct{} // there was input

	soonest, rarest time.Duration // pauses between two looks
	attentive       bool          // looks soon after input
	stop            func()        // ends a look, may be nil

	// Next owns the fields below.
	given *codec.Picture // the receiver's
	spare *codec.Picture
	pause time.Duration
	err   error // why there will be no more
	freed bool
}

// Pauses between two looks at a desktop.
const (
	soonest = 16 * time.Millisecond
	rarest  = 100 * time.Millisecond
)

func newPolled(screen looker) *polled {
	return &polled{screen: screen, wake: make(chan struct{}, 1), closed: make(chan struct{}),
		nudge: make(chan struct{}, 1), soonest: soonest, rarest: rarest}
}

func (s *polled) Next() (Change, error) {
	if s.err != nil {
		s.free()
		return Change{}, s.err
	}
	timer := time.NewTimer(s.pause)
	defer timer.Stop()
	for s.err == nil {
		select {
		case <-s.closed:
			s.err = io.EOF
		case <-s.wake:
			return Change{}, nil
		case <-s.nudge:
			if s.pause > s.soonest { // else whoever types on would put it off for ever
				s.pause = s.soonest
				timer.Reset(s.pause)
			}
		case <-timer.C:
			change, err := s.compare()
			if err != nil {
				s.err = err
				break
			}
			if change.Whole != nil {
				s.pause = s.soonest
				return change, nil
			}
			s.pause = min(max(s.soonest, s.pause*2), s.rarest)
			timer.Reset(s.pause)
		}
	}
	return Change{}, s.err
}

// free frees what the screen needs, when nobody reads what it gave.
func (s *polled) free() {
	if !s.freed {
		s.freed, s.given, s.spare = true, nil, nil
		s.screen.close()
	}
}

// compare looks, and gives what differs from what was given before.
func (s *polled) compare() (Change, error) {
	p, err := s.screen.look(s.spare)
	if err != nil {
		return Change{}, err
	}
	s.spare = p
	damage := differences(s.given, p)
	if len(damage) == 0 {
		return Change{}, nil
	}
	s.given, s.spare = p, s.given
	return Change{Width: p.Width, Height: p.Height, Whole: p, Damage: damage}, nil
}

// tile is the side of the squares in which pictures are compared.
const tile = 64

// differences gives the squares in which two pictures differ, those beside each
// other as one. Without a picture of the same size before, that is all.
func differences(before, after *codec.Picture) (all []image.Rectangle) {
	if before == nil || before.Width != after.Width || before.Height != after.Height {
		return []image.Rectangle{after.Bounds()}
	}
	for y := 0; y < after.Height; y += tile {
		run := image.Rectangle{}
		for x := 0; x < after.Width; x += tile {
			r := image.Rect(x, y, x+tile, y+tile).Intersect(after.Bounds())
			if same(before, after, r) {
				continue
			}
			if run.Max.X != x {
				if !run.Empty() {
					all = append(all, run)
				}
				run = r
			}
			run.Max = r.Max
		}
		if !run.Empty() {
			all = append(all, run)
		}
	}
	return all
}

func same(p, q *codec.Picture, r image.Rectangle) bool {
	n := r.Dx() * 4
	for y := r.Min.Y; y < r.Max.Y; y++ {
		a, b := y*p.Stride+r.Min.X*4, y*q.Stride+r.Min.X*4
		if !bytes.Equal(p.Pix[a:a+n], q.Pix[b:b+n]) {
			return false
		}
	}
	return true
}

func (s *polled) Wake() { signal(s.wake) }

// signal leaves a word for whoever waits; one that is there is enough.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (s *polled) Input(event wire.Message) error {
	err := s.screen.input(event)
	if s.attentive {
		signal(s.nudge)
	}
	return err
}

func (s *polled) Resize(int, int) error {
	return failed("screen.resize", "", fusion.ErrUnsupported, "this desktop has a size of its own", "")
}

// Close makes Next end, which then frees what the screen needs.
func (s *polled) Close() error {
	s.once.Do(func() {
		close(s.closed)
		if s.stop != nil {
			s.stop()
		}
	})
	return nil
}
