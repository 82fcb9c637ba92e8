package surface

import "image"

// room is the part of this display that an app's windows have. Its host takes
// it for its desktop: there, a window that is maximized fills it without a
// frame; here, one has the frame of its manager around it and ours. So the
// margins are what they take of the work area.
type room struct {
	work    image.Rectangle // what panels leave free
	margins margins
}

type margins struct{ left, top, right, bottom int }

// ownMargins are those of our frame; the manager's are learnt.
var ownMargins = margins{frame, frame, frame, frame}

// desk is the host's desktop on this display.
func (r room) desk() image.Rectangle {
	d := image.Rectangle{
		Min: r.work.Min.Add(image.Pt(r.margins.left, r.margins.top)),
		Max: r.work.Max.Sub(image.Pt(r.margins.right, r.margins.bottom)),
	}
	if d.Empty() {
		return r.work
	}
	return d
}

// learn takes the place of a picture whose window is maximized. What does not
// fill most of the work area is none: some managers tile.
func (r *room) learn(at image.Rectangle) {
	if !at.In(r.work) || pixels(at) < pixels(r.work)*3/4 {
		return
	}
	r.margins = margins{at.Min.X - r.work.Min.X, at.Min.Y - r.work.Min.Y, r.work.Max.X - at.Max.X, r.work.Max.Y - at.Max.Y}
}
