package codec

import "image"

// colours finds the colours of a place and gives each an index. Its hash table
// is emptied by a new generation instead of being cleared, and n may be set back:
// an entry counts only if the list says so.
type colours struct {
	list       [256]uint32
	n          int
	generation uint32
	slots      [1024]slot
}

type slot struct {
	colour     uint32
	generation uint32
	index      byte
}

// reset forgets all colours.
func (c *colours) reset() {
	c.n = 0
	if c.generation++; c.generation == 0 {
		c.slots = [1024]slot{}
		c.generation = 1
	}
}

// count finds the colours of r; n is 0 when there are more than 256.
func (c *colours) count(p *Picture, r image.Rectangle) {
	c.reset()
	if !c.add(p, r) {
		c.n = 0
	}
}

// add counts the colours of another place too; false means more than 256.
func (c *colours) add(p *Picture, r image.Rectangle) bool {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		last := uint32(1) << 31
		for _, v := range pixels(p.row(y, r.Min.X, r.Max.X)) {
			if v &= mask1; v == last {
				continue
			}
			last = v
			if c.index(v) < 0 {
				return false
			}
		}
	}
	return true
}

// index gives the colour's index, making one if there is room, else -1.
func (c *colours) index(v uint32) int {
	i := v * 0x9e3779b1 >> 22
	for c.slots[i].generation == c.generation {
		if at := int(c.slots[i].index); c.slots[i].colour == v && at < c.n && c.list[at] == v {
			return at
		}
		i = (i + 1) % uint32(len(c.slots))
	}
	if c.n == len(c.list) {
		return -1
	}
	c.slots[i] = slot{v, c.generation, byte(c.n)}
	c.list[c.n] = v
	c.n++
	return c.n - 1
}

// pack appends the indices of a row, padded to a byte.
func (c *colours) pack(b []byte, row []uint32, bits int) []byte {
	last, index := uint32(1)<<31, 0
	var acc byte
	used := 0
	for _, v := range row {
		if v &= mask1; v != last {
			last, index = v, c.index(v)
		}
		acc |= byte(index) << (8 - bits - used)
		if used += bits; used == 8 {
			b = append(b, acc)
			acc, used = 0, 0
		}
	}
	if used > 0 {
		b = append(b, acc)
	}
	return b
}
