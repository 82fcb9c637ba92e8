//go:build e2e && linux

package surface

import (
	"image"
	"sync"
	"testing"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// heard is what a viewer said, and which window it was over.
type heard struct {
	over uint32
	m    wire.Message
}

// app is the host's side of a view of windows. It does as it is told, as a host
// must: it places windows, and says where they are then.
type app struct {
	t     *testing.T
	pipe  fusion.Pipe
	heard chan heard // but pings, which are answered

	mu      sync.Mutex // guards the fields below
	windows map[uint32]*appWindow
	fit     func(wire.Window) wire.Window // what becomes of a place; nil is all
	places  int                           // how many places were heard
}

type appWindow struct {
	said    wire.Window
	picture *codec.Picture
	split   wire.Splitter
}

func newApp(t *testing.T) (*app, fusion.Pipe) {
	host, viewer := wire.Pair()
	a := &app{t: t, pipe: host, heard: make(chan heard, 10000), windows: map[uint32]*appWindow{}}
	a.write(wire.Hello{Windows: true, Width: 1280, Height: 800, Title: "app"})
	go a.listen()
	return a, viewer
}

func (a *app) write(m wire.Message) {
	a.t.Helper()
	if err := a.pipe.Write(m.Append(nil)); err != nil {
		a.t.Fatal(err)
	}
}

func (a *app) listen() {
	defer close(a.heard)
	over := uint32(0)
	for {
		b, err := a.pipe.Read()
		if err != nil {
			return
		}
		m, err := wire.ParseViewer(b)
		if err != nil {
			a.t.Errorf("viewer sent: %v", err)
			return
		}
		switch m := m.(type) {
		case wire.Ping:
			_ = a.pipe.Write(wire.Pong(m).Append(nil)) // the pipe may be closed by now
			continue
		case wire.Over:
			over = m.Window
			continue
		case wire.Place:
			a.placed(m)
		}
		a.heard <- heard{over, m}
	}
}

// placed puts a window where the viewer has it.
func (a *app) placed(m wire.Place) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.places++
	w := a.windows[m.Window]
	if w == nil {
		return
	}
	now := w.said
	now.X, now.Y, now.Width, now.Height = m.X, m.Y, m.Width, m.Height
	if a.fit != nil {
		now = a.fit(now)
	}
	if now != w.said {
		w.said = now
		_ = a.pipe.Write(now.Append(nil)) // the pipe may be closed by now
	}
}

// expect waits for what was said over a window; other things before it are
// passed over.
func (a *app) expect(over uint32, want wire.Message) {
	a.t.Helper()
	a.wait("", func(h heard) bool { return h == heard{over, want} }, over, want)
}

func (a *app) wait(what string, found func(heard) bool, wanted ...any) {
	a.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var seen []heard
	for {
		select {
		case h, open := <-a.heard:
			if !open {
				a.t.Fatalf("pipe ended before %s %#v; saw %#v", what, wanted, seen)
			}
			if found(h) {
				return
			}
			if _, ack := h.m.(wire.Ack); !ack {
				seen = append(seen, h)
			}
		case <-timer.C:
			a.t.Fatalf("no %s %#v; saw %#v", what, wanted, seen)
		}
	}
}

// open says a window and paints it.
func (a *app) open(m wire.Window) {
	a.t.Helper()
	a.say(m)
	a.paint(m.ID, int(m.ID)*31)
}

// say says a window that comes.
func (a *app) say(m wire.Window) {
	a.t.Helper()
	w := &appWindow{said: m}
	a.mu.Lock()
	a.windows[m.ID] = w
	a.mu.Unlock()
	a.write(m)
}

// close says that a window is gone, after which it says nothing more of it.
func (a *app) close(id uint32) {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.windows, id)
	a.write(wire.Gone{Window: id})
}

// change says a window anew.
func (a *app) change(id uint32, how func(*wire.Window)) {
	a.t.Helper()
	a.mu.Lock()
	w := a.windows[id]
	how(&w.said)
	m := w.said
	a.mu.Unlock()
	a.write(m)
}

func (a *app) said(id uint32) wire.Window {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.windows[id].said
}

func (a *app) heardPlaces() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.places
}

// paint fills a window with something of its own, as large as it was said to
// be, and waits until that is on the glass.
func (a *app) paint(id uint32, shade int) {
	a.t.Helper()
	a.mu.Lock()
	w := a.windows[id]
	width, height := int(w.said.Width), int(w.said.Height)
	a.mu.Unlock()
	p := codec.NewPicture(width, height)
	for i := range p.Pix {
		p.Pix[i] = byte(i*3 + i/p.Stride*5 + shade)
	}
	w.picture = p
	seq := w.split.Start(keyFrame(p, image.Rect(0, 0, width, height)))
	a.write(wire.On{Window: id})
	for m := w.split.Next(); m != nil; m = w.split.Next() {
		if err := a.pipe.Write(m); err != nil {
			a.t.Fatal(err)
		}
	}
	a.expect(id, wire.Ack{Seq: seq})
}

// keyFrame is a frame of raw pixels.
func keyFrame(p *codec.Picture, r image.Rectangle) []byte {
	frame := []byte{1}
	put := func(vs ...int) {
		for _, v := range vs {
			frame = append(frame, byte(v>>8), byte(v))
		}
	}
	put(p.Width, p.Height)
	frame = append(frame, 3)
	put(r.Min.X, r.Min.Y, r.Dx(), r.Dy())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			px := p.Pix[y*p.Stride+x*4:]
			frame = append(frame, px[2], px[1], px[0])
		}
	}
	return frame
}
