package record

import (
	"time"

	"hither/mirror/opus"
	"hither/mirror/sound"
)

const (
	// look is how far packets behind one are looked at, to see how late it is.
	look = 400 * time.Millisecond
	// slack is how far sound may be from its time before it is put right.
	slack = 25 * time.Millisecond
	// conceal is how many lost packets in a row a decoder makes up for; more are
	// silent.
	conceal = 5
	// longSlots is how many slots opus.Silent120 fills.
	longSlots = 12
)

// track is the sound of a recording: a line of slots of 10 ms from its beginning
// on, none of which is left out, for players count samples.
//
// The wire says when a packet is heard only by its number, within one sound.
// Where that sound begins is seen from when its packets came: the one that waited
// least on its way tells it for all. As the clocks of the two computers differ,
// that is looked at on and on, and a packet is left out, or silence put in, where
// they are too far apart. A picture's time is that of its coming too, so the two
// stay together.
type track struct {
	began time.Time // of the recording
	write func(at time.Duration, packet []byte) error

	next    int      // the slot that is written next
	waiting []packet // by their coming
	last    packet   // that has a slot, perhaps before the beginning
	slot    int      // its slot
}

// newTrack begins a track with the slot of a time.
func newTrack(began, since time.Time, write func(time.Duration, []byte) error) *track {
	return &track{began: began, write: write, next: max(0, slotOf(since.Sub(began)))}
}

// slotOf gives the slot that begins nearest to a time.
func slotOf(at time.Duration) int { return int(at.Round(sound.Lasts) / sound.Lasts) }

// advance writes what is known of the sound at a time: until twice look before
// it, as a packet that comes later is not heard earlier.
func (t *track) advance(now time.Time) error {
	if err := t.place(now.Add(-look)); err != nil {
		return err
	}
	for end := slotOf(now.Sub(t.began) - 2*look); t.next+longSlots <= end; {
		if err := t.put(opus.Silent120, longSlots); err != nil {
			return err
		}
	}
	return nil
}

// end writes the rest until the end of the recording.
func (t *track) end(at time.Time) error {
	if err := t.place(at); err != nil {
		return err
	}
	return t.silence(int(at.Sub(t.began) / sound.Lasts))
}

// place writes the packets that came until then.
func (t *track) place(until time.Time) error {
	for len(t.waiting) > 0 && !t.waiting[0].came.After(until) {
		due := t.due()
		p := t.waiting[0]
		t.waiting = t.waiting[1:]
		if err := t.fit(p, due); err != nil {
			return err
		}
	}
	return nil
}

// due gives when the first packet that waits would have begun to be heard if it
// had come as fast as the fastest of those behind it. It lasts as long as it took
// to be recorded.
func (t *track) due() time.Duration {
	first := t.waiting[0]
	late := time.Duration(0)
	for _, p := range t.waiting[1:] {
		after := p.came.Sub(first.came)
		if p.sound != first.sound || after > look {
			break
		}
		late = max(late, time.Duration(p.place-first.place)*sound.Lasts-after)
	}
	return first.came.Sub(t.began) - late - sound.Lasts
}

// fit writes a packet into its slot: that of its number, unless that is too far
// from when it is due.
func (t *track) fit(p packet, due time.Duration) error {
	slot := slotOf(due)
	lost := 0
	if p.sound == t.last.sound {
		counted := t.slot + p.place - t.last.place
		switch off := due - time.Duration(counted)*sound.Lasts; {
		case off < -slack:
			t.last, t.slot = p, max(t.next, slot)-1 // left out: the next one has its slot
			return nil
		case off <= slack:
			slot = counted
		}
		lost = slot - t.next
	}
	t.last, t.slot = p, slot
	if slot < t.next {
		return nil
	}
	for lost > 0 && lost <= conceal && t.next < slot {
		if err := t.put(opus.Lost10, 1); err != nil {
			return err
		}
	}
	if err := t.silence(slot); err != nil {
		return err
	}
	return t.put(p.bytes, 1)
}

// silence fills the slots before one.
func (t *track) silence(before int) error {
	for t.next < before {
		packet, slots := opus.Silent10, 1
		if t.next+longSlots <= before {
			packet, slots = opus.Silent120, longSlots
		}
		if err := t.put(packet, slots); err != nil {
			return err
		}
	}
	return nil
}

func (t *track) put(packet []byte, slots int) error {
	at := time.Duration(t.next) * sound.Lasts
	t.next += slots
	return t.write(at, packet)
}
