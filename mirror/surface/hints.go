package surface

import "hither/mirror/wire"

// sizeHints is WM_NORMAL_HINTS (ICCCM 4.1.2.3) of a window with a frame of its
// own. Places are those of the window itself, whatever its manager puts around
// it; unless it is placed, the manager chooses one.
func sizeHints(m wire.Window, frame int, placed bool) []uint32 {
	const (
		position, size, minSize, maxSize, gravity = 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 9
		static                                    = 10
		most                                      = 1<<15 - 1
	)
	hints := make([]uint32, 18)
	hints[0], hints[17] = size|gravity, static
	if placed {
		hints[0] |= position
	}
	both := uint32(2 * frame)
	if m.MinWidth > 0 || m.MinHeight > 0 {
		hints[0] |= minSize
		hints[5], hints[6] = uint32(max(1, m.MinWidth))+both, uint32(max(1, m.MinHeight))+both
	}
	if m.MaxWidth > 0 || m.MaxHeight > 0 {
		hints[0] |= maxSize
		hints[7], hints[8] = largest(m.MaxWidth, m.MinWidth, most)+both, largest(m.MaxHeight, m.MinHeight, most)+both
	}
	return hints
}

// largest gives a largest length that is not below the least; 0 is none.
func largest(v, least, none uint16) uint32 {
	if v == 0 {
		return uint32(none)
	}
	return uint32(max(v, least))
}
