package codec

import (
	"errors"
	"image"
	"sync"
	"time"

	"hither/mirror/vpx"
	"hither/mirror/yuv"
)

// lens is the encoder of a camera. libvpx clears all memory that an encoder may
// ever need when it is opened, 110 MB for 1080p, which takes from 50 ms to half
// a second. So that is done beside, while tiles go on; what is open serves all
// smaller sizes; and it stays open for a while after a film has come to rest.
type lens struct {
	size  image.Point // as encoded
	full  bool
	fresh bool // the next frame begins a stream
	limit int  // bits a second that the path carries; 0 is not known
	rate  int  // bits a second that the encoder aims at

	opening chan struct{} // closed when what is being opened is in next; nil is nothing

	mu      sync.Mutex // guards the fields below
	encoder *vpx.Encoder
	room    image.Point // the largest size
	picture *yuv.Image  // of that, to be written to
	next    opened      // what was opened
	held    bool        // a film uses them
	resting *time.Timer // closes them
}

// opened is an encoder that was opened, or why not.
type opened struct {
	encoder *vpx.Encoder
	room    image.Point
	full    bool
	picture *yuv.Image
	err     error
}

// warm encodes a picture that nobody sees, so that the film's first does not wait
// for memory: an encoder, and a picture, get theirs when it is written to.
func (o *opened) warm() {
	o.picture = yuv.New(o.room.X, o.room.Y, o.full)
	for _, plane := range o.picture.Planes {
		for i := range plane {
			plane[i] = byte(i * i >> 8)
		}
	}
	if _, err := o.encoder.Encode(o.picture, time.Time{}, true); err != nil {
		o.err, o.encoder = errors.Join(err, o.encoder.Close()), nil
	}
}

// kept is how long an encoder stays open that is not used.
const kept = 10 * time.Second

// open begins to open an encoder for pictures of up to a size, if there is none
// and none is on its way.
func (l *lens) open(room image.Point, full bool) {
	if err := l.receive(false); err != nil || l.opening != nil || l.serves(room, full) {
		return // what fails here fails again when a film asks for it, and is told then
	}
	done := make(chan struct{})
	l.opening = done
	go func() {
		defer close(done)
		o := opened{room: room, full: full}
		o.encoder, o.err = vpx.NewEncoder(vpx.Config{Width: room.X, Height: room.Y, Full: full, Threads: threads()})
		if o.err == nil {
			o.warm()
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.next = o
		l.wait()
	}()
}

// serves says whether the open encoder is for pictures of a size.
func (l *lens) serves(size image.Point, full bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.encoder != nil && l.full == full && size.X <= l.room.X && size.Y <= l.room.Y
}

// set makes ready for pictures of a size, later ones of which may have up to
// room, and says whether it is. With wait it does not return until it is. From
// now on until rest a film uses the encoder.
func (l *lens) set(size, room image.Point, full, wait bool) (ready bool, err error) {
	l.hold()
	if err := l.receive(false); err != nil {
		return false, err
	}
	if !l.serves(size, full) {
		l.open(room, full)
		if !wait {
			return false, nil
		}
		if err := l.receive(true); err != nil {
			return false, err
		}
		return l.set(size, room, full, wait) // what was on its way may have been another
	}
	if size == l.size {
		return true, nil
	}
	l.size, l.fresh = size, true
	if err := l.encoder.Resize(size.X, size.Y); err != nil {
		return false, err
	}
	l.rate = l.wanted()
	return true, l.encoder.SetBitrate(l.rate)
}

// receive takes over what was opened.
func (l *lens) receive(wait bool) error {
	if l.opening == nil {
		return nil
	}
	if !wait {
		select {
		case <-l.opening:
		default:
			return nil
		}
	}
	<-l.opening
	l.opening = nil
	l.mu.Lock()
	defer l.mu.Unlock()
	o, before := l.next, l.encoder
	l.next = opened{}
	if o.encoder == nil { // or it rested too long
		return o.err
	}
	l.encoder, l.room, l.full, l.size, l.picture = o.encoder, o.room, o.full, image.Point{}, o.picture
	if before == nil {
		return nil
	}
	return before.Close()
}

// bitsPerPixel is what a pixel has in a second where the path carries it.
const bitsPerPixel = 4

// leastRate is what a video has even where the path carries less.
const leastRate = 100_000

// wanted is the rate to aim at: what the size asks for, or what the path carries.
func (l *lens) wanted() int {
	rate := l.size.X * l.size.Y * bitsPerPixel
	if l.limit > 0 {
		rate = min(rate, l.limit)
	}
	return max(rate, leastRate)
}

// followPath gives the encoder another rate when it changed by a tenth.
func (l *lens) followPath() error {
	rate := l.wanted()
	if abs(rate-l.rate)*10 < l.rate {
		return nil
	}
	l.rate = rate
	return l.encoder.SetBitrate(rate)
}

// hold keeps the encoder open.
func (l *lens) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = true
	l.stop()
}

// rest ends the stream. The encoder is kept for a while.
func (l *lens) rest() {
	l.size = image.Point{}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = false
	l.wait()
}

// wait closes what no film uses after a while. It needs mu.
func (l *lens) wait() {
	if !l.held && l.resting == nil {
		l.resting = time.AfterFunc(kept, l.expire)
	}
}

// stop needs mu.
func (l *lens) stop() {
	if l.resting != nil {
		l.resting.Stop()
		l.resting = nil
	}
}

func (l *lens) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.held {
		l.resting = nil
		_ = l.free() // nobody waits for its last words
	}
}

// free closes what is open. It needs mu.
func (l *lens) free() (err error) {
	for _, e := range []*vpx.Encoder{l.encoder, l.next.encoder} {
		if e != nil {
			err = errors.Join(err, e.Close())
		}
	}
	l.encoder, l.next = nil, opened{}
	return err
}

// close closes the encoder, and waits for one that is being opened.
func (l *lens) close() error {
	if l.opening != nil {
		<-l.opening
		l.opening = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = true // nothing is left to expire
	l.stop()
	return l.free()
}
