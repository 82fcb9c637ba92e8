package hosttest

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"hither/fusion"
)

// Message types of docs/wire.md.
const (
	wireHello  = 0x01
	wireFrame  = 0x02
	wireClosed = 0x05
	wirePong   = 0x06
	wireAck    = 0x85
	wireBye    = 0x89
	wirePing   = 0x8a

	maxMessage = 16 << 10
)

// viewer reads a pipe in a goroutine of its own that ends with the pipe.
type viewer struct {
	pipe     fusion.Pipe
	messages chan []byte // closed when Read fails
}

// view opens a screen and checks the hello.
func (s *suite) view(t *testing.T, screen string, options fusion.ViewOptions) *viewer {
	t.Helper()
	pipe, err := s.host.Screens().Open(s.ctx(t), screen, options)
	must(t, "open "+screen, err)
	v := &viewer{pipe: pipe, messages: make(chan []byte, 16)}
	done := make(chan struct{})
	t.Cleanup(func() {
		pipe.Close() // wakes the reader
		for range v.messages {
		}
		<-done
	})
	go func() {
		defer close(done)
		defer close(v.messages)
		for {
			message, err := pipe.Read()
			if err != nil {
				return
			}
			v.messages <- slices.Clone(message)
		}
	}()
	hello, open := s.next(t, v)
	if !open || len(hello) < 7 || hello[0] != wireHello || hello[1] != 1 {
		t.Fatalf("first message of %s is % x", screen, hello)
	}
	if binary.BigEndian.Uint16(hello[3:]) == 0 || binary.BigEndian.Uint16(hello[5:]) == 0 {
		t.Errorf("%s is empty: % x", screen, hello)
	}
	if viewOnly := hello[2]&1 == 1; viewOnly != options.ViewOnly {
		t.Errorf("view only is %v", viewOnly)
	}
	return v
}

// next gives the next message; false once the view ended.
func (s *suite) next(t *testing.T, v *viewer) ([]byte, bool) {
	t.Helper()
	select {
	case message, open := <-v.messages:
		if len(message) > maxMessage || open && len(message) == 0 {
			t.Errorf("a message of %d bytes", len(message))
		}
		return message, open
	case <-time.After(s.Patience):
		t.Fatal("the screen says nothing")
		return nil, false
	}
}

// firstFrame waits for the whole first frame and acknowledges it.
func (s *suite) firstFrame(t *testing.T, v *viewer) {
	t.Helper()
	var seq, head uint32
	var first []byte
	for {
		m, open := s.next(t, v)
		if !open {
			t.Fatal("the view ended before its first frame")
		}
		if m[0] != wireFrame {
			continue
		}
		if len(m) < 9 {
			t.Fatalf("a frame part of %d bytes", len(m))
		}
		seq = binary.BigEndian.Uint32(m[1:])
		part, parts := binary.BigEndian.Uint16(m[5:]), binary.BigEndian.Uint16(m[7:])
		if seq != 1 || uint32(part) != head || part >= parts {
			t.Fatalf("part %d of %d of frame %d came after %d parts", part, parts, seq, head)
		}
		if head++; part == 0 {
			first = m[9:]
		}
		if part == parts-1 {
			break
		}
	}
	if len(first) < 5 || first[0]&1 == 0 {
		t.Errorf("the first frame is no key frame: % x", first[:min(len(first), 8)])
	}
	must(t, "ack", v.pipe.Write(binary.BigEndian.AppendUint32([]byte{wireAck}, seq)))
}

// answers checks that a ping comes back.
func (s *suite) answers(t *testing.T, v *viewer) {
	t.Helper()
	must(t, "ping", v.pipe.Write(binary.BigEndian.AppendUint64([]byte{wirePing}, 0x1234567890abcdef)))
	for {
		m, open := s.next(t, v)
		if !open {
			t.Fatal("the view ended before its pong")
		}
		if m[0] == wirePong {
			if len(m) != 9 || binary.BigEndian.Uint64(m[1:]) != 0x1234567890abcdef {
				t.Errorf("pong % x", m)
			}
			return
		}
	}
}

// over waits until the host ends a view, by Closed or by the end of the pipe.
func (s *suite) over(t *testing.T, v *viewer) {
	t.Helper()
	for {
		if m, open := s.next(t, v); !open || m[0] == wireClosed {
			return
		}
	}
}

func (s *suite) testScreens(t *testing.T) {
	ctx, screens := s.ctx(t), s.host.Screens()
	missing := fresh("none")
	_, err := screens.List(ctx, missing)
	refused(t, "list", err, fusion.ErrNotFound)
	_, err = screens.Open(ctx, missing, fusion.ViewOptions{})
	refused(t, "open", err, fusion.ErrNotFound)
	_, err = screens.Open(ctx, fusion.Self+"/"+missing, fusion.ViewOptions{})
	refused(t, "open of an app", err, fusion.ErrNotFound)
	if !s.Monitor {
		return
	}
	list, err := screens.List(ctx, fusion.Self)
	must(t, "list of self", err)
	if len(list) == 0 || list[0].Kind != fusion.ScreenMonitor || list[0].Name != fusion.Self || list[0].Machine != fusion.Self {
		t.Fatalf("screens of self: %+v", list)
	}
	v := s.view(t, fusion.Self, fusion.ViewOptions{ViewOnly: true})
	s.firstFrame(t, v)
	s.answers(t, v)
}

func (s *suite) testMonitors(t *testing.T) {
	list, err := s.host.Screens().List(s.ctx(t), fusion.Self)
	must(t, "list of self", err)
	var monitors []fusion.Screen
	for _, screen := range list[1:] {
		if screen.Kind == fusion.ScreenMonitor {
			monitors = append(monitors, screen)
		}
	}
	if len(monitors) < 2 || !slices.Equal(list[1:1+len(monitors)], monitors) {
		t.Fatalf("screens of self: %+v", list)
	}
	for _, m := range monitors {
		machine, name, _ := strings.Cut(m.Name, "/")
		if machine != fusion.Self || fusion.CheckName(name) != nil || m.Machine != fusion.Self || m.Title == "" || m.Width < 1 || m.Height < 1 {
			t.Errorf("monitor %+v", m)
		}
		v := s.view(t, m.Name, fusion.ViewOptions{ViewOnly: true, Windows: true}) // it has none, and is one picture
		s.firstFrame(t, v)
		s.answers(t, v)
	}
}

func (s *suite) testConsole(t *testing.T) {
	machines, screens := s.host.Machines(), s.host.Screens()
	name := s.create(t, fusion.MachineSpec{}).Name
	_, err := screens.Open(s.ctx(t), name, fusion.ViewOptions{})
	refused(t, "open while off", err, fusion.ErrInvalid)
	must(t, "start", machines.Do(s.ctx(t), name, fusion.Start))
	s.until(t, name, fusion.Running)
	list, err := screens.List(s.ctx(t), name)
	must(t, "list", err)
	if len(list) == 0 || list[0].Kind != fusion.ScreenConsole || list[0].Name != name || list[0].Machine != name {
		t.Fatalf("screens of %s: %+v", name, list)
	}
	first := s.view(t, name, fusion.ViewOptions{})
	s.firstFrame(t, first)
	second := s.view(t, name, fusion.ViewOptions{ViewOnly: true})
	s.firstFrame(t, second)
	must(t, "close", first.pipe.Close())
	for range first.messages { // wakes the reader
	}
	s.answers(t, second) // the other view goes on
	must(t, "force-off", machines.Do(s.ctx(t), name, fusion.ForceOff))
	s.over(t, second)
	s.until(t, name, fusion.Off)
}
