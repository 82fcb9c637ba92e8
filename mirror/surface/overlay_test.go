package surface

import (
	"image"
	"image/color"
	"testing"
	"time"
)

func TestRows(t *testing.T) {
	start := time.Unix(100, 0)
	before := reading{at: start, frames: 10, bytes: 1000}
	now := reading{at: start.Add(time.Second), frames: 70, bytes: 1000 + 3<<19, age: 31 * time.Millisecond, latency: 4200 * time.Microsecond, codec: "lossless tiles"}
	got := rows(before, now, image.Pt(1920, 1080), true, "direct", "muted")
	want := []row{{"latency", "4.20 ms"}, {"frame", "31 ms ago"}, {"rate", "60 fps, 1.5 MiB/s"},
		{"codec", "lossless tiles"}, {"path", "direct"}, {"sound", "muted"}, {"picture", "1920 × 1080"}}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("row %d is %v, want %v", i, got[i], want[i])
		}
	}
	if got := rows(now, now, image.Pt(1, 1), false, "", ""); got[0].value != "offline" || got[2].value != "0 fps, 0 B/s" {
		t.Errorf("offline it shows %v", got)
	}
	for d, want := range map[time.Duration]string{-1: "none yet", 1500 * time.Millisecond: "1.5 s ago", 3 * time.Minute: "3 min ago"} {
		if got := age(d); got != want {
			t.Errorf("age %v is %q, want %q", d, got, want)
		}
	}
}

// TestRowsKeepTheirSize: the panel must not jump, and nothing may be cut off.
func TestRowsKeepTheirSize(t *testing.T) {
	host := color.RGBA{1, 2, 3, 255}
	few := drawRows([]row{{"a", "b"}, {"c", "d"}}, host)
	long := drawRows([]row{{"latency", "measuring"}, {"picture", "12345 × 12345"}}, host)
	if few.Bounds() != long.Bounds() {
		t.Errorf("sizes %v and %v differ", few.Bounds(), long.Bounds())
	}
	if few.RGBAAt(0, 5) != host {
		t.Error("the host's colour is not at the left")
	}
	for _, r := range rows(reading{at: time.Unix(1, 0)}, reading{at: time.Unix(2, 0), frames: 240, bytes: 999 << 20}, image.Pt(65535, 65535), true, "this computer", "on, 150 ms held, mic") {
		if len([]rune(r.value)) > valueChars || len(r.name) >= nameChars {
			t.Errorf("%v is too wide", r)
		}
	}
}

func TestMeter(t *testing.T) {
	var m meter
	if r := m.read(); r.age >= 0 || r.latency != 0 {
		t.Errorf("at first it shows %+v", r)
	}
	m.received(7)
	m.drawn()
	m.pinged(1)
	m.pinged(2)
	m.ponged(1) // late: it says nothing of the newest
	if m.read().latency != 0 {
		t.Error("an old answer counts")
	}
	m.ponged(2)
	if m.read().codec != "lossless tiles" {
		t.Error("there is video before there is")
	}
	m.played(true)
	if got := m.read().codec; got != "tiles, VP9 4:4:4" {
		t.Errorf("video is %q", got)
	}
	if r := m.read(); r.bytes != 7 || r.frames != 1 || r.age < 0 || r.latency <= 0 {
		t.Errorf("it shows %+v", r)
	}
}
