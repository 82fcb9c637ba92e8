package surface

import (
	"image"
	"testing"
)

func TestRoom(t *testing.T) {
	r := room{work: image.Rect(0, 24, 1280, 800), margins: ownMargins}
	if got, want := r.desk(), image.Rect(2, 26, 1278, 798); got != want {
		t.Errorf("at first the desktop is %v, want %v", got, want)
	}
	maximized := image.Rect(2, 48, 1278, 798)
	r.learn(maximized)
	if got := r.desk(); got != maximized {
		t.Errorf("a maximized window taught %v, want %v", got, maximized)
	}
	r.learn(image.Rect(2, 48, 640, 798))
	r.learn(image.Rect(-1, 0, 1281, 800))
	if got := r.desk(); got != maximized {
		t.Errorf("half a screen, or more than the work area, taught %v", got)
	}
	r.learn(image.Rect(2, 50, 1344, 798))
	if got, want := r.desk(), image.Rect(2, 50, 1278, 798); got != want {
		t.Errorf("one that is too wide taught %v, want %v", got, want)
	}
	r.learn(maximized)
	r.work = image.Rect(0, 0, 1920, 1080)
	if got, want := r.desk(), image.Rect(2, 24, 1918, 1078); got != want {
		t.Errorf("on another screen it is %v, want %v", got, want)
	}
	if got := (room{work: image.Rect(0, 0, 3, 3), margins: ownMargins}).desk(); got.Empty() {
		t.Error("a tiny desktop is none")
	}
}
