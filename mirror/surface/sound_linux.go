package surface

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"hither/fusion"
	"hither/mirror/sound"
	"hither/mirror/wire"
)

// ears play what the host's programs play, and let this computer's microphone be
// heard there if the person wants that. A view goes on without either. A
// goroutine of the player runs while something was heard, and one records while
// the microphone is on; close waits for both.
type ears struct {
	view   *view
	device sound.Pulse

	mu     sync.Mutex // guards the fields below
	muted  bool
	here   error // why nothing can be played here
	there  string
	on     bool // the host sends what is played
	player *sound.Player
	told   map[string]bool // what the person was told already
	mic    *microphone     // nil while it is off
}

// microphone is a recording that goes to the host.
type microphone struct {
	stop context.CancelFunc
	done chan struct{}
}

func newEars(v *view) *ears {
	title := "Hither"
	if v.cfg.Host != "" {
		title += ": " + plainTitle(v.cfg.Host)
	}
	return &ears{view: v, device: sound.Pulse{Title: title}, muted: v.cfg.Mute, told: map[string]bool{}}
}

// begin asks a host for what the person wants.
func (e *ears) begin() {
	e.mu.Lock()
	e.there, e.on = "", false
	listen := !e.muted && e.open()
	e.mu.Unlock()
	if listen {
		e.view.send(wire.Listen{On: true})
	}
	if e.view.cfg.Microphone && !e.view.viewOnly.Load() {
		e.view.send(wire.Speak{On: true})
	}
}

// open makes ready to play and says whether that is possible. It needs mu.
func (e *ears) open() bool {
	if e.player != nil {
		return true
	}
	if e.here = e.device.Ready(); e.here == nil {
		e.player, e.here = sound.NewPlayer(sound.OutputChannels, e.device.Play, e.lost)
	}
	if e.here != nil {
		e.player = nil
		e.tell(e.here)
	}
	return e.here == nil
}

// tell tells the person, once, what there is to do without. It needs mu.
func (e *ears) tell(err error) {
	if text := sound.Reason(err); !e.told[text] {
		e.told[text] = true
		e.view.cfg.Log.Info("no sound", "host", e.view.cfg.Host, "err", err)
		if e.view.cfg.Without != nil {
			e.view.cfg.Without(err)
		}
	}
}

// lost is told that this computer's sound server does not play.
func (e *ears) lost(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.here = err
	e.tell(err)
}

// toggle mutes the view, or lets it be heard again.
func (e *ears) toggle(p *pane) {
	e.mu.Lock()
	e.muted = !e.muted
	listen := !e.muted && e.open()
	note := "Sound on. Ctrl+Alt+M mutes it"
	switch {
	case e.muted:
		note = "Sound muted. Ctrl+Alt+M turns it on"
	case !listen:
		note = "No sound here: " + plainTitle(e.here.Error())
	}
	e.mu.Unlock()
	e.view.send(wire.Listen{On: listen})
	e.view.overlay.note(p, note)
}

// take handles a message of the host.
func (e *ears) take(ctx context.Context, m wire.Message) {
	switch m := m.(type) {
	case wire.Sound:
		e.hear(m)
		e.view.keepSound(m)
	case wire.Listening:
		e.answered(m)
		e.view.keepSound(m)
	case wire.Speaking:
		if m.State == wire.SoundOn {
			e.speak(ctx)
			return
		}
		e.hush()
		if m.State == wire.SoundFailed {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.tell(refusal("microphone", m.Text))
		}
	}
}

func (e *ears) hear(m wire.Sound) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.player != nil && !e.muted {
		e.player.Take(m)
	}
}

func (e *ears) answered(m wire.Listening) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.there, e.on = "", m.State == wire.SoundOn
	if m.State == wire.SoundFailed {
		err := refusal("sound", m.Text)
		e.there = err.Error()
		e.tell(err)
	}
}

// refusal is what a host says of sound, as an error.
func refusal(op, text string) error {
	reason, hint, _ := strings.Cut(text, "\n")
	return &fusion.Error{Op: op, Cause: errors.New(plainTitle(reason)), Hint: plainTitle(hint)}
}

// speak begins to record, for the host has turned the microphone on. A host that
// does so unasked is not heard.
func (e *ears) speak(ctx context.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.mic != nil || !e.view.cfg.Microphone {
		return
	}
	ctx, stop := context.WithCancel(ctx)
	e.mic = &microphone{stop: stop, done: make(chan struct{})}
	go func(done chan struct{}) {
		defer close(done)
		sound.Record(ctx, wire.ViewerSide, e.device.Hear, func(m wire.Sound) { e.view.send(m) }, e.recording)
	}(e.mic.done)
}

// recording is told whether this computer's microphone can be heard.
func (e *ears) recording(err error) {
	if err != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.tell(err)
		return
	}
	e.view.cfg.Log.Info("microphone on", "host", e.view.cfg.Host)
	if p := e.view.focus.Load(); p != nil {
		e.view.overlay.note(p, "Your microphone is on: "+plainTitle(e.view.cfg.Host)+" hears you")
	}
}

// hush ends recording. The recorder may be telling something, so it is waited
// for without the lock.
func (e *ears) hush() {
	e.mu.Lock()
	mic := e.mic
	e.mic = nil
	e.mu.Unlock()
	if mic != nil {
		mic.stop()
		<-mic.done
	}
}

// heard says whether the host sends what is played.
func (e *ears) heard() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.on
}

// String is what the overlay shows.
func (e *ears) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	text := ""
	switch {
	case e.muted:
		text = "muted"
	case e.here != nil:
		text = "none here"
	case e.there != "":
		text = "none there"
	case e.player == nil:
		text = "off"
	default:
		health := e.player.Health()
		text = fmt.Sprintf("on, %d ms held", health.Held*int(sound.Lasts.Milliseconds()))
	}
	if e.mic != nil {
		text += ", mic"
	}
	return text
}

// close ends it. The pipe is closed by now, so that no write waits.
func (e *ears) close() error {
	e.hush()
	e.mu.Lock()
	player := e.player
	e.player = nil
	e.mu.Unlock()
	if player == nil {
		return nil
	}
	return player.Close()
}
