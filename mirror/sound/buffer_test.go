package sound

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"

	"hither/mirror/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// numbers is a decoder whose packets hold one sample; a lost one sounds as -1.
type numbers struct{}

func (numbers) Decode(packet []byte, pcm []int16) (int, error) {
	v := int16(-1)
	switch len(packet) {
	case 0:
	case 2:
		v = int16(binary.BigEndian.Uint16(packet))
	default:
		return 0, errors.New("bad packet")
	}
	for i := range pcm {
		pcm[i] = v
	}
	return len(pcm), nil
}

func packet(n int) wire.Sound {
	return wire.Sound{Number: uint16(n), Packet: binary.BigEndian.AppendUint16(nil, uint16(n))}
}

// pull gives the packet that plays; 0 is silence too, so tests count from 1.
func pull(t *testing.T, b *Buffer) int {
	t.Helper()
	pcm := make([]int16, 4)
	b.Pull(pcm)
	return int(pcm[0])
}

func expect(t *testing.T, b *Buffer, want ...int) {
	t.Helper()
	for i, w := range want {
		if got := pull(t, b); got != w {
			t.Fatalf("frame %d plays %d, want %d", i, got, w)
		}
	}
}

func TestBufferPlaysInOrder(t *testing.T) {
	b := NewBuffer(numbers{}, 1)
	expect(t, b, 0)
	b.Push(packet(2))
	expect(t, b, 0) // it holds one
	b.Push(packet(1))
	expect(t, b, 1)
	b.Push(packet(4))
	expect(t, b, 2)
	b.Push(packet(3))
	b.Push(packet(3)) // doubled
	b.Push(packet(2)) // late
	expect(t, b, 3, 4)
	if h := b.Health(); h.Missed != 0 {
		t.Errorf("%+v", h)
	}
}

func TestBufferMakesUpForALostPacket(t *testing.T) {
	b := NewBuffer(numbers{}, 1)
	for _, n := range []int{1, 2, 4, 5} {
		b.Push(packet(n))
	}
	bad := packet(6)
	bad.Packet = []byte("bad")
	b.Push(bad)
	expect(t, b, 1, 2, -1, 4, 5, -1)
}

func TestBufferHoldsMoreWhereItRanDry(t *testing.T) {
	b := NewBuffer(numbers{}, 1)
	b.Push(packet(1))
	b.Push(packet(2))
	expect(t, b, 1, 2, -1) // the next one is late
	b.Push(packet(3))
	b.Push(packet(4))
	expect(t, b, 3, 4)
	if h := b.Health(); h.Held != leastHeld+1 || h.Missed != 1 {
		t.Errorf("%+v", h)
	}
}

func TestBufferEndsWithTheSound(t *testing.T) {
	b := NewBuffer(numbers{}, 1)
	last := packet(2)
	last.Ends = true
	b.Push(packet(1))
	b.Push(last)
	expect(t, b, 1, 2, 0, 0)
	if h := b.Health(); h.Missed != 0 || h.Held != leastHeld {
		t.Errorf("the end counts as a loss: %+v", h)
	}
	pcm := make([]int16, 4)
	frames := 0
	for b.Pull(pcm) {
		if frames++; frames > 2*idle {
			t.Fatal("it never rests")
		}
	}
	b.Push(packet(3))
	b.Push(packet(4))
	expect(t, b, 3, 4)
}

func TestBufferGivesUpWithoutPackets(t *testing.T) {
	b := NewBuffer(numbers{}, 1)
	b.Push(packet(1))
	b.Push(packet(2))
	expect(t, b, 1, 2, -1, -1, -1, -1, -1, -1, 0, 0)
	b.Push(packet(500)) // the host began anew
	b.Push(packet(501))
	b.Push(packet(502))
	expect(t, b, 500, 501, 502)
}

// TestBufferCutsOutWhatWaits sees that a burst after a pause does not stay as
// delay.
func TestBufferCutsOutWhatWaits(t *testing.T) {
	b := NewBuffer(numbers{}, 1)
	n := 1
	for ; n <= 30; n++ {
		b.Push(packet(n))
	}
	for range 2 * span {
		b.Push(packet(n))
		n++
		pull(t, b)
	}
	if h := b.Health(); h.Waiting > leastHeld+1 || h.Cut < 25 {
		t.Errorf("%+v", h)
	}
}

// TestBufferBounded pushes without pulling.
func TestBufferBounded(t *testing.T) {
	b := NewBuffer(numbers{}, 1)
	for n := range 70000 {
		b.Push(packet(n))
	}
	if h := b.Health(); h.Waiting > mostKept {
		t.Errorf("%d packets wait", h.Waiting)
	}
}

// TestBufferFollowsThePath plays a minute over paths of different evenness, with a
// clock a little faster than the host's.
func TestBufferFollowsThePath(t *testing.T) {
	for _, c := range []struct {
		name         string
		jitter       float64 // ms
		held, missed int
	}{{"even", 2, 3, 10}, {"uneven", 35, 6, 40}} {
		t.Run(c.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			b := NewBuffer(numbers{}, 1)
			const count = 6000
			var arrives [count]float64
			for n := range arrives {
				arrives[n] = float64(n)*10 + c.jitter*random.Float64()
				if n > 0 {
					arrives[n] = max(arrives[n], arrives[n-1]) // a stream keeps the order
				}
			}
			next, before, most := 0, 0, 0
			for now := 0.0; now < count*10; now += 9.999 { // 100 ppm fast
				for ; next < count && arrives[next] <= now; next++ {
					b.Push(packet(next + 1))
				}
				if got := pull(t, b); got > 0 {
					if got < before {
						t.Fatalf("%d plays after %d", got, before)
					}
					before = got
				}
				most = max(most, b.Health().Waiting)
			}
			h := b.Health()
			t.Logf("%+v, at most %d waited", h, most)
			if h.Held > c.held || h.Missed > c.missed || most > c.held+3 {
				t.Errorf("%+v, at most %d waited", h, most)
			}
		})
	}
}

// FuzzBuffer takes what a hostile host sends, in any order.
func FuzzBuffer(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 2, 0, 0xff, 0xff, 3})
	f.Fuzz(func(t *testing.T, script []byte) {
		b := NewBuffer(numbers{}, 2)
		pcm := make([]int16, 2*frame)
		for ; len(script) >= 3; script = script[3:] {
			m := packet(int(binary.BigEndian.Uint16(script)))
			m.Ends = script[2]&1 != 0
			b.Push(m)
			for range script[2] >> 4 {
				b.Pull(pcm)
			}
			if h := b.Health(); h.Waiting > mostKept || h.Held < leastHeld || h.Held > mostHeld {
				t.Fatalf("%+v", h)
			}
		}
	})
}
