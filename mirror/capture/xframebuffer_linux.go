package capture

import (
	"encoding/binary"
	"image"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"hither/fusion"
	"hither/mirror/codec"
)

// framebuffer is where an X server without a monitor keeps the pixels of its screen:
// the file that Xvfb -fbdir makes, in the format of xwd, mapped into memory.
// What is read there needs no word with the server.
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

// note notes what an event told of. Of very many rectangles, their bounds are.
func (s *x11) note(r image.Rectangle) {
	for _, other := range s.drawn {
		if r.In(other) {
			return
		}
	}
	s.drawn = slices.DeleteFunc(s.drawn, func(other image.Rectangle) bool { return other.In(r) })
	if s.drawn = append(s.drawn, r); len(s.drawn) > maxRects {
		s.drawn = append(s.drawn[:0], bounding(s.drawn))
	}
}

// goesOn says whether large changes follow each other. A small one is then the
// beginning of the next: a terminal takes its cursor away before it moves its
// lines. An X server that is asked for pixels is done with both when it answers.
func (s *x11) goesOn() bool {
	const apart = 50 * time.Millisecond
	return s.buffer != nil && time.Since(s.large) < apart
}

// readPixels is tryPixels with a framebuffer: what events told of has been drawn,
// and whatever is drawn while it is read is told of again.
func (s *x11) readPixels(whole bool) (Change, error) {
	bounds := image.Rect(0, 0, s.width, s.height)
	if !bounds.In(s.buffer.bounds()) {
		return Change{}, failed(x11Op, "", fusion.ErrInvalid, "the screen is larger than its framebuffer", "")
	}
	if err := s.catchUp(); err != nil {
		return Change{}, err
	}
	if s.whole {
		return Change{}, nil // of another size
	}
	if s.isLarge() {
		s.large = time.Now()
	}
	area, rects := s.area.Intersect(bounds), within(s.drawn, bounds)
	s.area, s.drawn = image.Rectangle{}, s.drawn[:0]
	switch fetch := s.fetch.Swap(false) && !s.spared.Empty(); {
	case whole:
		return s.fetchWhole(bounds)
	case fetch:
		return s.fetchWhole(area)
	case 2*pixelsOf(rects...) > pixelsOf(bounds):
		return s.fetchLarge(area)
	}
	patches, err := s.fetchRects(rects)
	return Change{Patches: patches}, err
}

// catchUp takes the events that have come, without waiting for more.
func (s *x11) catchUp() error {
	if err := s.conn.readAhead(); err != nil {
		return err
	}
	for s.conn.r.Buffered()+len(s.conn.ahead) > 0 {
		b, err := s.conn.read()
		if err != nil {
			return err
		}
		if b[0] > 1 {
			s.conn.event(b)
		}
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
