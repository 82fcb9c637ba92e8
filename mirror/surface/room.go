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

// learn takes the place of a picture whose window is maximized, each way for
// itself: one that is too large for the screen teaches nothing that way. Nor
// does what leaves much of the work area free: some managers tile.
func (r *room) learn(at image.Rectangle) {
	if fills(at.Min.X, at.Max.X, r.work.Min.X, r.work.Max.X) {
		r.margins.left, r.margins.right = at.Min.X-r.work.Min.X, r.work.Max.X-at.Max.X
	}
	if fills(at.Min.Y, at.Max.Y, r.work.Min.Y, r.work.Max.Y) {
		r.margins.top, r.margins.bottom = at.Min.Y-r.work.Min.Y, r.work.Max.Y-at.Max.Y
	}
}

// fills says whether a span lies in another one and leaves little of it free.
func fills(min, max, wholeMin, wholeMax int) bool {
	return min >= wholeMin && max <= wholeMax && max-min >= (wholeMax-wholeMin)*3/4
}
