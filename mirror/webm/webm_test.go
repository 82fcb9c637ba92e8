package webm

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"

	"hither/fusion"
)

// memory is a file whose disk has so many bytes.
type memory struct {
	b     []byte
	most  int
	after func() // each write
}

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	if m.after != nil {
		defer m.after()
	}
	n := min(len(p), m.most-int(at))
	if end := int(at) + n; end > len(m.b) {
		m.b = append(m.b, make([]byte, end-len(m.b))...)
	}
	if copy(m.b[at:], p[:n]); n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (m *memory) Truncate(size int64) error {
	m.b = m.b[:size]
	return nil
}

// read is what a player finds.
type read struct {
	Header  webm.EBMLHeader `ebml:"EBML"`
	Segment webm.Segment    `ebml:"Segment"`
}

// parse reads a file, of which the end may be missing.
func parse(t *testing.T, b []byte, whole bool) (r read) {
	t.Helper()
	err := ebml.Unmarshal(bytes.NewReader(b), &r)
	if err != nil && (whole || !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF)) {
		t.Fatal(err)
	}
	return r
}

// times gives when the blocks of a track are shown, in ms.
func (r read) times(track uint64) (at []int64) {
	for _, c := range r.Segment.Cluster {
		for _, b := range c.SimpleBlock {
			if b.TrackNumber == track {
				at = append(at, int64(c.Timecode)+int64(b.Timecode))
			}
		}
	}
	return at
}

