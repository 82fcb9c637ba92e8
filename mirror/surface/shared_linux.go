package surface

import (
	"image"

	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xproto"
	"golang.org/x/sys/unix"

	"hither/fusion"
	"hither/internal/largepage"
	"hither/mirror/codec"
)

// sharedImage is a picture in memory that the X server reads too (MIT-SHM), or
// in ours alone where that is not possible: a display on another computer.
type sharedImage struct {
	picture *codec.Picture
	display *display
	seg     shm.Seg // 0 without shared memory
	memory  []byte
}

// newSharedImage makes the memory of a picture, which counts until free.
func newSharedImage(d *display, width, height int) (*sharedImage, error) {
	size := int64(width) * int64(height)
	if d.pixels.Add(size) > maxPixels {
		d.pixels.Add(-size)
		return nil, opError(fusion.ErrInvalid, "the host's windows are too large together", "")
	}
	if d.shared.Load() {
		if m, err := attachShared(d, width, height); err == nil {
			return m, nil
		}
		d.shared.Store(false)
	}
	return &sharedImage{picture: codec.NewPicture(width, height), display: d}, nil
}

// attachShared makes a segment that both sides have attached. It is marked for
// removal at once, so that it goes with the last of them.
func attachShared(d *display, width, height int) (*sharedImage, error) {
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, width*height*4, unix.IPC_CREAT|0o600)
	if err != nil {
		return nil, err
	}
	memory, err := unix.SysvShmAttach(id, 0, 0)
	if err != nil {
		return nil, removeShm(id, err)
	}
	largepage.Populate(memory)
	m := &sharedImage{display: d, memory: memory,
		picture: &codec.Picture{Width: width, Height: height, Stride: width * 4, Pix: memory}}
	if m.seg, err = shm.NewSegId(d.conn); err != nil {
		return nil, removeShm(id, m.detach(err))
	}
	if err = shm.AttachChecked(d.conn, m.seg, uint32(id), true).Check(); err == nil {
		err = attachedTwice(id)
	}
	if err != nil {
		return nil, removeShm(id, m.detach(err))
	}
	return m, removeShm(id, nil)
}

// attachedTwice refuses a server that attached something else under this
// number: one behind a container's or a network's wall.
func attachedTwice(id int) error {
	var desc unix.SysvShmDesc
	if _, err := unix.SysvShmCtl(id, unix.IPC_STAT, &desc); err != nil {
		return err
	}
	if desc.Nattch != 2 {
		return unix.EXDEV
	}
	return nil
}

// removeShm marks the segment for removal; before is an error from earlier.
func removeShm(id int, before error) error {
	_, err := unix.SysvShmCtl(id, unix.IPC_RMID, nil)
	if before != nil {
		return before
	}
	return err
}

func (m *sharedImage) detach(before error) error {
	err := unix.SysvShmDetach(m.memory)
	m.memory = nil
	if before != nil {
		return before
	}
	return err
}

// free gives the memory back; nil has none.
func (m *sharedImage) free() error {
	if m == nil {
		return nil
	}
	m.display.pixels.Add(-int64(m.picture.Width) * int64(m.picture.Height))
	if m.memory == nil {
		return nil
	}
	shm.Detach(m.display.conn, m.seg)
	return m.detach(nil)
}

// put draws a rectangle of the picture at a place of the area.
func (m *sharedImage) put(w *window, r image.Rectangle, at image.Point) {
	if m.seg == 0 {
		m.putBytes(w, r, at)
		return
	}
	shm.PutImage(w.conn, xproto.Drawable(w.area), w.gc,
		uint16(m.picture.Width), uint16(m.picture.Height),
		uint16(r.Min.X), uint16(r.Min.Y), uint16(r.Dx()), uint16(r.Dy()),
		int16(at.X), int16(at.Y), w.screen.RootDepth, xproto.ImageFormatZPixmap, 0, m.seg, 0)
}

// maxPut bounds the pixels of one PutImage: a request has at most 256 KiB.
const maxPut = 60 << 10

// putBytes sends the pixels themselves, in strips.
func (m *sharedImage) putBytes(w *window, r image.Rectangle, at image.Point) {
	rows := max(1, maxPut/r.Dx())
	for y := r.Min.Y; y < r.Max.Y; y += rows {
		n := min(rows, r.Max.Y-y)
		pixels := make([]byte, 0, r.Dx()*n*4)
		for row := y; row < y+n; row++ {
			start := row*m.picture.Stride + r.Min.X*4
			pixels = append(pixels, m.picture.Pix[start:start+r.Dx()*4]...)
		}
		xproto.PutImage(w.conn, xproto.ImageFormatZPixmap, xproto.Drawable(w.area), w.gc,
			uint16(r.Dx()), uint16(n), int16(at.X), int16(at.Y+y-r.Min.Y), 0, w.screen.RootDepth, pixels)
	}
}
