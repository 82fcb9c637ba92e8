package x11

import "image"

// pager is who asks, in EWMH's messages: the person, not the program.
const pager = 2

// Move puts a window that has no frame here, without its border, and gives it
// this size; its manager may round it. (With static gravity openbox counts the
// border that the window had before it was managed.)
func (c *Conn) Move(w Window, inside image.Rectangle) error {
	const northWest, all = 1, 0xf << 8
	return c.tell(w, "_NET_MOVERESIZE_WINDOW", northWest|all|pager<<12, number(inside.Min.X), number(inside.Min.Y),
		uint32(max(1, inside.Dx())), uint32(max(1, inside.Dy())))
}

func number(i int) uint32 { return uint32(int32(i)) }

// SetFull makes a window cover the display, or ends that.
func (c *Conn) SetFull(w Window, on bool) error { return c.setState(w, on, stateFull) }

// SetMaximised makes a window fill the display, or ends that.
func (c *Conn) SetMaximised(w Window, on bool) error {
	return c.setState(w, on, stateHorizontal, stateVertical)
}

// setState adds or removes up to two states (EWMH _NET_WM_STATE).
func (c *Conn) setState(w Window, on bool, names ...string) error {
	data := []uint32{0}
	if on {
		data[0] = 1
	}
	for _, name := range names {
		c.call.Lock()
		a, err := c.atom(name)
		c.call.Unlock()
		if err != nil {
			return err
		}
		data = append(data, uint32(a))
	}
	data = append(data, make([]uint32, 3-len(data))...)
	return c.tell(w, "_NET_WM_STATE", append(data, pager)...)
}

// Minimise hides a window (ICCCM 4.1.4); Activate brings it back.
func (c *Conn) Minimise(w Window) error {
	const iconic = 3
	return c.tell(w, "WM_CHANGE_STATE", iconic)
}