func newWriter(t *testing.T, m *memory, cfg Config) *Writer {
	t.Helper()
	w, err := New(m, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// film writes a frame each second, every fourth a key frame, and sound every
// 200 ms.
func film(w *Writer, seconds int, sound bool) error {
	for i := range seconds {
		at := time.Duration(i) * time.Second
		if err := w.Video(at, i%4 == 0, bytes.Repeat([]byte{byte(i)}, 500)); err != nil {
			return err
		}
		for at := at; sound && at < time.Duration(i+1)*time.Second; at += 200 * time.Millisecond {
			if err := w.Sound(at, []byte{0xf8, 0xff, 0xfe}); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestAFileSaysWhatIsInIt(t *testing.T) {
	m := &memory{most: 1 << 20}
	w := newWriter(t, m, Config{Width: 640, Height: 400, Audio: &Audio{Channels: 2, PreSkip: 312}})
	if err := errors.Join(film(w, 10, true), w.Close(12345*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	r := parse(t, m.b, true)
	s := r.Segment
	if r.Header.DocType != "webm" || s.Info.Duration != 12345 || s.Info.TimecodeScale != 1_000_000 {
		t.Errorf("header %+v, info %+v", r.Header, s.Info)
	}
	video, sound := s.Tracks.TrackEntry[0], s.Tracks.TrackEntry[1]
	if video.CodecID != "V_VP9" || *video.Video != (webm.Video{PixelWidth: 640, PixelHeight: 400}) {
		t.Errorf("video %+v", video)
	}
	if sound.CodecID != "A_OPUS" || sound.CodecDelay != 6_500_000 || sound.Audio.Channels != 2 || len(sound.CodecPrivate) != 19 {
		t.Errorf("sound %+v", sound)
	}
	if at := r.times(videoTrack); len(at) != 10 || at[9] != 9000 {
		t.Errorf("pictures at %v", at)
	}
	if at := r.times(audioTrack); len(at) != 50 || at[49] != 9800 {
		t.Errorf("sound at %v", at)
	}
	begins := func(at uint64, id ...byte) bool { return bytes.HasPrefix(m.b[w.segment+int64(at):], id) }
	for _, seek := range s.SeekHead.Seek {
		if !begins(seek.SeekPosition, seek.SeekID...) {
			t.Errorf("no %x at %d", seek.SeekID, seek.SeekPosition)
		}
	}
	var cued []uint64
	for _, c := range s.Cues.CuePoint {
		cued = append(cued, c.CueTime)
		if !begins(c.CueTrackPositions[0].CueClusterPosition, 0x1f, 0x43, 0xb6, 0x75) {
			t.Errorf("no cluster at the cue of %d ms", c.CueTime)
		}
	}
	if !slices.Equal(cued, []uint64{0, 4000, 8000}) {
		t.Errorf("cues at %v", cued)
	}
}

// Sound may come when the file has long begun.
func TestSoundThatComesLater(t *testing.T) {
	for _, preSkip := range []int{0, 120, 65535} {
		m := &memory{most: 1 << 20}
		w := newWriter(t, m, Config{Width: 640, Height: 400})
		err := film(w, 3, false)
		before := bytes.Clone(m.b)
		err = errors.Join(err, w.AddAudio(Audio{Channels: 2, PreSkip: preSkip}))
		if after := int(w.tracks) + 200; len(before) != len(m.b) || !bytes.Equal(before[:w.tracks], m.b[:w.tracks]) || !bytes.Equal(before[after:], m.b[after:]) {
			t.Error("more than the tracks was written over")
		}
		parse(t, m.b, false)
		err = errors.Join(err, w.Sound(2500*time.Millisecond, []byte{0xf8}),
			w.Video(3*time.Second, true, []byte{1}), w.Close(4*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		r := parse(t, m.b, true)
		if all := r.Segment.Tracks.TrackEntry; len(all) != 2 || all[1].CodecID != "A_OPUS" {
			t.Fatalf("tracks %+v", all)
		}
		if at := r.times(audioTrack); !slices.Equal(at, []int64{2500}) {
			t.Errorf("sound at %v", at)
		}
		if at := r.times(videoTrack); !slices.Equal(at, []int64{0, 1000, 2000, 3000}) {
			t.Errorf("pictures at %v", at)
		}
		if err := w.AddAudio(Audio{Channels: 2}); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("a second track gave %v", err)
		}
	}
}

// A writer that was killed leaves what it wrote, of the last block perhaps half.
func TestAFileThatEndsAnywherePlays(t *testing.T) {
	m := &memory{most: 1 << 20}
	w := newWriter(t, m, Config{Width: 640, Height: 400})
	shown := 0
	m.after = func() {
		r := parse(t, m.b, false)
		at := r.times(videoTrack)
		if len(at) < shown || len(at) > shown+1 {
			t.Fatalf("after picture %d there are those at %v", shown, at)
		}
		if shown = len(at); shown > 1 && int64(r.Segment.Info.Duration) < at[shown-2] {
			t.Errorf("it lasts %v ms, with pictures at %v", r.Segment.Info.Duration, at)
		}
	}
	if err := film(w, 9, false); err != nil {
		t.Fatal(err)
	}
	if shown != 9 {
		t.Errorf("%d pictures", shown)
	}
	for n := len(m.b) - 500; n < len(m.b); n++ {
		if at := parse(t, m.b[:n], false).times(videoTrack); len(at) < 8 {
			t.Fatalf("with a part of the last block there are pictures at %v", at)
		}
	}
}

func TestAFullDiskLeavesAWholeFile(t *testing.T) {
	for most := 420; most < 6000; most += 37 {
		m := &memory{most: most}
		w, err := New(m, Config{Width: 640, Height: 400})
		if err != nil {
			t.Fatal(err)
		}
		full := film(w, 12, false)
		if end := w.Close(12 * time.Second); !errors.Is(full, syscall.ENOSPC) || !errors.Is(end, syscall.ENOSPC) {
			t.Fatalf("%d bytes: %v, then %v", most, full, end)
		}
		if at := parse(t, m.b, true).times(videoTrack); most > 900 && len(at) < most/700-1 {
			t.Errorf("%d bytes hold pictures at %v", most, at)
		}
	}
}

func TestALongPauseAndSoundWithoutPictures(t *testing.T) {
	m := &memory{most: 1 << 20}
	w := newWriter(t, m, Config{Width: 2, Height: 2, Audio: &Audio{Channels: 1}})
	var want []int64
	err := w.Video(0, true, []byte{1})
	for at := time.Duration(0); at < 2*time.Minute; at += 7 * time.Second {
		want = append(want, at.Milliseconds())
		err = errors.Join(err, w.Sound(at, []byte{0xf8}))
	}
	err = errors.Join(err, w.Video(2*time.Minute, false, []byte{2}), w.Lasts(3*time.Minute), w.Lasts(time.Minute), w.Close(0))
	if err != nil {
		t.Fatal(err)
	}
	r := parse(t, m.b, true)
	if got := r.times(audioTrack); !slices.Equal(got, want) {
		t.Errorf("sound at %v, want %v", got, want)
	}
	if got := r.times(videoTrack); !slices.Equal(got, []int64{0, 120_000}) || r.Segment.Info.Duration != 180_000 {
		t.Errorf("pictures at %v of %v ms", got, r.Segment.Info.Duration)
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	for _, cfg := range []Config{{}, {Width: 1}, {Width: 1, Height: 1, Audio: &Audio{}}, {Width: 1, Height: 1, Audio: &Audio{Channels: 3}}} {
		if _, err := New(&memory{most: 1000}, cfg); !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%+v gave %v", cfg, err)
		}
	}
	w := newWriter(t, &memory{most: 1000}, Config{Width: 1, Height: 1})
	if err := w.AddAudio(Audio{Channels: 3}); !errors.Is(err, fusion.ErrInvalid) {
		t.Errorf("three channels gave %v", err)
	}
	if _, err := New(&memory{most: 20}, Config{Width: 1, Height: 1}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full disk gave %v", err)
	}
}
