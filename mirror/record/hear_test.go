package record

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"

	"hither/mirror/opus"
	"hither/mirror/wire"
)

// sounds gives the times of the packets of a file's sound, and what is in them.
func sounds(t *testing.T, path string) (at []time.Duration, packets [][]byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Header  webm.EBMLHeader `ebml:"EBML"`
		Segment webm.Segment    `ebml:"Segment"`
	}
	if err := ebml.Unmarshal(bytes.NewReader(b), &f); err != nil {
		t.Fatal(err)
	}
	last := time.Duration(0)
	for _, c := range f.Segment.Cluster {
		for _, b := range c.SimpleBlock {
			now := time.Duration(int64(c.Timecode)+int64(b.Timecode)) * time.Millisecond
			if now < last {
				t.Errorf("a block at %v stands behind one at %v", now, last)
			}
			if last = now; b.TrackNumber == 2 {
				at, packets = append(at, now), append(packets, b.Data[0])
			}
		}
	}
	if has := len(f.Segment.Tracks.TrackEntry) == 2; has != (len(at) > 0) {
		t.Errorf("a track of sound: %v, and %d packets", has, len(at))
	}
	return at, packets
}

func TestSoundIsKeptAsItCame(t *testing.T) {
	r := create(t, Config{Every: time.Millisecond})
	r.Hear(wire.Listening{State: wire.SoundOn})
	p := draw(64, 64, 1)
	var before, after [2]time.Time // the first picture, and the last packet
	before[0] = time.Now()
	r.Show(p, whole(p))
	after[0] = time.Now()
	r.wait(t, 1)
	for n := range 100 { // as fast as it can, which is too fast
		r.Hear(wire.Sound{Number: uint16(n), Packet: []byte{0xf4, byte(n), 1}})
	}
	for n := range 30 {
		p := draw(64, 64, 2+n%3)
		r.Show(p, whole(p))
		r.wait(t, 2+n)
	}
	before[1] = time.Now()
	r.Hear(wire.Sound{Number: 1000, Packet: []byte{0xf4, 200, 1}, Ends: true})
	after[1] = time.Now()
	r.Show(draw(64, 64, 1), whole(p))
	r.wait(t, 32)
	s, err := r.Close()
	if err != nil {
		t.Fatal(err)
	}
	at, packets := sounds(t, s.File)
	next := time.Duration(0)
	found := time.Duration(-1)
	for i, packet := range packets {
		if at[i] != next {
			t.Fatalf("packet %d is at %v, want %v", i, at[i], next)
		}
		next += time.Duration(opus.Samples(packet)) * time.Second / opus.Rate
		if packet[0] == 0xf4 && len(packet) == 3 && packet[1] == 200 {
			found = at[i]
		}
	}
	if !s.Sound || next > s.Length+10*time.Millisecond || next < s.Length-10*time.Millisecond {
		t.Errorf("sound %v until %v of %v", s.Sound, next, s.Length)
	}
	// It lasts 10 ms, and a slot begins within 5 ms.
	least, most := before[1].Sub(after[0])-15*time.Millisecond, after[1].Sub(before[0])-5*time.Millisecond
	if found < least || found > most {
		t.Errorf("the last packet is at %v, not between %v and %v", found, least, most)
	}
}

func TestSoundThatTheHostHasNot(t *testing.T) {
	r := create(t, Config{Every: time.Millisecond})
	r.Hear(wire.Listening{State: wire.SoundFailed, Text: "no sound"})
	p := draw(64, 64, 1)
	r.Show(p, whole(p))
	r.wait(t, 1)
	s, err := r.Close()
	if err != nil || s.Sound {
		t.Fatal(s, err)
	}
	if at, _ := sounds(t, s.File); len(at) > 0 {
		t.Errorf("sound at %v", at)
	}
}
