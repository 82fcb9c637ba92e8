package sound

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"hither/fusion"
	"hither/mirror/opus"
	"hither/mirror/wire"
)

// need asks for libopus. Where CI says so it must be there.
func need(t testing.TB) {
	t.Helper()
	err := opus.Open()
	if err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// device gives a source that hears what the test says.
type device struct {
	None
	mu     sync.Mutex // guards the fields below
	opened int
	open   int
	fails  error
	frames chan []int16
}

type source struct {
	d    *device
	once sync.Once
	done chan struct{}
}

func (d *device) Listen(context.Context) (Source, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails != nil {
		return nil, d.fails
	}
	d.opened++
	d.open++
	return &source{d: d, done: make(chan struct{})}, nil
}

func (d *device) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fails = err
}

func (d *device) count() (opened, open int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.opened, d.open
}

func (s *source) Read(pcm []int16) error {
	select {
	case f, more := <-s.d.frames:
		if !more {
			return io.ErrUnexpectedEOF
		}
		clear(pcm[copy(pcm, f):])
		return nil
	case <-s.done:
		return errors.New("closed")
	}
}

func (s *source) Close() error {
	s.once.Do(func() {
		close(s.done)
		s.d.mu.Lock()
		defer s.d.mu.Unlock()
		s.d.open--
	})
	return nil
}

// loud is a frame of 440 Hz.
func loud(n int) []int16 {
	pcm := make([]int16, OutputChannels*frame)
	for i := range frame {
		v := int16(8000 * math.Sin(2*math.Pi*440*float64(n*frame+i)/opus.Rate))
		pcm[2*i], pcm[2*i+1] = v, v
	}
	return pcm
}

// listen hears a screen; the channel says that there may be something.
func listen(f *Feeds, d Device) (*Listener, chan struct{}) {
	came := make(chan struct{}, 1)
	return f.Listen("self", d, func() {
		select {
		case came <- struct{}{}:
		default:
		}
	}), came
}

// next waits for what there is to say.
func next(t *testing.T, l *Listener, came chan struct{}) wire.Message {
	t.Helper()
	for {
		if m := l.Next(); m != nil {
			return m
		}
		select {
		case <-came:
		case <-time.After(time.Minute):
			t.Fatal("nothing came")
		}
	}
}

func TestSilenceSaysNothing(t *testing.T) {
	need(t)
	feeds, d := NewFeeds(nil), &device{frames: make(chan []int16)}
	defer feeds.Close()
	l, came := listen(feeds, d)
	defer l.Close()
	if m := next(t, l, came); m != (wire.Listening{State: wire.SoundOn}) {
		t.Fatalf("first came %#v", m)
	}
	for range 100 {
		d.frames <- []int16{1, -2, 0, 2} // noise of the last bit
	}
	said := 0
	for i := range 3 * hang {
		if i == 0 || i == 2*hang {
			d.frames <- loud(i)
		} else {
			d.frames <- nil
		}
		if i > hang && i < 2*hang {
			continue // it is silent for long
		}
		m := next(t, l, came).(wire.Sound)
		if int(m.Number) != said || m.Ends != (i == hang) {
			t.Fatalf("frame %d is packet %d, ends %v", i, m.Number, m.Ends)
		}
		said++
	}
	if m := l.Next(); m != nil {
		t.Errorf("silence says %#v", m)
	}
}

func TestOneRecordingForAll(t *testing.T) {
	need(t)
	feeds, d := NewFeeds(nil), &device{frames: make(chan []int16)}
	defer feeds.Close()
	a, aCame := listen(feeds, d)
	b, bCame := listen(feeds, d)
	next(t, a, aCame)
	next(t, b, bCame)
	d.frames <- loud(0)
	first, second := next(t, a, aCame).(wire.Sound), next(t, b, bCame).(wire.Sound)
	if string(first.Packet) != string(second.Packet) {
		t.Error("two listeners hear different things")
	}
	a.Close()
	if opened, open := d.count(); opened != 1 || open != 1 {
		t.Errorf("opened %d times, %d are open", opened, open)
	}
	b.Close()
	feeds.Close()
	if _, open := d.count(); open != 0 {
		t.Error("nobody hears, and it is recorded")
	}
}

func TestOldestPacketGoes(t *testing.T) {
	need(t)
	feeds, d := NewFeeds(nil), &device{frames: make(chan []int16)}
	defer feeds.Close()
	l, came := listen(feeds, d)
	defer l.Close()
	next(t, l, came)
	for n := range 3 * maxWaiting {
		d.frames <- loud(n)
	}
	d.frames <- loud(0) // all before were said
	m := next(t, l, came).(wire.Sound)
	if m.Number < 2*maxWaiting-1 {
		t.Errorf("number %d waited", m.Number)
	}
}

func TestDeviceComesLater(t *testing.T) {
	need(t)
	feeds, d := NewFeeds(nil), &device{frames: make(chan []int16)}
	defer feeds.Close()
	d.fail(&fusion.Error{Op: "sound", Cause: fusion.ErrUnsupported, Hint: "start one"})
	l, came := listen(feeds, d)
	defer l.Close()
	m := next(t, l, came).(wire.Listening)
	if m.State != wire.SoundFailed || !strings.HasSuffix(m.Text, "\nstart one") {
		t.Errorf("%#v", m)
	}
	d.fail(nil)
	if m := next(t, l, came); m != (wire.Listening{State: wire.SoundOn}) {
		t.Errorf("%#v", m)
	}
}
