package record

import (
	"cmp"
	"errors"
	"image"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/vpx"
	"hither/mirror/yuv"
)

// Config says how a recording is made. The zero value works.
type Config struct {
	// Every is the least time between two pictures; default 33 ms.
	Every time.Duration
	// Settled is how long a picture must stay to be encoded once more, better;
	// default 300 ms.
	Settled time.Duration
}

func (c Config) withDefaults() Config {
	c.Every = cmp.Or(c.Every, 33*time.Millisecond)
	c.Settled = cmp.Or(c.Settled, 300*time.Millisecond)
	return c
}

// Summary is what a recording holds.
type Summary struct {
	File          string
	Length        time.Duration
	Bytes         int64
	Pictures      int
	Width, Height int  // of the video, in pixels
	Sound         bool // it has a track of sound
}

// Recorder is one recording. It runs a goroutine, which encodes and writes,
// until Close; after a failure, of the disk for instance, it takes no more.
type Recorder struct {
	path string
	cfg  Config
	stop chan struct{} // closed by Close
	wake chan struct{} // there is a newer picture; one place
	done chan struct{} // closed when nothing is written any more
	once sync.Once

	mu      sync.Mutex // guards the fields below
	picture *yuv.Image // the newest, nil before the first
	at      time.Time  // when it changed
	fresh   bool       // it was not taken yet
	ear     ear
	summary Summary
	err     error // why it ended by itself
}

// Ready says whether a recording can be written into a new file of this name,
// before a screen is opened for it. It promises what Create does.
func Ready(path string) error {
	if err := vpx.CanEncode(); err != nil {
		return &fusion.Error{Op: "record", Path: path, Cause: fusion.ErrUnsupported, Detail: "it needs libvpx",
			Hint: "install libvpx 7 or newer on this computer"}
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return &os.PathError{Op: "record", Path: path, Err: os.ErrExist}
	}
	return nil
}

// Create begins a recording into a new file. It promises ErrUnsupported where
// there is no libvpx, and the file system's errors.
func Create(path string, cfg Config) (*Recorder, error) {
	if err := Ready(path); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return begin(path, file, cfg), nil
}

func begin(path string, file disk, cfg Config) *Recorder {
	r := &Recorder{path: path, cfg: cfg.withDefaults(), stop: make(chan struct{}), wake: make(chan struct{}, 1),
		done: make(chan struct{}), summary: Summary{File: path}}
	go func() { // Close waits for it
		defer close(r.done)
		r.finish((&tape{recorder: r, file: file}).run())
	}()
	return r
}

// Show takes over what changed of a picture, or all of it if it has another
// size than the one before. It does not keep p.
func (r *Recorder) Show(p *codec.Picture, dirty []image.Rectangle) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	if m := r.picture; m == nil || m.Width != p.Width || m.Height != p.Height {
		r.picture = yuv.New(p.Width, p.Height, false)
		dirty = []image.Rectangle{p.Bounds()}
	}
	for _, d := range dirty {
		d = d.Intersect(p.Bounds())
		if d.Empty() {
			continue
		}
		x, y := d.Min.X&^1, d.Min.Y&^1 // where a sample of colour begins
		w, h := min((d.Max.X+1)&^1, p.Width)-x, min((d.Max.Y+1)&^1, p.Height)-y
		r.picture.Sub(x, y, w, h).FromBGRX(p.Pix[y*p.Stride+x*4:], p.Stride)
		r.fresh = true
	}
	if !r.fresh {
		return
	}
	r.at = time.Now()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// take copies the newest picture into m, or into another one where m has not
// its size. It gives nil when m holds it already.
func (r *Recorder) take(m *yuv.Image) (*yuv.Image, time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.fresh {
		return nil, time.Time{}
	}
	r.fresh = false
	if m == nil || m.Width != r.picture.Width || m.Height != r.picture.Height {
		m = yuv.New(r.picture.Width, r.picture.Height, false)
	}
	for i := range m.Planes {
		copy(m.Planes[i], r.picture.Planes[i])
	}
	return m, r.at
}

// note counts what was written.
func (r *Recorder) note(s Summary) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.File = r.path
	r.summary = s
}

func (r *Recorder) finish(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.picture, r.fresh, r.ear.packets = nil, false, nil
	if err == nil {
		err = errEnded
	}
	r.err = err
}

// errEnded says that Close ended the recording.
var errEnded = errors.New("the recording has ended")

// Done is closed when the recording has ended, by Close or by a failure.
func (r *Recorder) Done() <-chan struct{} { return r.done }

// Summary says what was written so far.
func (r *Recorder) Summary() Summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.summary
}

// Close ends the recording and gives what it holds, or why it ended before: the
// file then plays up to there. A recording without a picture leaves no file.
func (r *Recorder) Close() (Summary, error) {
	r.once.Do(func() { close(r.stop) })
	<-r.done
	r.mu.Lock()
	defer r.mu.Unlock()
	if errors.Is(r.err, errEnded) {
		return r.summary, nil
	}
	return r.summary, r.err
}
