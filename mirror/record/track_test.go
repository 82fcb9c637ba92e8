package record

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hither/mirror/opus"
	"hither/mirror/wire"
)

// path is how long a packet takes at least, after its last sample.
const path = 5 * time.Millisecond

// sent is a packet of a host: what it holds began to be heard there at a time.
type sent struct {
	number uint16
	at     time.Duration
	late   time.Duration // more than the path needs
	ends   bool
}

func (s sent) packet() []byte {
	return binary.BigEndian.AppendUint16([]byte{opus.Silent10[0], 7}, s.number)
}

func (s sent) came() time.Duration { return s.at + 10*time.Millisecond + path + s.late }

// script makes a sound of packets without a gap.
func script(number int, at time.Duration, count int) (list []sent) {
	for n := range count {
		list = append(list, sent{number: uint16(number + n), at: at + time.Duration(n)*10*time.Millisecond})
	}
	return list
}

// line is what a track wrote.
type line struct {
	t     *testing.T
	first time.Duration
	next  time.Duration
	heard map[uint16]time.Duration
	lost  int // packets that a decoder makes up for
}

func (l *line) write(at time.Duration, packet []byte) error {
	l.t.Helper()
	if l.next < 0 {
		l.first, l.next = at, at
	}
	if at != l.next {
		l.t.Fatalf("a packet at %v, after one that ends at %v", at, l.next)
	}
	l.next += time.Duration(opus.Samples(packet)) * time.Second / opus.Rate
	switch {
	case bytes.Equal(packet, opus.Lost10):
		l.lost++
	case !bytes.Equal(packet, opus.Silent10) && !bytes.Equal(packet, opus.Silent120):
		l.heard[binary.BigEndian.Uint16(packet[2:])] = at
	}
	return nil
}

// records gives a track what comes, as a recording of a length does. The host says
// after a time that there is sound.
func records(t *testing.T, since, length time.Duration, list []sent) *line {
	t.Helper()
	began := time.Now()
	l := &line{t: t, next: -1, heard: map[uint16]time.Duration{}}
	k := newTrack(began, began.Add(since), l.write)
	slices.SortStableFunc(list, func(a, b sent) int { return int(a.came() - b.came()) })
	var e ear
	for now := time.Duration(0); now < length; {
		now = min(now+hearEvery, length)
		for len(list) > 0 && list[0].came() <= now {
			e.add(wire.Sound{Number: list[0].number, Ends: list[0].ends, Packet: list[0].packet()}, began.Add(list[0].came()))
			list = list[1:]
		}
		k.waiting, e.packets = append(k.waiting, e.packets...), nil
		if err := k.advance(began.Add(now)); err != nil {
			t.Fatal(err)
		}
		if behind := now - l.next; l.next >= 0 && behind > 2*look+longSlots*10*time.Millisecond {
			t.Fatalf("%v of sound are missing at %v", behind, now)
		}
	}
	if err := k.end(began.Add(length)); err != nil {
		t.Fatal(err)
	}
	if l.next > length || l.next < length-10*time.Millisecond {
		t.Errorf("the sound ends at %v of %v", l.next, length)
	}
	return l
}

// apart checks how far packets are from their times, the path's own delay not
// counted, and that no more than so many are missing.
func (l *line) apart(list []sent, most time.Duration, missing int) {
	l.t.Helper()
	worst, gone := time.Duration(0), 0
	for _, s := range list {
		at, ok := l.heard[s.number]
		if !ok {
			gone++
			continue
		}
		worst = max(worst, (at - s.at - path).Abs())
	}
	if l.t.Logf("at most %v apart, %d of %d missing", worst, gone, len(list)); worst > most || gone > missing {
		l.t.Errorf("%v apart, %d missing", worst, gone)
	}
}

func TestSoundIsInItsTime(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	jitter := func(list []sent, most time.Duration) []sent {
		for i := range list {
			list[i].late = time.Duration(random.Int64N(int64(most)))
			if i > 0 { // a stream keeps the order
				list[i].late = max(list[i].late, list[i-1].came()-list[i].came()+list[i].late)
			}
		}
		return list
	}
	for _, c := range []struct {
		name string
		list []sent
		most time.Duration
	}{
		{"even", script(9, 503*time.Millisecond, 300), 10 * time.Millisecond},
		{"uneven", jitter(script(65000, time.Second, 1000), 30*time.Millisecond), 30 * time.Millisecond},
		{"very uneven", jitter(script(65000, time.Second, 1000), 60*time.Millisecond), 50 * time.Millisecond},
		{"two sounds", append(script(0, time.Second, 50), script(50, 7003*time.Millisecond, 50)...), 10 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "two sounds" {
				c.list[49].ends = true
			}
			l := records(t, 0, 12*time.Second, slices.Clone(c.list))
			l.apart(c.list, c.most, 0)
			if l.first != 0 {
				t.Errorf("begins at %v", l.first)
			}
		})
	}
}

