//go:build e2e && linux

package mirror

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hither/internal/xserver"
	"hither/mirror/codec"
	"hither/mirror/wire"
)

// cpu is the time that this process has used: host, viewer and, a little, the
// film.
func cpu(t testing.TB) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// shows says whether the viewer has the film's picture bit for bit.
func (l *looker) shows(f *xserver.Film) bool {
	want := &codec.Picture{Width: f.Width, Height: f.Height, Stride: f.Width * 4, Pix: f.Picture()}
	return l.d.Picture().Equal(want)
}

func (l *looker) behind(f *xserver.Film) int { return f.Behind(l.d.Picture().Pix[(32*f.Width+32)*4]) }

// TestFilmPlaysAndRestsExactly plays a moving picture of 1080p over the whole
// screen and stops it, three times. Each time the viewer must end with the last
// picture bit for bit.
func TestFilmPlaysAndRestsExactly(t *testing.T) {
	d := xvfb(t)
	f := xserver.NewFilm(t, string(d), 1920, 1080)
	l := look(t, d)
	l.d.Video = codec.OpenVP9
	t.Cleanup(l.d.Close)
	l.say(wire.Able{Flags: wire.VP9 | wire.VP9444})
	l.frame()
	var rests []time.Duration
	for range 3 {
		rests = append(rests, l.film(f))
	}
	if best := slices.Min(rests); best > 300*time.Millisecond {
		t.Errorf("exact %v after rest, at best", best)
	}
}

// film plays for five seconds, of which the last three count.
func (l *looker) film(f *xserver.Film) (rest time.Duration) {
	const warm, all = 2 * time.Second, 5 * time.Second
	stop := f.Play(time.Second / 60)
	began, frames, bytes, used := time.Now(), 0, 0, time.Duration(0)
	var behind []int
	for time.Since(began) < all {
		l.frame()
		if time.Since(began) < warm {
			frames, bytes, used = l.count, l.bytes, cpu(l.t)
			continue
		}
		behind = append(behind, l.behind(f))
	}
	used = cpu(l.t) - used
	stop()
	still := time.Now()
	n, size := l.count-frames, l.bytes-bytes
	for !l.shows(f) {
		l.frame()
	}
	rest = time.Since(still)
	slices.Sort(behind)
	l.t.Logf("%.1f frames/s, %.1f kB a frame, CPU %.0f %%, pictures behind p50 %d p95 %d, exact after %d ms in %d frames",
		float64(n)/3, float64(size)/float64(max(n, 1))/1000, used.Seconds()/3*100,
		behind[len(behind)/2], behind[len(behind)*95/100], rest.Milliseconds(), l.count-frames-n)
	if n < 3*10 {
		l.t.Errorf("%d frames in three seconds", n)
	}
	return rest
}
