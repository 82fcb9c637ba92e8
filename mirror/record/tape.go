package record

import (
	"cmp"
	"errors"
	"image"
	"os"
	"runtime"
	"syscall"
	"time"

	"hither/fusion"
	"hither/mirror/vpx"
	"hither/mirror/webm"
	"hither/mirror/yuv"
)

const (
	// keyEvery is how far apart key frames are at least: players jump to them.
	keyEvery = 10 * time.Second
	// lastsEvery is how often a file is told that it goes on, while nothing
	// changes.
	lastsEvery = 2 * time.Second
	// hearEvery is how often sound is taken over.
	hearEvery = 250 * time.Millisecond
	// bitsPerPixel is the rate in a second while everything moves.
	bitsPerPixel = 4
)

// disk is the file of a recording.
type disk interface {
	webm.File
	Close() error
}

// tape is what the goroutine of a recording owns.
type tape struct {
	recorder *Recorder
	file     disk
	film     *reel // nil before the first picture
	encoder  *vpx.Encoder
	whole    *yuv.Image  // as shown
	frame    *yuv.Image  // as encoded: whole, or fitted
	fitted   *yuv.Image  // whole in the size of the first picture
	fits     image.Point // the size of which fitted was made
	began    time.Time   // of the first picture
	last     time.Duration
	key      time.Duration // of the last key frame
	summary  Summary
}

// run encodes until the recording is to end, or fails.
func (t *tape) run() error {
	yield()
	err := t.follow()
	if t.film == nil && err == nil {
		err = t.newest() // it may have come just now
	}
	if t.film == nil {
		return errors.Join(err, t.file.Close(), os.Remove(t.recorder.path))
	}
	if err == nil {
		err = t.stay()
	}
	return t.named(cmp.Or(err, t.finish()))
}

// follow encodes each newer picture, with pauses.
func (t *tape) follow() (err error) {
	settled, lasts, hears := time.NewTimer(time.Hour), time.NewTicker(lastsEvery), time.NewTicker(hearEvery)
	defer settled.Stop()
	defer lasts.Stop()
	defer hears.Stop()
	for err == nil {
		select {
		case <-t.recorder.stop:
			return nil
		case <-lasts.C:
			err = t.goesOn()
		case <-hears.C:
			err = t.hear()
		case <-settled.C:
			err = t.polish()
		case <-t.recorder.wake:
			began := time.Now()
			err = t.newest()
			settled.Reset(t.recorder.cfg.Settled)
			t.pause(t.recorder.cfg.Every - time.Since(began))
		}
	}
	return err
}

// pause waits, or until the recording is to end.
func (t *tape) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.recorder.stop:
	}
}

// newest encodes the newest picture, if there is a newer one.
func (t *tape) newest() error {
	m, at := t.recorder.take(t.whole)
	if m == nil {
		return nil
	}
	t.whole = m
	if t.film == nil {
		if err := t.begin(at); err != nil {
			return err
		}
	}
	t.fill()
	return t.write(at)
}

// polish encodes a picture that stays once more, for as many bytes as twenty
// have else: what was hard is seen clearly then (1 to 4 dB).
func (t *tape) polish() error {
	rate := t.summary.Width * t.summary.Height * bitsPerPixel
	err := t.encoder.SetBitrate(rate * 20)
	if err == nil {
		err = t.write(time.Now())
	}
	return errors.Join(err, t.encoder.SetBitrate(rate))
}

// begin makes the file ready for pictures of the first one's size.
func (t *tape) begin(at time.Time) (err error) {
	size := image.Pt(t.whole.Width, t.whole.Height)
	t.encoder, err = vpx.NewEncoder(vpx.Config{Width: size.X, Height: size.Y, Bitrate: size.X * size.Y * bitsPerPixel,
		Threads: max(1, min(runtime.NumCPU()/2, 4))})
	if err != nil {
		return err
	}
	film, err := webm.New(t.file, webm.Config{Width: size.X, Height: size.Y})
	if err != nil {
		return errors.Join(err, t.encoder.Close())
	}
	t.film = &reel{Writer: film}
	t.began, t.last, t.frame = at, -1, t.whole
	t.summary.Width, t.summary.Height = size.X, size.Y
	return t.hear()
}

// fill makes frame of whole.
func (t *tape) fill() {
	from, to := image.Pt(t.whole.Width, t.whole.Height), image.Pt(t.summary.Width, t.summary.Height)
	if from == to {
		t.frame = t.whole
		return
	}
	if t.fits != from {
		t.fitted, t.fits = yuv.New(to.X, to.Y, false), from
		black(t.fitted)
	}
	r := inside(from, to)
	t.fitted.Sub(r.Min.X, r.Min.Y, r.Dx(), r.Dy()).Scale(t.whole)
	t.frame = t.fitted
}

// write encodes the frame as that of a time.
func (t *tape) write(at time.Time) error {
	since := max(at.Sub(t.began).Truncate(time.Millisecond), t.last+time.Millisecond)
	key := t.last < 0 || since-t.key >= keyEvery
	data, err := t.encoder.Encode(t.frame, at, key)
	if err != nil {
		return err
	}
	if key {
		t.key = since
	}
	t.last = since
	t.summary.Pictures++
	t.summary.Bytes += int64(len(data))
	if err := t.film.show(frame{since, key, data}); err != nil {
		return err
	}
	return t.lasts(since)
}

// hear writes what came of sound.
func (t *tape) hear() error {
	if t.film == nil {
		return nil
	}
	since, packets := t.recorder.heard()
	if since.IsZero() {
		return nil
	}
	before := t.film.bytes
	if shown := t.began.Add(t.last); since.Before(shown) {
		since = shown // a track that begins now: what was written is before it
	}
	err := t.film.hear(t.began, since, time.Now(), packets)
	t.summary.Sound = true
	t.summary.Bytes += t.film.bytes - before
	return err
}

// goesOn says so in the file.
func (t *tape) goesOn() error {
	if t.film == nil {
		return nil
	}
	return t.lasts(time.Since(t.began))
}

func (t *tape) lasts(until time.Duration) error {
	t.summary.Length = until
	t.recorder.note(t.summary)
	return t.film.Lasts(until)
}

// stay encodes the last picture once more, which says how long it stood.
func (t *tape) stay() error {
	now := time.Now()
	if err := t.newest(); err != nil {
		return err
	}
	return t.write(now)
}

// finish makes the file one that players seek in.
func (t *tape) finish() error {
	err := t.hear()
	if err == nil {
		err = t.film.end(t.began, t.last)
	}
	t.recorder.note(t.summary)
	return errors.Join(cmp.Or(err, t.film.Close(t.last)), t.encoder.Close(), t.file.Close())
}

// named gives a failure of the file its name and what to do.
func (t *tape) named(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC):
		return &fusion.Error{Op: "record", Path: t.recorder.path, Cause: fusion.ErrBusy, Detail: "the disk is full; the recording ends here",
			Hint: "free some space on that disk, and record on into another file"}
	}
	return &fusion.Error{Op: "record", Path: t.recorder.path, Cause: err, Detail: "the recording ends here"}
}
