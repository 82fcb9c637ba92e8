package surface

import (
	"errors"
	"image"
	"path/filepath"
	"sync"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/record"
	"hither/mirror/wire"
)

// markEvery is how often the mark of a recording shows another time.
const markEvery = time.Second

// tape is the recording of a window. A goroutine, which the view waits for,
// marks the window while it lasts and says how it ended.
type tape struct {
	pane     *pane
	recorder *record.Recorder
	began    time.Time
	once     sync.Once
	stop     chan struct{} // closed by end
	done     chan struct{} // closed when the file is whole and the mark is gone
}

func (t *tape) end() { t.once.Do(func() { close(t.stop) }) }

// toggleRecord begins to record a window, or ends that.
func (v *view) toggleRecord(p *pane) {
	if t := p.tape.Load(); t != nil {
		t.end()
		return
	}
	next := v.cfg.Record.Next
	if next == nil {
		v.overlay.note(p, "This window cannot be recorded")
		return
	}
	path, err := next()
	if err == nil {
		err = v.record(p, path)
	}
	if err != nil {
		v.cfg.Log.Warn("no recording", "file", path, "err", err)
		v.overlay.note(p, "No recording: "+reason(err))
	}
}

// record begins to record a window into a new file.
func (v *view) record(p *pane, path string) error {
	r, err := record.Create(path, record.Config{})
	if err != nil {
		return err
	}
	t := &tape{pane: p, recorder: r, began: time.Now(), stop: make(chan struct{}), done: make(chan struct{})}
	p.glass.look(func(all *codec.Picture) { r.Show(all, []image.Rectangle{all.Bounds()}) })
	p.tape.Store(t)
	if v.ears.heard() {
		r.Hear(wire.Listening{State: wire.SoundOn})
	}
	v.tapes.Go(func() { v.followTape(t) })
	return nil
}

// recordFirst begins with what the person asked for, at the first picture.
func (v *view) recordFirst(p *pane) error {
	path := v.cfg.Record.File
	if path == "" || v.recorded {
		return nil
	}
	v.recorded = true
	return v.record(p, path)
}

// followTape marks the window until the recording ends.
func (v *view) followTape(t *tape) {
	defer close(t.done)
	defer t.pane.tape.Store(nil)
	mark, err := newLabel(t.pane, topLeft, drawMark(0, v.overlay.color()))
	if err != nil {
		v.cfg.Log.Debug("no mark", "err", err)
	}
	v.whileRecording(t, mark)
	if mark != nil {
		mark.free()
	}
	summary, err := t.recorder.Close()
	text := "Recorded " + span(summary.Length) + " into " + filepath.Base(summary.File)
	if err != nil {
		v.cfg.Log.Warn("recording ended", "file", summary.File, "err", err)
		text = "The recording has ended: " + reason(err)
	}
	v.overlay.note(t.pane, text)
	if v.cfg.Record.Ended != nil {
		v.ending.Lock()
		defer v.ending.Unlock()
		v.cfg.Record.Ended(summary, err)
	}
}

func (v *view) whileRecording(t *tape, mark *label) {
	ticker := time.NewTicker(markEvery)
	defer ticker.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-t.recorder.Done(): // by itself
			return
		case <-ticker.C:
			if mark != nil {
				mark.draw(drawMark(time.Since(t.began), v.overlay.color()))
			}
		}
	}
}

// endTape ends the recording of a window that goes, and waits for it.
func (v *view) endTape(p *pane) {
	if t := p.tape.Load(); t != nil {
		t.end()
		<-t.done
	}
}

// keep gives a recording what a frame changed. It is called by the goroutine
// that decodes, so nobody writes the pixels.
func (p *pane) keep(update codec.Update) {
	if t := p.tape.Load(); t != nil {
		t.recorder.Show(p.glass.decoder.Picture(), update.Dirty)
	}
}

// keepSound gives the recordings what the host says of the sound that is heard
// here.
func (v *view) keepSound(m wire.Message) {
	for _, p := range v.all() {
		if t := p.tape.Load(); t != nil {
			t.recorder.Hear(m)
		}
	}
}

// look gives the whole picture to whoever wants it, while nobody writes it.
func (g *glass) look(at func(*codec.Picture)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.image != nil {
		at(g.image.picture)
	}
}

// reason is why something failed, for one line over a window.
func reason(err error) string {
	var known *fusion.Error
	if errors.As(err, &known) && known.Detail != "" {
		return plainTitle(known.Detail)
	}
	return plainTitle(err.Error())
}
