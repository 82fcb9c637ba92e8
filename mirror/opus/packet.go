package opus

// Packets of two channels that stand where nothing was sent: a muxer puts them
// there, so that a player that counts samples keeps the time (RFC 7845, section
// 4.1). Their first bytes are those that the encoder here makes.
var (
	// Silent10 is 10 ms of silence.
	Silent10 = []byte{0xf4, 0xff, 0xfe}
	// Silent120 is 120 ms of silence, in six frames.
	Silent120 = []byte{0xff, 6, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe, 0xff, 0xfe}
	// Lost10 is 10 ms that a decoder makes up for: a frame of no bytes.
	Lost10 = []byte{0xf4}
)

// frames are the lengths of a frame in samples of 48 kHz, for each two bits of a
// configuration: of SILK, of both, and of CELT (RFC 6716, section 3.1).
var frames = [3][4]int{{480, 960, 1920, 2880}, {480, 960, 480, 960}, {120, 240, 480, 960}}

// Samples gives how many samples of each channel a packet holds as its first bytes
// say it, at most MaxSamples, and 0 for what is no packet.
func Samples(packet []byte) int {
	if len(packet) == 0 || len(packet) == 1 && packet[0]&3 == 3 {
		return 0
	}
	mode, configuration := 2, packet[0]>>3
	switch {
	case configuration < 12:
		mode = 0
	case configuration < 16:
		mode = 1
	}
	n := frames[mode][configuration&3]
	switch packet[0] & 3 {
	case 1, 2:
		n *= 2
	case 3:
		n *= int(packet[1] & 0x3f)
	}
	if n > MaxSamples {
		return 0
	}
	return n
}
