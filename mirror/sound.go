package mirror

import (
	"sync"

	"hither/fusion"
	"hither/mirror/sound"
	"hither/mirror/wire"
)

// ear is the sound of one view: what it hears, and the microphone that it
// speaks into.
type ear struct {
	server *Server
	name   string
	device sound.Device
	speaks bool // it may
	echo   bool // the viewer would hear itself
	notify func()

	mu       sync.Mutex // guards the fields below
	listener *sound.Listener
	speaker  *sound.Player
	answers  []wire.Message // one of a kind
	closed   bool
}

// newEar makes the ear of a view of a screen. notify is called, without a lock,
// when next may have something.
func newEar(s *Server, name string, located Located, options fusion.ViewOptions, notify func()) *ear {
	e := &ear{server: s, name: name, device: located.Sound, speaks: options.Microphone && !options.ViewOnly,
		echo: options.Here && located.Session, notify: notify}
	if e.device == nil {
		e.device = sound.None{Why: &fusion.Error{Op: "sound", Path: name, Cause: fusion.ErrUnsupported, Detail: "this screen has no sound"}}
	}
	if _, deaf := e.device.(sound.None); e.speaks && !e.echo && !deaf {
		e.answers = []wire.Message{wire.Speaking{State: wire.SoundOff}} // the viewer may ask for it
	}
	return e
}

// errEcho is why a computer's own sound is not carried to itself.
func errEcho(name string) error {
	return &fusion.Error{Op: "sound", Path: name, Cause: fusion.ErrUnsupported, Detail: "it is this computer's own sound"}
}

// take handles a viewer's message about sound.
func (e *ear) take(m wire.Message) {
	switch m := m.(type) {
	case wire.Listen:
		e.listen(m)
	case wire.Speak:
		e.speak(m.On)
	case wire.Sound:
		e.hear(m)
		return
	}
	e.notify()
}

// hear takes what the viewer's microphone hears.
func (e *ear) hear(m wire.Sound) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.speaker != nil {
		e.speaker.Take(m)
	}
}

// listen begins or ends hearing.
func (e *ear) listen(m wire.Listen) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
	case m.On && e.echo && !m.Kept:
		e.answer(wire.Listening{State: wire.SoundFailed, Text: sound.Reason(errEcho(e.name))})
	case m.On && e.listener == nil:
		e.listener = e.server.sounds.Listen(e.name, e.device, e.notify)
	case !m.On && e.listener != nil:
		e.listener.Close()
		e.listener = nil
		e.answer(wire.Listening{State: wire.SoundOff})
	}
}

// speak begins or ends speaking.
func (e *ear) speak(on bool) {
	if !on {
		e.hush(wire.Speaking{State: wire.SoundOff})
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed || e.speaker != nil:
	case e.echo:
		e.failed(errEcho(e.name))
	case !e.speaks:
		e.failed(&fusion.Error{Op: "microphone", Path: e.name, Cause: fusion.ErrPermission,
			Hint: "ask the host's owner for the grant microphone"})
	default:
		var err error
		if e.speaker, err = sound.NewPlayer(sound.MicrophoneChannels, e.device.Speak, e.lost); err != nil {
			e.speaker = nil
			e.failed(err)
			return
		}
		e.server.log.Info("microphone on", "screen", e.name)
		e.answer(wire.Speaking{State: wire.SoundOn})
	}
}

// hush ends speaking and says so. The speaker may be telling that it failed, so
// it is closed without the lock.
func (e *ear) hush(last wire.Message) {
	e.mu.Lock()
	speaker := e.speaker
	e.speaker = nil
	e.answer(last)
	e.mu.Unlock()
	if speaker != nil {
		_ = speaker.Close() // never fails
		e.server.log.Info("microphone off", "screen", e.name)
	}
}

// lost is told that the microphone does not work.
func (e *ear) lost(err error) {
	e.mu.Lock()
	e.failed(err)
	e.mu.Unlock()
	e.notify()
}

// failed needs mu.
func (e *ear) failed(err error) {
	e.answer(wire.Speaking{State: wire.SoundFailed, Text: sound.Reason(err)})
}

// answer has something said, in place of what was not said yet of its kind. It
// needs mu.
func (e *ear) answer(m wire.Message) {
	_, speaking := m.(wire.Speaking)
	for i, old := range e.answers {
		if _, is := old.(wire.Speaking); is == speaking {
			e.answers[i] = m
			return
		}
	}
	e.answers = append(e.answers, m)
}

// next gives what there is to say about sound, or nil.
func (e *ear) next() wire.Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.answers) > 0 {
		m := e.answers[0]
		e.answers = e.answers[1:]
		return m
	}
	if e.listener == nil {
		return nil
	}
	return e.listener.Next()
}

// say is next for a case of a switch.
func (e *ear) say(message *wire.Message) bool {
	*message = e.next()
	return *message != nil
}

// close ends hearing and speaking.
func (e *ear) close() {
	e.mu.Lock()
	e.closed = true
	if e.listener != nil {
		e.listener.Close()
		e.listener = nil
	}
	e.mu.Unlock()
	e.hush(wire.Speaking{State: wire.SoundOff})
}
