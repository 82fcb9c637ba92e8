package mirror

import (
	"image"
	"math/rand/v2"
	"testing"

	"hither/fusion"
)

// scrollLine is a terminal that writes a line.
func (f *fakeSource) scrollLine(random *rand.Rand) {
	w, h := f.picture.Width, f.picture.Height
	f.locked(func() {
		f.picture.Move(image.Point{}, image.Pt(0, 13), w, h-13)
		for i := (h - 13) * f.picture.Stride; i < len(f.picture.Pix); i += 4 {
			c := byte(random.IntN(2) * 255)
			f.picture.Pix[i], f.picture.Pix[i+1], f.picture.Pix[i+2] = c, c, c
		}
		f.pending = append(f.pending, f.picture.Bounds())
	})
}

func TestASparedScrollRestsExactly(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 8))
	s, f, _ := serve(t, 320, 260)
	f.spares = true
	w := watch(t, s, fusion.ViewOptions{})
	f.dots(f.picture.Bounds(), random, 2)
	w.shows(f)
	for range 30 {
		for range 12 {
			f.scrollLine(random)
			if random.IntN(10) == 0 {
				f.scribble(random)
			}
			w.hearFrame()
		}
		w.shows(f)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.looks < 60 || f.wholes < 10 {
		t.Errorf("%d changes came in part, and all was fetched %d times", f.looks, f.wholes)
	}
}

// hearFrame hears until a frame came.
func (w *watcher) hearFrame() {
	w.t.Helper()
	for seq := w.seq; w.seq == seq; {
		w.hear()
	}
}

// A second viewer comes, and goes, amid a scroll of which only a part is
// fetched.
func TestViewersOfASparedScrollShowTheSame(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 8))
	s, f, _ := serve(t, 320, 260)
	f.spares = true
	first := watch(t, s, fusion.ViewOptions{})
	f.dots(f.picture.Bounds(), random, 2)
	first.shows(f)
	for range 10 {
		for range 8 {
			f.scrollLine(random)
			first.hearFrame()
		}
		second := watch(t, s, fusion.ViewOptions{})
		second.shows(f)
		f.scrollLine(random)
		first.shows(f)
		second.shows(f)
		if err := second.pipe.Close(); err != nil {
			t.Fatal(err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.looks == 0 {
		t.Error("no change came in part")
	}
}
