package opus

import "testing"

func TestSamplesOfAPacket(t *testing.T) {
	for _, c := range []struct {
		packet []byte
		want   int
	}{
		{nil, 0}, {Silent10, 480}, {Silent120, 5760}, {Lost10, 480},
		{[]byte{0x00, 1}, 480}, {[]byte{0x18, 1}, 2880}, {[]byte{0x60, 1}, 480}, {[]byte{0x78, 1}, 960},
		{[]byte{0x80, 1}, 120}, {[]byte{0xf9, 1}, 1920}, {[]byte{0xfa, 1, 1}, 1920},
		{[]byte{0xff}, 0}, {[]byte{0xff, 0}, 0}, {[]byte{0xff, 7}, 0}, {[]byte{0x83, 48}, 5760}, {[]byte{0x83, 49}, 0},
	} {
		if got := Samples(c.packet); got != c.want {
			t.Errorf("% x has %d samples, want %d", c.packet, got, c.want)
		}
	}
}

// TestWhatStandsForNothing decodes the packets after a tone.
func TestWhatStandsForNothing(t *testing.T) {
	for _, c := range []struct {
		packet      []byte
		samples     int
		least, most float64 // of a tone of 8000
	}{{Silent10, 480, 0, 4000}, {Silent120, 5760, 0, 200}, {Lost10, 480, 4000, 9000}} {
		e, d := pair(t)
		pcm := make([]int16, 2*MaxSamples)
		for n := range 49 {
			packet, err := e.Encode(tone(n))
			if err != nil {
				t.Fatal(err)
			}
			if Samples(packet) != frame {
				t.Fatalf("% x has %d samples", packet[:2], Samples(packet))
			}
			if _, err := d.Decode(packet, pcm); err != nil {
				t.Fatal(err)
			}
		}
		n, err := d.Decode(c.packet, pcm)
		if got := level(pcm[:2*n], 440); err != nil || n != c.samples || got < c.least || got > c.most {
			t.Errorf("% x: %d samples with %.0f of the tone, %v", c.packet, n, got, err)
		}
	}
}

// FuzzSamples compares with what libopus makes of a packet.
func FuzzSamples(f *testing.F) {
	_, d := pair(f)
	f.Add(Silent120)
	pcm := make([]int16, 2*MaxSamples)
	f.Fuzz(func(t *testing.T, packet []byte) {
		n := Samples(packet)
		if n < 0 || n > MaxSamples {
			t.Fatalf("%d samples", n)
		}
		if len(packet) == 0 {
			return
		}
		if got, err := d.Decode(packet, pcm); err == nil && got != n {
			t.Fatalf("% x has %d samples, libopus decodes %d", packet, n, got)
		}
	})
}
