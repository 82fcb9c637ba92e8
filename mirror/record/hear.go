package record

import (
	"bytes"
	"slices"
	"time"

	"hither/mirror/opus"
	"hither/mirror/wire"
)

const (
	// mostHeard is how many packets wait to be written; then the oldest goes.
	mostHeard = 600
	// farApart is how many numbers apart packets are not of one sound.
	farApart = 50
	// packetSamples is how long a packet is; what is not is taken for lost.
	packetSamples = opus.Rate / 100
)

// packet is one of sound that came.
type packet struct {
	came  time.Time
	sound int // packets of one sound have the same, and no silence between them
	place int // in its sound: rises by one with each 10 ms
	bytes []byte
}

// ear is what came of sound and was not taken over yet. The recorder's mu guards
// it.
type ear struct {
	since   time.Time // when there was sound first, zero before
	packets []packet
	number  uint16 // of the newest packet
	newest  packet
	lasts   bool // the sound of the newest packet goes on
}

// Hear takes what the host says of sound, wire.Listening and wire.Sound, when it
// comes; other messages are passed over. With the first of either the recording
// has a track of sound, unless the host says that there is none. It does not
// wait, and keeps nothing of m.
func (r *Recorder) Hear(m wire.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	switch m := m.(type) {
	case wire.Listening:
		r.ear.lasts = false
		if m.State == wire.SoundOn {
			r.ear.begin(time.Now())
		}
	case wire.Sound:
		r.ear.add(m, time.Now())
	}
}

func (e *ear) begin(now time.Time) {
	if e.since.IsZero() {
		e.since = now
	}
}

func (e *ear) add(m wire.Sound, now time.Time) {
	e.begin(now)
	ahead := int(int16(m.Number - e.number))
	switch {
	case !e.lasts || ahead >= farApart || ahead <= -farApart:
		e.newest = packet{sound: e.newest.sound + 1}
	case ahead <= 0:
		return // it came already
	default:
		e.newest.place += ahead
	}
	e.number, e.lasts = m.Number, !m.Ends
	if opus.Samples(m.Packet) != packetSamples {
		return
	}
	p := e.newest
	p.came, p.bytes = now, bytes.Clone(m.Packet)
	if len(e.packets) == mostHeard {
		e.packets = slices.Delete(e.packets, 0, 1)
	}
	e.packets = append(e.packets, p)
}

// heard takes over what came of sound. since is zero if there never was any.
func (r *Recorder) heard() (since time.Time, packets []packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	packets, r.ear.packets = r.ear.packets, nil
	return r.ear.since, packets
}
