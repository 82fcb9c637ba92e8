package record

import (
	"bytes"
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/vpx"
	"hither/mirror/yuv"
)

const patience = 60 * time.Second

// need asks for libvpx. Where CI says so it must be there.
func need(t testing.TB) {
	t.Helper()
	if err := vpx.CanEncode(); err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip(err)
	}
}

// draw gives a picture of soft stripes, others for each shade.
func draw(w, h, shade int) *codec.Picture {
	p := codec.NewPicture(w, h)
	for y := range h {
		for x := range w {
			at := y*p.Stride + x*4
			p.Pix[at], p.Pix[at+1], p.Pix[at+2] = byte(x+shade*40), byte(y+shade*9), byte(200-shade*20)
		}
	}
	return p
}

func whole(p *codec.Picture) []image.Rectangle { return []image.Rectangle{p.Bounds()} }

// wait waits until so many pictures are written.
func (r *Recorder) wait(t *testing.T, pictures int) {
	t.Helper()
	for end := time.Now().Add(patience); r.Summary().Pictures < pictures; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d pictures, want %d", r.Summary().Pictures, pictures)
		}
	}
}

// picture is one of a file.
type picture struct {
	at  time.Duration
	key bool
	*yuv.Image
}

// play decodes a file.
func play(t *testing.T, b []byte) (list []picture, length time.Duration) {
	t.Helper()
	var f struct {
		Header  webm.EBMLHeader `ebml:"EBML"`
		Segment webm.Segment    `ebml:"Segment"`
	}
	if err := ebml.Unmarshal(bytes.NewReader(b), &f); err != nil {
		t.Fatal(err)
	}
	track := f.Segment.Tracks.TrackEntry[0].Video
	d, err := vpx.NewDecoder(int(track.PixelWidth), int(track.PixelHeight), false)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, c := range f.Segment.Cluster {
		for _, b := range c.SimpleBlock {
			if b.TrackNumber != 1 {
				continue
			}
			m, err := d.Decode(b.Data[0])
			if err != nil {
				t.Fatal(err)
			}
			own := yuv.New(m.Width, m.Height, false)
			for i := range own.Planes {
				w, h := own.Size(i)
				for y := range h {
					copy(own.Planes[i][y*own.Strides[i]:][:w], m.Planes[i][y*m.Strides[i]:][:w])
				}
			}
			list = append(list, picture{time.Duration(int64(c.Timecode)+int64(b.Timecode)) * time.Millisecond, b.Keyframe, own})
		}
	}
	return list, time.Duration(f.Segment.Info.Duration) * time.Millisecond
}

// dB compares the luma of a part of a picture with what was shown.
func (p picture) dB(shown *codec.Picture, part image.Rectangle) float64 {
	want := yuv.New(shown.Width, shown.Height, false)
	want.FromBGRX(shown.Pix, shown.Stride)
	sum := 0.0
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			d := float64(p.Planes[0][y*p.Strides[0]+x]) - float64(want.Planes[0][y*want.Strides[0]+x])
			sum += d * d
		}
	}
	return 10 * math.Log10(255*255*float64(part.Dx()*part.Dy())/max(sum, 1e-9))
}

func create(t *testing.T, cfg Config) *Recorder {
	t.Helper()
	need(t)
	r, err := Create(filepath.Join(t.TempDir(), "a.webm"), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close() })
	return r
}

func (r *Recorder) end(t *testing.T) ([]picture, time.Duration) {
	t.Helper()
	s, err := r.Close()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(s.File)
	if err != nil {
		t.Fatal(err)
	}
	list, length := play(t, b)
	if len(list) != s.Pictures || length != s.Length {
		t.Errorf("the file has %d pictures in %v, its summary says %d in %v", len(list), length, s.Pictures, s.Length)
	}
	return list, length
}

func TestEachChangeIsAPictureAtItsTime(t *testing.T) {
	r := create(t, Config{Every: time.Millisecond, Settled: time.Hour})
	began := time.Now()
	var shown []*codec.Picture
	var before, after []time.Duration
	for i := range 4 {
		p := draw(161, 123, i)
		before = append(before, time.Since(began))
		r.Show(p, whole(p))
		after = append(after, time.Since(began))
		r.wait(t, i+1)
		shown = append(shown, p)
	}
	r.Show(shown[3], nil) // nothing changed
	// A change of a place with odd corners.
	last := draw(161, 123, 3)
	for y := 31; y < 78; y++ {
		clear(last.Pix[y*last.Stride+41*4 : y*last.Stride+103*4])
	}
	r.Show(last, []image.Rectangle{image.Rect(41, 31, 103, 78), image.Rect(150, 100, 400, 400)})
	r.wait(t, 5)
	shown = append(shown, last, last)
	list, length := r.end(t)
	if len(list) != 6 {
		t.Fatalf("%d pictures, want the five and the last one's end", len(list))
	}
	for i, p := range list {
		if n := p.dB(shown[i], shown[i].Bounds()); n < 28 {
			t.Errorf("picture %d: %.1f dB", i, n)
		}
		if p.key != (i == 0) {
			t.Errorf("picture %d: key %v", i, p.key)
		}
		if i > 0 && i < 4 && (p.at < before[i]-after[0]-time.Millisecond || p.at > after[i]-before[0]+time.Duration(i)*time.Millisecond) {
			t.Errorf("picture %d is at %v, was shown from %v to %v, the first from %v to %v", i, p.at, before[i], after[i], before[0], after[0])
		}
	}
	if length < list[5].at || length > time.Since(began) {
		t.Errorf("it lasts %v", length)
	}
}

