//go:build e2e && linux

package surface

import (
	"image"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// source is the host's side of a view with frames made by hand.
type source struct {
	t        *testing.T
	pipe     fusion.Pipe
	picture  *codec.Picture
	split    wire.Splitter
	messages chan wire.Message // what the viewer sent, pings answered and left out
	silent   atomic.Bool       // does not answer pings
}

func newSource(t *testing.T, width, height int, title string) (*source, fusion.Pipe) {
	host, viewer := wire.Pair()
	s := &source{t: t, pipe: host, picture: codec.NewPicture(width, height), messages: make(chan wire.Message, 1000)}
	s.write(wire.Hello{Width: uint16(width), Height: uint16(height), Title: title})
	go s.listen()
	return s, viewer
}

func (s *source) listen() {
	defer close(s.messages)
	for {
		b, err := s.pipe.Read()
		if err != nil {
			return
		}
		m, err := wire.ParseViewer(b)
		if err != nil {
			s.t.Errorf("viewer sent: %v", err)
			return
		}
		if ping, ok := m.(wire.Ping); !ok {
			s.messages <- m
		} else if !s.silent.Load() {
			_ = s.pipe.Write(wire.Pong(ping).Append(nil)) // the pipe may be closed by now
		}
	}
}

func (s *source) write(m wire.Message) {
	s.t.Helper()
	if err := s.pipe.Write(m.Append(nil)); err != nil {
		s.t.Fatal(err)
	}
}

// expect waits for a message; other ones before it are passed over.
func (s *source) expect(want wire.Message) {
	s.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var seen []wire.Message
	for {
		select {
		case m, open := <-s.messages:
			if !open {
				s.t.Fatalf("pipe ended before %#v; saw %#v", want, seen)
			}
			if m == want {
				return
			}
			seen = append(seen, m)
		case <-timer.C:
			s.t.Fatalf("no %#v; saw %#v", want, seen)
		}
	}
}

// paint changes the picture to something new everywhere and sends it.
func (s *source) paint(width, height, shade int) {
	s.t.Helper()
	p := codec.NewPicture(width, height)
	for i := range p.Pix {
		p.Pix[i] = byte(i*7 + i/p.Stride*13 + shade)
	}
	s.picture = p
	s.raw(p.Bounds(), true)
}

// raw sends a rectangle of the picture and waits until it is on the glass.
func (s *source) raw(r image.Rectangle, key bool) {
	s.t.Helper()
	frame := keyFrame(s.picture, r)
	if !key {
		frame[0] = 0
	}
	s.frame(frame)
}

func (s *source) frame(frame []byte) {
	s.t.Helper()
	seq := s.split.Start(frame)
	for m := s.split.Next(); m != nil; m = s.split.Next() {
		if err := s.pipe.Write(m); err != nil {
			s.t.Fatal(err)
		}
	}
	s.expect(wire.Ack{Seq: seq})
}

// paintCheck compares a rectangle of the area with the picture.
func (s *source) paintCheck(d *desk, area xproto.Window, r image.Rectangle) {
	s.t.Helper()
	got := d.grab(area)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			i := y*s.picture.Stride + x*4
			if string(got.Pix[i:i+3]) != string(s.picture.Pix[i:i+3]) {
				s.t.Fatalf("pixel %d,%d is %x, want %x", x, y, got.Pix[i:i+3], s.picture.Pix[i:i+3])
			}
		}
	}
}
