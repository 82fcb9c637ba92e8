package sound

import (
	"slices"
	"sync"

	"hither/mirror/wire"
)

const (
	leastHeld = 2  // packets, before playing begins
	mostHeld  = 15 // however uneven the path is
	mostKept  = 50 // packets
	conceal   = 5  // packets are made up for; then there is silence

	span = 50   // packets after which what waits for too long is cut out
	calm = 1000 // packets without running dry, after which one less is held
	idle = 200  // packets of silence, after which the sink rests
	// longest is how many packets' time a few that came may wait for more: a
	// sound has at least as many as hang, but some may be lost.
	longest = 2 * mostHeld
)

// Decoder is opus.Decoder.
type Decoder interface {
	Decode(packet []byte, pcm []int16) (int, error)
}

// Buffer makes an even stream of packets that come unevenly. Its clock is that of
// who pulls.
type Buffer struct {
	channels int

	mu      sync.Mutex // guards the fields below
	decoder Decoder
	packets []wire.Sound // that wait, by number
	next    uint16       // that is played next
	playing bool
	held    int // packets to hold before playing begins
	waits   int // frames since something waits to be played
	missed  int // frames in a row that were made up for
	fewest  int // packets that waited in this span
	steps   int // frames of this span
	calm    int // frames since it ran dry
	silent  int // frames since it played
	health  Health
	spare   []int16
}

// NewBuffer makes an empty buffer of so many channels.
func NewBuffer(decoder Decoder, channels int) *Buffer {
	return &Buffer{decoder: decoder, channels: channels, held: leastHeld, fewest: mostKept}
}

// Push takes a packet that came. Its bytes must stay as they are.
func (b *Buffer) Push(m wire.Sound) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ahead := int(int16(m.Number - b.next))
	switch {
	case !b.playing && len(b.packets) == 0, ahead >= mostKept, ahead < -mostKept:
		b.packets, b.playing, b.waits = b.packets[:0], false, 0
		b.next = m.Number
	case ahead < 0 && b.playing:
		return // too late
	case ahead < 0:
		b.next = m.Number
	}
	at, found := slices.BinarySearchFunc(b.packets, m, func(x, y wire.Sound) int { return int(int16(x.Number - y.Number)) })
	if !found {
		b.packets = slices.Insert(b.packets, at, m)
	}
}

// Pull fills pcm, a packet's length, with what is played next. It answers false
// when there was nothing for a while.
func (b *Buffer) Pull(pcm []int16) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.playing && len(b.packets) > 0 {
		b.waits++
		b.playing = len(b.packets) >= b.held || b.waits > longest
	}
	if !b.playing {
		clear(pcm)
		b.silent++
		return b.silent <= idle || len(b.packets) > 0
	}
	b.silent = 0
	b.play(pcm)
	return true
}

// play plays a packet, or makes up for it. It needs mu.
func (b *Buffer) play(pcm []int16) {
	m, ok := b.take()
	if !ok {
		b.dry(pcm)
		return
	}
	b.missed = 0
	b.decode(m.Packet, pcm)
	if m.Ends {
		b.pause()
	}
	b.count()
	if over := b.over(); over > 0 && b.playing {
		b.trim(over, pcm)
	}
}

// take takes the packet that is due. It needs mu.
func (b *Buffer) take() (m wire.Sound, ok bool) {
	if len(b.packets) == 0 || b.packets[0].Number != b.next {
		return wire.Sound{}, false
	}
	m = b.packets[0]
	b.packets = slices.Delete(b.packets, 0, 1)
	b.next++
	return m, true
}

// dry makes up for a packet that is not there: it is lost if later ones are, else
// late, and then more are held from now on. It needs mu.
func (b *Buffer) dry(pcm []int16) {
	b.decode(nil, pcm)
	b.missed++
	b.health.Missed++
	switch {
	case len(b.packets) > 0:
		b.next++
	case b.missed == 1:
		b.held, b.calm = min(b.held+1, mostHeld), 0
	case b.missed > conceal:
		b.pause()
	}
}

// pause ends playing until the next packets. It needs mu.
func (b *Buffer) pause() {
	b.playing, b.waits, b.missed = false, 0, 0
	b.steps, b.fewest = 0, mostKept
}

// decode fills pcm from a packet; one that is none is made up for, and what
// cannot be is silent. It needs mu.
func (b *Buffer) decode(packet []byte, pcm []int16) {
	n, err := b.decoder.Decode(packet, pcm)
	if err != nil && packet != nil {
		n, err = b.decoder.Decode(nil, pcm)
	}
	if err != nil {
		n = 0
	}
	clear(pcm[min(n*b.channels, len(pcm)):])
}

// count notes how many packets wait. It needs mu.
func (b *Buffer) count() {
	b.fewest = min(b.fewest, len(b.packets))
	b.steps++
	if b.calm++; b.calm >= calm {
		b.held, b.calm = max(b.held-1, leastHeld), 0
	}
}

// over gives, once a span, how many packets waited all the time beyond those that
// are to be held. It needs mu.
func (b *Buffer) over() int {
	if b.steps < span {
		return 0
	}
	over := b.fewest - b.held
	b.steps, b.fewest = 0, mostKept
	return over
}

// trim cuts n packets out: the sound goes over from the one in pcm to the last of
// them. It needs mu.
func (b *Buffer) trim(n int, pcm []int16) {
	if len(b.spare) != len(pcm) {
		b.spare = make([]int16, len(pcm))
	}
	cut := 0
	for ; cut < n && len(b.packets) > 0 && !b.packets[0].Ends; cut++ {
		m, ok := b.take()
		if !ok {
			break
		}
		b.decode(m.Packet, b.spare)
	}
	if cut == 0 {
		return
	}
	b.health.Cut += cut
	for i := range pcm {
		part := i * 256 / len(pcm)
		pcm[i] = int16((int(pcm[i])*(256-part) + int(b.spare[i])*part) / 256)
	}
}

// Health is how a Buffer does.
type Health struct {
	Held    int // packets that it holds before it plays
	Waiting int // packets that wait now
	Missed  int // packets that were not there when they were due
	Cut     int // packets that were cut out because too many waited
}

// Health gives it.
func (b *Buffer) Health() Health {
	b.mu.Lock()
	defer b.mu.Unlock()
	health := b.health
	health.Held, health.Waiting = b.held, len(b.packets)
	return health
}
