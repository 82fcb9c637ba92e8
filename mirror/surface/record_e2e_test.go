//go:build e2e && linux

package surface

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"hither/mirror/record"
	"hither/mirror/wire"
)

// kept is a recording that ended.
type kept struct {
	record.Summary
	err error
}

// recordings gives a configuration that records into files of a directory, and
// what became of them.
func recordings(dir, first string, names ...string) (Recording, chan kept) {
	ended := make(chan kept, 8)
	return Recording{
		File: first,
		Next: func() (string, error) {
			if len(names) == 0 {
				return "", errors.New("no more names")
			}
			name := filepath.Join(dir, names[0])
			names = names[1:]
			return name, nil
		},
		Ended: func(s record.Summary, err error) { ended <- kept{s, err} },
	}, ended
}

func (k kept) check(t *testing.T, file string) {
	t.Helper()
	info, err := os.Stat(file)
	if k.err != nil || err != nil || k.File != file || k.Pictures < 2 || k.Width != 640 || k.Height != 400 || info.Size() < k.Bytes {
		t.Errorf("recorded %+v: %v, %v", k, err, info)
	}
}

func TestRecordingKey(t *testing.T) {
	d := newDesk(t)
	s, pipe := newSource(t, 640, 400, "tape")
	dir := t.TempDir()
	there := filepath.Join(dir, "there.webm")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, ended := recordings(dir, "", "a.webm", "there.webm", "b.webm")
	run := runView(t, d, pipe, Config{Record: cfg})
	s.paint(640, 400, 1)
	_, area := d.waitWindow("tape")
	d.untilShown("first pixels", area, s.picture)
	red := func() bool {
		p := d.grab(area)
		at := (labelMargin+padding-2+rowHeight/2)*p.Stride + (labelMargin+stripe+padding+5)*4
		return p.Pix[at] == markColor.B && p.Pix[at+1] == markColor.G && p.Pix[at+2] == markColor.R
	}
	toggle := func() { d.press(keyLeftCtrl, keyLeftAlt, keyR) }

	toggle()
	d.until("the red mark", red)
	before := d.grab(area)
	d.until("another time on it", func() bool { return red() && !d.grab(area).Equal(before) })
	s.paint(640, 400, 2)
	if !red() {
		t.Error("a frame covers the mark")
	}
	toggle()
	first := <-ended
	first.check(t, filepath.Join(dir, "a.webm"))
	d.until("the mark to go", func() bool { return !red() })
	d.until("the note of it to go", func() bool { return d.labels(area) == 0 })

	toggle() // a file that is there is not written over
	d.until("a note", func() bool { return d.labels(area) == 1 && !red() })
	if info, err := os.Stat(there); err != nil || info.Size() != 0 {
		t.Errorf("%v, %v", info, err)
	}
	d.until("the note to go", func() bool { return d.labels(area) == 0 })

	toggle()
	d.until("the red mark", red)
	for len(s.messages) > 0 {
		if m, ok := (<-s.messages).(wire.Key); ok && m.Code == keyR {
			t.Error("the key went to the host")
		}
	}
	s.write(wire.Closed{Reason: wire.Ended}) // while it records
	run.ends(nil)
	(<-ended).check(t, filepath.Join(dir, "b.webm"))
}

func TestRecordingFromTheFirstPicture(t *testing.T) {
	d := newDesk(t)
	file := filepath.Join(t.TempDir(), "a.webm")
	cfg, ended := recordings("", file)
	s, pipe := newSource(t, 640, 400, "first")
	run := runView(t, d, pipe, Config{Record: cfg})
	s.paint(640, 400, 1)
	s.write(wire.Closed{Reason: wire.Ended})
	run.ends(nil)
	(<-ended).check(t, file)

	s, pipe = newSource(t, 640, 400, "again")
	run = runView(t, d, pipe, Config{Record: cfg})
	s.frame(keyFrame(s.picture, s.picture.Bounds()))
	run.ends(os.ErrExist)
	if len(ended) > 0 {
		t.Error("a file that is there was recorded into")
	}
}
