package opus

import (
	"math"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// need asks for libopus. Where CI says so it must be there.
func need(t testing.TB) {
	t.Helper()
	err := Open()
	if err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
}

const frame = Rate / 100 // 10 ms

func pair(t testing.TB) (*Encoder, *Decoder) {
	t.Helper()
	need(t)
	e, err := NewEncoder(2, 128000)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoder(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = e.Close() // never fails
		_ = d.Close()
	})
	return e, d
}

// tone is a frame of 440 Hz on the left and 880 Hz on the right.
func tone(n int) []int16 {
	pcm := make([]int16, 2*frame)
	for i := range frame {
		at := 2 * math.Pi * float64(n*frame+i) / Rate
		pcm[2*i], pcm[2*i+1] = int16(8000*math.Sin(440*at)), int16(4000*math.Sin(880*at))
	}
	return pcm
}

// level is the strength of a frequency in every second sample (Goertzel).
func level(pcm []int16, hertz float64) float64 {
	var re, im float64
	for i := 0; i < len(pcm); i += 2 {
		at := 2 * math.Pi * hertz * float64(i/2) / Rate
		re += float64(pcm[i]) * math.Cos(at)
		im += float64(pcm[i]) * math.Sin(at)
	}
	return 2 * math.Hypot(re, im) / float64(len(pcm)/2)
}

func TestToneComesBack(t *testing.T) {
	e, d := pair(t)
	var heard []int16
	bytes := 0
	for n := range 100 {
		packet, err := e.Encode(tone(n))
		if err != nil {
			t.Fatal(err)
		}
		bytes += len(packet)
		pcm := make([]int16, 2*frame)
		if n, err := d.Decode(packet, pcm); err != nil || n != frame {
			t.Fatalf("%d samples, %v", n, err)
		}
		heard = append(heard, pcm...)
	}
	heard = heard[len(heard)/2:] // 500 ms: whole waves of both
	for _, c := range []struct {
		side        int
		hertz, want float64
	}{{0, 440, 8000}, {1, 880, 4000}, {0, 880, 0}, {1, 440, 0}} {
		if got := level(heard[c.side:], c.hertz); math.Abs(got-c.want) > 400 {
			t.Errorf("channel %d has %.0f of %.0f Hz, want %.0f", c.side, got, c.hertz, c.want)
		}
	}
	if bytes > 100*250 {
		t.Errorf("a second took %d bytes", bytes)
	}
}

func TestLostPacketIsConcealed(t *testing.T) {
	e, d := pair(t)
	pcm := make([]int16, 2*frame)
	for n := range 50 {
		packet, err := e.Encode(tone(n))
		if err != nil {
			t.Fatal(err)
		}
		if n == 49 {
			packet = nil
		}
		if n, err := d.Decode(packet, pcm); err != nil || n != frame {
			t.Fatalf("%d samples, %v", n, err)
		}
	}
	if got := level(pcm, 440); got < 4000 {
		t.Errorf("the place of a lost packet has %.0f of the tone", got)
	}
}

func TestBadPackets(t *testing.T) {
	_, d := pair(t)
	pcm := make([]int16, 2*frame)
	for _, bad := range [][]byte{{0xff}, {0x03}, make([]byte, 4000)} {
		if n, err := d.Decode(bad, pcm); err == nil {
			t.Errorf("%d bytes gave %d samples", len(bad), n)
		}
	}
	if _, err := d.Decode(nil, nil); err == nil {
		t.Error("no room was taken for enough")
	}
	if _, err := NewEncoder(3, 1); err == nil {
		t.Error("three channels were taken")
	}
	e, _ := pair(t)
	if _, err := e.Encode(nil); err == nil {
		t.Error("a frame without samples was taken")
	}
}

func FuzzDecode(f *testing.F) {
	_, d := pair(f)
	f.Add([]byte{0xfc, 1, 2, 3})
	pcm := make([]int16, 2*MaxSamples)
	f.Fuzz(func(t *testing.T, packet []byte) {
		if n, err := d.Decode(packet, pcm); err == nil && (n <= 0 || n > MaxSamples) {
			t.Fatalf("%d samples", n)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	e, _ := pair(b)
	pcm := tone(3)
	for b.Loop() {
		if _, err := e.Encode(pcm); err != nil {
			b.Fatal(err)
		}
	}
}
