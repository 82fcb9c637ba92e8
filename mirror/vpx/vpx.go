package vpx

import (
	"cmp"
	"fmt"

	"hither/fusion"
)

// Config says what is encoded. Width and Height are required.
type Config struct {
	Width, Height int
	Full          bool // 4:4:4, profile 1
	Bitrate       int  // in bits a second; default: 4 for a pixel
	Threads       int  // default 1
	Speed         int  // 5 to 9; default 9, the fastest
}

// maxSide bounds the sides of a picture.
const maxSide = 16384

func (c Config) withDefaults() Config {
	c.Bitrate = cmp.Or(c.Bitrate, c.Width*c.Height*4)
	c.Threads = cmp.Or(c.Threads, 1)
	c.Speed = cmp.Or(c.Speed, 9)
	return c
}

func (c Config) check() error {
	if c.Width < 1 || c.Height < 1 || c.Width > maxSide || c.Height > maxSide {
		return &fusion.Error{Op: "video", Cause: fusion.ErrInvalid, Detail: fmt.Sprintf("%d×%d pixels", c.Width, c.Height)}
	}
	return nil
}

// unsupported says why there is no video.
func unsupported(detail string) error {
	return &fusion.Error{Op: "video", Cause: fusion.ErrUnsupported, Detail: detail,
		Hint: "install libvpx 7 or newer to have video; without it screens are sent as tiles"}
}

// CanDecode loads libvpx, once for the process, and says whether video can be
// shown. It promises ErrUnsupported.
func CanDecode() error {
	_, err := library()
	return err
}

// CanEncode says whether video can be made, too. It finds out by opening an
// encoder the first time, which takes a tenth of a second. It promises
// ErrUnsupported.
func CanEncode() error {
	_, err := encoders()
	return err
}
