package opus

import "hither/fusion"

const (
	// Rate is how many samples a second each channel has.
	Rate = 48000
	// MaxPacket is more than an encoder makes of one frame, in bytes (RFC 6716,
	// section 3.2.1).
	MaxPacket = 1275
	// MaxSamples is how many samples of each channel a packet may hold: 120 ms.
	MaxSamples = Rate * 120 / 1000
)

// unsupported says why there is no sound.
func unsupported(detail string) error {
	return &fusion.Error{Op: "sound", Cause: fusion.ErrUnsupported, Detail: detail,
		Hint: "install libopus to have sound (Debian, Ubuntu: apt install libopus0)"}
}

// Open loads libopus, once for the process, and says whether there is sound. It
// promises ErrUnsupported.
func Open() error {
	_, err := library()
	return err
}
