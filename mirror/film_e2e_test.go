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
// screen and stops it, four times. Each time the viewer must end with the last
// picture bit for bit. How many pictures come and how soon the last is exact is
// judged by the best time, as a test machine may have much else to do.
func TestFilmPlaysAndRestsExactly(t *testing.T) {
	d := xvfb(t)
	f := xserver.NewFilm(t, string(d), 1920, 1080)
	l := look(t, d)
	l.d.Video = codec.OpenVP9
	t.Cleanup(l.d.Close)
	l.say(wire.Able{Flags: wire.VP9 | wire.VP9444})
	l.frame()
	most, soonest := 0.0, time.Hour
	for range 4 {
		rate, rest := l.film(f)
		most, soonest = max(most, rate), min(soonest, rest)
	}
	if most < 20 || soonest > 300*time.Millisecond {
		t.Errorf("at best %.1f frames a second, and exact %v after rest", most, soonest)
	}
}

// film plays for five seconds, of which the last three count.
func (l *looker) film(f *xserver.Film) (rate float64, rest time.Duration) {
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
	rate = float64(n) / (all - warm).Seconds()
	l.t.Logf("%.1f frames/s, %.1f kB a frame, CPU %.0f %%, pictures behind p50 %d p95 %d, exact after %d ms in %d frames",
		rate, float64(size)/float64(max(n, 1))/1000, used.Seconds()/(all-warm).Seconds()*100,
		behind[len(behind)/2], behind[len(behind)*95/100], rest.Milliseconds(), l.count-frames-n)
	return rate, rest
}