func TestALateFirstPacketDoesNotShiftTheRest(t *testing.T) {
	list := script(0, time.Second, 200)
	for i := range 20 {
		list[i].late = list[20].came() - list[i].came() // the path stood still
	}
	records(t, 0, 4*time.Second, slices.Clone(list)).apart(list, 10*time.Millisecond, 0)
}

func TestAPathThatStandsStill(t *testing.T) {
	list := script(0, time.Second, 400)
	for i := 100; i < 135; i++ {
		list[i].late = list[135].came() - list[i].came()
	}
	records(t, 0, 6*time.Second, slices.Clone(list)).apart(list, 10*time.Millisecond, 0)
}

func TestLostPacketsKeepTheirPlace(t *testing.T) {
	list := script(0, time.Second, 300)
	list = slices.Delete(list, 100, 103)
	list = slices.Delete(list, 150, 190)
	l := records(t, 0, 5*time.Second, slices.Clone(list))
	l.apart(list, 10*time.Millisecond, 0)
	if l.lost != 3 {
		t.Errorf("%d are made up for", l.lost)
	}
}

// TestClocksThatDiffer plays twenty minutes without a pause.
func TestClocksThatDiffer(t *testing.T) {
	for _, ppm := range []float64{-300, 300} {
		const count = 60_000 // numbers come again after 65,536
		list := script(0, 0, count)
		for i := range list {
			list[i].at += time.Duration(float64(list[i].at) * ppm / 1e6)
		}
		l := records(t, 0, list[count-1].came()+time.Second, slices.Clone(list))
		l.apart(list, slack+10*time.Millisecond, int(count*math.Abs(ppm)/1e6)+5)
	}
}

func TestWhatIsHeardBeforeTheRecording(t *testing.T) {
	list := script(0, -time.Second, 300)
	l := records(t, -5*time.Second, 3*time.Second, slices.Clone(list))
	l.apart(list[101:], 10*time.Millisecond, 0)
	if _, ok := l.heard[90]; ok || l.first != 0 {
		t.Errorf("begins at %v with %v", l.first, l.heard[90])
	}
}

func TestSoundThatBeginsLater(t *testing.T) {
	list := script(0, 3*time.Second, 100)
	l := records(t, 2004*time.Millisecond, 5*time.Second, slices.Clone(list))
	l.apart(list, 10*time.Millisecond, 0)
	if l.first != 2*time.Second {
		t.Errorf("begins at %v", l.first)
	}
}

func TestHearIsBounded(t *testing.T) {
	r := &Recorder{}
	for n := range 100_000 {
		r.Hear(wire.Sound{Number: uint16(n), Packet: sent{number: uint16(n)}.packet()})
	}
	if n := len(r.ear.packets); n != mostHeard || r.ear.packets[n-1].place != 99_999 {
		t.Errorf("%d packets wait", n)
	}
}

func TestWhatIsNoPacketIsLost(t *testing.T) {
	var e ear
	now := time.Now()
	for n, packet := range [][]byte{opus.Silent10, opus.Silent120, {0xff}, opus.Silent10} {
		e.add(wire.Sound{Number: uint16(n), Packet: packet}, now)
	}
	if len(e.packets) != 2 || e.packets[1].place != 3 {
		t.Errorf("%+v", e.packets)
	}
}

// FuzzTrack takes what a hostile host sends: the line has no gap, and does not
// run ahead of the time.
func FuzzTrack(f *testing.F) {
	f.Add([]byte{0, 1, 0, 5, 0, 2, 1, 9, 0xff, 0xff, 0, 200})
	f.Fuzz(func(t *testing.T, script []byte) {
		began := time.Now()
		l := &line{t: t, next: -1, heard: map[uint16]time.Duration{}}
		k := newTrack(began, began, l.write)
		now := began
		var e ear
		for ; len(script) >= 4; script = script[4:] {
			now = now.Add(time.Duration(script[3]) * 4 * time.Millisecond)
			s := sent{number: binary.BigEndian.Uint16(script)}
			e.add(wire.Sound{Number: s.number, Ends: script[2]&1 != 0, Packet: s.packet()}, now)
			k.waiting, e.packets = append(k.waiting, e.packets...), nil
			if err := k.advance(now); err != nil {
				t.Fatal(err)
			}
			if l.next > now.Sub(began)+time.Second {
				t.Fatalf("sound until %v at %v", l.next, now.Sub(began))
			}
		}
		if err := k.end(now); err != nil {
			t.Fatal(err)
		}
	})
}
