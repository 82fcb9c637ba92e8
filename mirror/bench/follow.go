//go:build linux

package main

import (
	"bytes"
	"errors"
	"hash/maphash"
	"image"
	"time"
)

// sight is what the watched pixels meant from a time on.
type sight struct {
	at    time.Time
	value uint64
}

// seed makes the hashes of one run comparable.
var seed = maphash.MakeSeed()

// follow begins to note how the pixels of r change, as what read makes of them,
// but for blank.
func (p *probe) follow(r image.Rectangle, read func(pix []byte) uint64) error {
	now, err := p.grab(r)
	if err != nil {
		return err
	}
	if err := p.watch(); err != nil {
		return err
	}
	p.sights = nil
	p.done = make(chan error, 1)
	go func() { p.done <- p.following(r, read, read(now)) }() // followed waits for it
	return nil
}

func (p *probe) following(r image.Rectangle, read func([]byte) uint64, last uint64) error {
	for {
		if err := p.nextDraw(r); errors.Is(err, errWoken) {
			return nil
		} else if err != nil {
			return err
		}
		now, err := p.grab(r)
		if err != nil {
			return err
		}
		if value := read(now); value != blank && value != last {
			last = value
			p.sights = append(p.sights, sight{time.Now(), value})
		}
	}
}

// followed ends it and gives what was seen.
func (p *probe) followed() ([]sight, error) {
	p.wake()
	if err := <-p.done; err != nil {
		return nil, err
	}
	return p.sights, p.unwatch()
}

// blank is what pixels mean that mean nothing.
const blank = 0

// hashLine tells lines of text apart. A line without text is blank: a terminal
// that has scrolled and not written yet shows no new line.
func hashLine(pix []byte) uint64 {
	if len(pix) < 4 || bytes.Equal(pix[4:], pix[:len(pix)-4]) {
		return blank
	}
	return maphash.Bytes(seed, pix)
}

// stampLine is where the number of a film's frame is read: the middle row of
// its bits.
var stampLine = image.Rect(bitsX, bitsY+bitSize/2, bitsX+bits*bitSize, bitsY+bitSize/2+1)

// readStamp gives the number in a stampLine.
func readStamp(pix []byte) uint64 {
	var n uint64
	for i := range bits {
		if pix[(i*bitSize+bitSize/2)*4+1] > 127 {
			n |= 1 << i
		}
	}
	return n
}
