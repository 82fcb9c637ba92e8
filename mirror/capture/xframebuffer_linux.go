package capture

import (
	"encoding/binary"
	"image"
	"os"

	"golang.org/x/sys/unix"

	"hither/fusion"
	"hither/mirror/codec"
)

// framebuffer is where an X server without a monitor keeps the pixels of its screen:
// the file that Xvfb -fbdir makes, in the format of xwd, mapped into memory.
// The server need not copy what is read there.
type framebuffer struct {
	mem           []byte // of the whole file
	pix           []byte
	stride        int
	width, height int // the most that the screen can have
}

// Words of the header that are looked at: XWDFileHeader of X11/XWDFile.h, each of
// 32 bits, most significant byte first.
const (
	xwdHeaderSize   = 0
	xwdVersion      = 1
	xwdFormat       = 2
	xwdWidth        = 4
	xwdHeight       = 5
	xwdByteOrder    = 7
	xwdBitsPerPixel = 11
	xwdBytesPerLine = 12
	xwdColours      = 19
	xwdWords        = 25
)

// openFramebuffer maps the file. It promises ErrUnsupported for one that is something
// else.
func openFramebuffer(file string) (*framebuffer, error) {
	wrong := failed(x11Op, file, fusion.ErrUnsupported, "not the pixels of a screen with 24 bits a pixel", "")
	opened, err := os.Open(file)
	if err != nil {
		return nil, failed(x11Op, file, fusion.ErrUnsupported, err.Error(), "")
	}
	defer opened.Close()
	info, err := opened.Stat()
	if err != nil || info.Size() < xwdWords*4 || info.Size() > maxReply {
		return nil, wrong
	}
	mem, err := unix.Mmap(int(opened.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, failed(x11Op, file, fusion.ErrUnsupported, err.Error(), "")
	}
	f := &framebuffer{mem: mem}
	if !f.parse() {
		f.close()
		return nil, wrong
	}
	return f, nil
}

func (f *framebuffer) parse() bool {
	word := func(i int) int { return int(binary.BigEndian.Uint32(f.mem[i*4:])) }
	const version, zPixmap, leastFirst, colour = 7, 2, 0, 12
	if word(xwdVersion) != version || word(xwdFormat) != zPixmap || word(xwdByteOrder) != leastFirst || word(xwdBitsPerPixel) != 32 {
		return false
	}
	f.width, f.height, f.stride = word(xwdWidth), word(xwdHeight), word(xwdBytesPerLine)
	at := word(xwdHeaderSize) + word(xwdColours)*colour
	if f.width*f.height > codec.MaxPixels || f.stride < f.width*4 || f.stride > len(f.mem) ||
		at > len(f.mem) || at+f.stride*f.height > len(f.mem) {
		return false
	}
	f.pix = f.mem[at : at+f.stride*f.height]
	return true
}

// patch is what stands in a rectangle, which changes while it is looked at.
func (f *framebuffer) patch(r image.Rectangle) Patch {
	return Patch{r, f.pix[r.Min.Y*f.stride+r.Min.X*4:], f.stride}
}

func (f *framebuffer) bounds() image.Rectangle { return image.Rect(0, 0, f.width, f.height) }

func (f *framebuffer) close() { _ = unix.Munmap(f.mem) }

// reachable waits until the server has taken over the damage: what is drawn after
// that is told of again, so nothing is missed by reading now. It promises that the
// rectangles lie in the framebuffer.
func (s *x11) reachable(rects ...image.Rectangle) error {
	if int16(s.conn.answered-s.taken) < 0 {
		if err := s.sync(); err != nil {
			return err
		}
	}
	if !bounding(rects).In(s.buffer.bounds()) {
		return failed(x11Op, "", fusion.ErrInvalid, "the screen is larger than its framebuffer", "")
	}
	return nil
}

// within is the parts of rectangles that lie in bounds.
func within(rects []image.Rectangle, bounds image.Rectangle) (parts []image.Rectangle) {
	for _, r := range rects {
		if r = r.Intersect(bounds); !r.Empty() {
			parts = append(parts, r)
		}
	}
	return parts
}
