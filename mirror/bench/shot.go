//go:build linux

package main

import (
	"bytes"
	"image"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/shm"
	"github.com/jezek/xgb/xproto"
	"golang.org/x/sys/unix"
)

// shot takes whole pictures of a display in about a millisecond, through shared
// memory, so that looking costs little of the time that is measured.
type shot struct {
	conn *xgb.Conn
	root xproto.Window
	size image.Point
	seg  shm.Seg
	pix  []byte // of the newest picture, four bytes a pixel
}

func newShot(conn *xgb.Conn, root xproto.Window, size image.Point) (*shot, error) {
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, size.X*size.Y*4, unix.IPC_CREAT|0o600)
	if err != nil {
		return nil, err
	}
	defer unix.SysvShmCtl(id, unix.IPC_RMID, nil) // it goes with its last user
	s := &shot{conn: conn, root: root, size: size}
	if s.pix, err = unix.SysvShmAttach(id, 0, 0); err != nil {
		return nil, err
	}
	if s.seg, err = shm.NewSegId(conn); err != nil {
		return nil, err
	}
	return s, shm.AttachChecked(conn, s.seg, uint32(id), false).Check()
}

func (s *shot) free() error { return unix.SysvShmDetach(s.pix) }

// take fills pix.
func (s *shot) take() error {
	_, err := shm.GetImage(s.conn, xproto.Drawable(s.root), 0, 0, uint16(s.size.X), uint16(s.size.Y),
		0xffffffff, xproto.ImageFormatZPixmap, s.seg, 0).Reply()
	return err
}

// picture is pixels of four bytes.
type picture struct {
	size image.Point
	pix  []byte
}

// copied gives the newest picture.
func (s *shot) copied() picture { return picture{s.size, bytes.Clone(s.pix)} }

// sourceNow takes a picture of a whole display.
func sourceNow(display string) (picture, error) {
	conn, err := xgb.NewConnDisplay(display)
	if err != nil {
		return picture{}, err
	}
	defer conn.Close()
	if err := shm.Init(conn); err != nil {
		return picture{}, err
	}
	screen := xproto.Setup(conn).DefaultScreen(conn)
	s, err := newShot(conn, screen.Root, image.Pt(int(screen.WidthInPixels), int(screen.HeightInPixels)))
	if err != nil {
		return picture{}, err
	}
	if err := s.take(); err != nil {
		return picture{}, err
	}
	return s.copied(), s.free()
}

// shows says whether the newest picture shows another with its corner there.
// It ends with the first row that differs.
func (s *shot) shows(p picture, at image.Point) bool { return s.differing(p, at, 0) == 0 }

// differing counts the pixels of p that the newest picture does not show there,
// up to a bound: it stops after the row in which they are more.
func (s *shot) differing(p picture, at image.Point, most int) int {
	if !(image.Rectangle{Min: at, Max: at.Add(p.size)}).In(image.Rectangle{Max: s.size}) {
		return p.size.X * p.size.Y
	}
	n := 0
	for y := 0; y < p.size.Y && n <= most; y++ {
		from := ((at.Y+y)*s.size.X + at.X) * 4
		n += different(p.pix[y*p.size.X*4:(y+1)*p.size.X*4], s.pix[from:from+p.size.X*4])
	}
	return n
}
