package codec

// palettes keeps for each number of bits the colours last used, in their order,
// so that one letter has the same indices wherever and whenever it is drawn:
// the compressor then knows it again.
type palettes struct{ kept [9]colours } // by bits

// of gives the palette to write the colours of c with: the kept one, with what
// it lacked added, or where that takes too many, those of c alone.
func (p *palettes) of(c *colours) *colours {
	bits := indexBits(c.n)
	k := &p.kept[bits]
	if k.generation == 0 {
		k.reset()
	}
	for _, colour := range c.list[:c.n] {
		k.index(colour)
		if k.n > 1<<bits {
			break
		}
	}
	if k.n > 1<<bits || k.n == len(k.list) && !k.all(c) {
		k.reset()
		for _, colour := range c.list[:c.n] {
			k.index(colour)
		}
	}
	return k
}

// all says whether every colour of o is one of c.
func (c *colours) all(o *colours) bool {
	for _, colour := range o.list[:o.n] {
		if c.index(colour) < 0 {
			return false
		}
	}
	return true
}
