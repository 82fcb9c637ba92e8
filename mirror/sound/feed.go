package sound

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"

	"hither/mirror/wire"
)

// maxWaiting is how many packets wait for a listener that does not read; then
// the oldest goes.
const maxWaiting = 20

// Feeds are the screens that somebody hears. Each has a goroutine while it is
// heard; Close waits for them.
type Feeds struct {
	log     *slog.Logger
	running sync.WaitGroup

	mu     sync.Mutex // guards the fields below and those of feeds and listeners
	feeds  map[string]*feed
	closed bool
}

// feed is one screen that is recorded.
type feed struct {
	name      string
	stop      context.CancelFunc
	listeners []*Listener
	state     *wire.Listening // nil until the device was opened, or was not
}

// Listener is one who hears a screen.
type Listener struct {
	feeds  *Feeds
	feed   *feed
	notify func()
	told   *wire.Listening
	queue  []wire.Sound
}

// NewFeeds makes an empty set.
func NewFeeds(log *slog.Logger) *Feeds {
	return &Feeds{log: cmp.Or(log, slog.New(slog.DiscardHandler)), feeds: map[string]*feed{}}
}

// Listen begins to hear a screen through its device, which the first listener of
// a name brings. notify is called when Next may have something, perhaps once more
// after Close; it must not wait.
func (f *Feeds) Listen(name string, device Device, notify func()) *Listener {
	f.mu.Lock()
	defer f.mu.Unlock()
	heard := f.feeds[name]
	if heard == nil {
		heard = &feed{name: name}
		f.start(heard, device)
	}
	l := &Listener{feeds: f, feed: heard, notify: notify}
	heard.listeners = append(heard.listeners, l)
	return l
}

// start begins to record. It needs mu.
func (f *Feeds) start(heard *feed, device Device) {
	ctx, stop := context.WithCancel(context.Background())
	heard.stop = stop
	if f.closed {
		stop()
		return
	}
	f.feeds[heard.name] = heard
	f.running.Go(func() {
		Record(ctx, wire.HostSide, device.Listen, func(m wire.Sound) { f.give(heard, m) }, func(err error) { f.tell(heard, err) })
	})
}

// give hands a packet to the listeners.
func (f *Feeds) give(heard *feed, m wire.Sound) {
	m.Packet = bytes.Clone(m.Packet)
	f.each(heard, func(l *Listener) {
		if len(l.queue) == maxWaiting {
			l.queue = slices.Delete(l.queue, 0, 1)
		}
		l.queue = append(l.queue, m)
	})
}

// each does something to each listener, and then notifies it.
func (f *Feeds) each(heard *feed, do func(*Listener)) {
	f.mu.Lock()
	all := slices.Clone(heard.listeners)
	for _, l := range all {
		do(l)
	}
	f.mu.Unlock()
	for _, l := range all {
		l.notify()
	}
}

// tell says whether there is sound.
func (f *Feeds) tell(heard *feed, err error) {
	state := wire.Listening{State: wire.SoundOn}
	if err != nil {
		state = wire.Listening{State: wire.SoundFailed, Text: Reason(err)}
		f.log.Info("no sound", "screen", heard.name, "err", err)
	}
	f.mu.Lock()
	heard.state = &state
	f.mu.Unlock()
	f.each(heard, func(*Listener) {})
}

// Next gives what there is to say to the listener, or nil.
func (l *Listener) Next() wire.Message {
	l.feeds.mu.Lock()
	defer l.feeds.mu.Unlock()
	if state := l.feed.state; state != nil && (l.told == nil || *l.told != *state) {
		l.told = state
		return *state
	}
	if len(l.queue) == 0 {
		return nil
	}
	m := l.queue[0]
	l.queue = slices.Delete(l.queue, 0, 1)
	return m
}

// Close ends hearing. The last listener of a screen ends its recording.
func (l *Listener) Close() {
	f := l.feeds
	f.mu.Lock()
	defer f.mu.Unlock()
	heard := l.feed
	heard.listeners = slices.DeleteFunc(heard.listeners, func(other *Listener) bool { return other == l })
	l.queue = nil
	if len(heard.listeners) == 0 {
		heard.stop()
		if f.feeds[heard.name] == heard {
			delete(f.feeds, heard.name)
		}
	}
}

// Close ends all recordings and waits for them.
func (f *Feeds) Close() {
	f.mu.Lock()
	f.closed = true
	for _, heard := range f.feeds {
		heard.stop()
	}
	f.mu.Unlock()
	f.running.Wait()
}
