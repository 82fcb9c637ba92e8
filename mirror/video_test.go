package mirror

import (
	"image"
	"math/rand/v2"
	"testing"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// noise changes every pixel of the source.
func (f *fakeSource) noise() {
	f.locked(func() {
		for i := range f.picture.Pix {
			f.picture.Pix[i] = byte(rand.Uint32())
		}
		f.pending = append(f.pending, image.Rect(0, 0, f.picture.Width, f.picture.Height))
	})
}

// next hears until a frame is there.
func (w *watcher) next() {
	w.t.Helper()
	for seq := w.seq; w.seq == seq; {
		w.hear()
	}
}

// TestMovingPictureRestsWithoutFurtherDamage sees that a view that sends video
// wakes up by itself to send what rests exactly.
func TestMovingPictureRestsWithoutFurtherDamage(t *testing.T) {
	needVPX(t)
	s, f, _ := serve(t, 320, 256)
	w := watch(t, s, fusion.ViewOptions{})
	w.d.Video = codec.OpenVP9
	w.say(wire.Able{Flags: wire.VP9})
	w.shows(f)
	inexact := 0
	for end := time.Now().Add(patience); inexact < 20; {
		f.noise()
		w.next()
		if !w.same(f) {
			inexact++
		}
		if time.Now().After(end) {
			t.Fatal("no video came")
		}
	}
	w.shows(f)
}
