//go:build e2e && linux

package e2e

import (
	"image"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hither/internal/xserver"
)

// TestFilmInThePage plays a film on this computer's own screen, which a browser
// shows as video, and stops it: then the canvas is the film's picture bit for
// bit.
func TestFilmInThePage(t *testing.T) {
	server := xserver.Start(t, "-screen", "0", "1280x720x24", "-ac")
	film := xserver.NewFilm(t, server.Display, 1280, 720)
	film.Show()
	n := newNode(t, "here", nil)
	n.display, n.libvirt = server.Display, "off"
	n.start()
	web := chromium(t)
	web.open(n, "/screen/here/self")
	web.screen("webrtc")
	stop := film.Play(time.Second / 30)
	until(t, "the screen is shown as video", func() bool { return web.video() })
	before, began := web.frames(), time.Now()
	until(t, "thirty frames of video", func() bool { return web.frames() >= before+30 })
	t.Logf("thirty frames took %v", time.Since(began))
	stop()
	until(t, "the canvas is the film's last picture", func() bool { return sameAs(web.picture(), film) })
}

// video says whether the page shows video at present.
func (b *browser) video() bool {
	b.t.Helper()
	var is bool
	b.do("ask for video", chromedp.Evaluate(`document.querySelector('canvas[data-testid="screen"]').dataset.video === 'true'`, &is))
	return is
}

// frames is the number of the frame on the canvas.
func (b *browser) frames() (n int) {
	b.t.Helper()
	b.do("ask for the frame", chromedp.Evaluate(`Number(document.querySelector('canvas[data-testid="screen"]').dataset.frame)`, &n))
	return n
}

func sameAs(got *image.RGBA, film *xserver.Film) bool {
	want := film.Picture()
	if got.Rect.Dx() != film.Width || got.Rect.Dy() != film.Height {
		return false
	}
	for i := 0; i < len(want); i += 4 {
		if got.Pix[i] != want[i+2] || got.Pix[i+1] != want[i+1] || got.Pix[i+2] != want[i] {
			return false
		}
	}
	return true
}