func TestAPictureThatStaysBecomesBetter(t *testing.T) {
	r := create(t, Config{Every: time.Millisecond, Settled: time.Second})
	var p *codec.Picture
	for i := range 8 {
		p = noise(640, 400, uint64(i))
		r.Show(p, whole(p))
		r.wait(t, i+1)
	}
	r.wait(t, 9)
	list, _ := r.end(t)
	if first, better := list[7].dB(p, p.Bounds()), list[8].dB(p, p.Bounds()); better < first+1 {
		t.Errorf("%.1f dB, then %.1f", first, better)
	}
}

// noise gives a picture that is hard to encode.
func noise(w, h int, seed uint64) *codec.Picture {
	random := rand.New(rand.NewPCG(seed, 0))
	p := codec.NewPicture(w, h)
	for i := range p.Pix {
		p.Pix[i] = byte(random.Uint32())
	}
	return p
}

func TestAnotherSizeIsScaledIntoTheFirst(t *testing.T) {
	r := create(t, Config{Settled: time.Hour})
	shown := []*codec.Picture{draw(320, 200, 0), draw(640, 200, 2), draw(101, 333, 4), draw(320, 200, 5)}
	for i, p := range shown {
		r.Show(p, whole(p))
		r.wait(t, i+1)
	}
	list, _ := r.end(t)
	black := codec.NewPicture(320, 200)
	if n := list[1].dB(black, image.Rect(0, 0, 320, 46)); n < 35 {
		t.Errorf("above a wide picture: %.1f dB", n)
	}
	if n := list[2].dB(black, image.Rect(0, 0, 120, 200)); n < 35 {
		t.Errorf("beside a high picture: %.1f dB", n)
	}
	half := codec.NewPicture(320, 200)
	for y := range 100 {
		for x := range 320 {
			copy(half.Pix[(y+50)*half.Stride+x*4:][:4], shown[1].Pix[y*2*shown[1].Stride+x*8:])
		}
	}
	if n := list[1].dB(half, image.Rect(0, 52, 320, 148)); n < 25 {
		t.Errorf("a wide picture: %.1f dB", n)
	}
	if n := list[3].dB(shown[3], shown[3].Bounds()); n < 28 {
		t.Errorf("the first size again: %.1f dB", n)
	}
}

func TestNoPictureLeavesNoFile(t *testing.T) {
	r := create(t, Config{})
	if _, err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.Summary().File); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file: %v", err)
	}
	p := draw(64, 64, 1)
	r.Show(p, whole(p)) // after the end
	if s := r.Summary(); s.Pictures != 0 {
		t.Errorf("%d pictures after the end", s.Pictures)
	}
}

func TestAFileIsNeverWrittenOver(t *testing.T) {
	r := create(t, Config{})
	if _, err := Create(r.Summary().File, Config{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second recording gave %v", err)
	}
	info, err := os.Stat(r.Summary().File)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// smallDisk has room for so many bytes, or waits before it takes one.
type smallDisk struct {
	*os.File
	most int64
	wait <-chan struct{}
}

func (d smallDisk) WriteAt(b []byte, at int64) (int, error) {
	if d.wait != nil {
		<-d.wait
	}
	if d.most > 0 && at+int64(len(b)) > d.most {
		n, _ := d.File.WriteAt(b[:max(0, d.most-at)], at)
		return n, &os.PathError{Op: "write", Path: d.Name(), Err: syscall.ENOSPC}
	}
	return d.File.WriteAt(b, at)
}

func onDisk(t *testing.T, d smallDisk, cfg Config) *Recorder {
	t.Helper()
	need(t)
	var err error
	if d.File, err = os.Create(filepath.Join(t.TempDir(), "a.webm")); err != nil {
		t.Fatal(err)
	}
	r := begin(d.Name(), d, cfg)
	t.Cleanup(func() { _, _ = r.Close() })
	return r
}

func TestAFullDiskEndsTheRecording(t *testing.T) {
	r := onDisk(t, smallDisk{most: 200_000}, Config{Every: time.Millisecond})
	ended := func() bool {
		select {
		case <-r.Done():
			return true
		default:
			return false
		}
	}
	for i := 0; !ended(); i++ {
		p := noise(320, 200, uint64(i))
		r.Show(p, whole(p))
	}
	s, err := r.Close()
	if !errors.Is(err, fusion.ErrBusy) || fusion.Hint(err) == "" {
		t.Errorf("it ended with %v", err)
	}
	b, err := os.ReadFile(s.File)
	if err != nil {
		t.Fatal(err)
	}
	if list, _ := play(t, b); len(list) < 1 || len(b) > 200_000 {
		t.Errorf("%d pictures in %d bytes", len(list), len(b))
	}
}

func TestASlowDiskDoesNotHoldTheView(t *testing.T) {
	wait := make(chan struct{})
	r := onDisk(t, smallDisk{wait: wait}, Config{Every: time.Millisecond, Settled: time.Hour})
	var last *codec.Picture
	for i := range 50 {
		last = draw(320, 200, i)
		r.Show(last, whole(last))
	}
	close(wait)
	list, _ := r.end(t)
	if len(list) > 4 {
		t.Errorf("%d pictures of 50 waited for the disk", len(list))
	}
	if n := list[len(list)-1].dB(last, last.Bounds()); n < 28 {
		t.Errorf("the last picture: %.1f dB", n)
	}
}
