//go:build linux && e2e

package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hither/fusion"
	"hither/mirror/codec"
	"hither/mirror/vpx"
	"hither/mirror/webm"
	"hither/mirror/yuv"
)

// ffmpeg runs one of its programs, which must find nothing wrong.
func ffmpeg(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, append([]string{"-v", "warning"}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil || said.Len() > 0 {
		t.Fatalf("%s %s: %v (run build/deps.sh test)\n%s", program, strings.Join(args, " "), err, &said)
	}
	return out
}

// probed is what ffprobe finds in a file.
type probed struct {
	Streams []struct {
		Codec   string `json:"codec_name"`
		Profile string `json:"profile"`
		Width   int    `json:"width"`
		Height  int    `json:"height"`
		Frames  string `json:"nb_read_frames"`
	} `json:"streams"`
	Format struct {
		Duration string `json:"duration"`
	} `json:"format"`
}

func probe(t *testing.T, path string) (p probed, length time.Duration) {
	t.Helper()
	if err := json.Unmarshal(ffmpeg(t, "ffprobe", "-count_frames", "-show_streams", "-show_format", "-of", "json", path), &p); err != nil {
		t.Fatal(err)
	}
	seconds, err := strconv.ParseFloat(p.Format.Duration, 64)
	if err != nil {
		t.Fatalf("duration %q", p.Format.Duration)
	}
	return p, time.Duration(seconds * float64(time.Second)).Round(time.Millisecond)
}

// frames decodes a file with ffmpeg; args go before the file's name.
func frames(t *testing.T, path string, w, h int, args ...string) (list []picture) {
	t.Helper()
	args = append(args, "-i", path, "-fps_mode", "passthrough", "-map", "0:v", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-")
	b := ffmpeg(t, "ffmpeg", args...)
	for size := w*h + 2*((w+1)/2*((h+1)/2)); len(b) >= size; b = b[size:] {
		m := &yuv.Image{Width: w, Height: h, Planes: [3][]byte{b[:size]}, Strides: [3]int{w}}
		list = append(list, picture{Image: m})
	}
	if len(b) > 0 {
		t.Fatalf("%d bytes are no picture", len(b))
	}
	return list
}

func TestPlayersSeeWhatWasShown(t *testing.T) {
	const w, h = 641, 401
	r := create(t, Config{Every: time.Millisecond, Settled: time.Hour})
	first, last := draw(w, h, 1), draw(w, h, 9)
	for i := range 30 {
		p := draw(w, h, i)
		switch i {
		case 0:
			p = first
		case 29:
			p = last
		}
		r.Show(p, whole(p))
		r.wait(t, i+1)
	}
	s, err := r.Close()
	if err != nil {
		t.Fatal(err)
	}
	p, length := probe(t, s.File)
	v := p.Streams[0]
	if v.Codec != "vp9" || v.Profile != "Profile 0" || v.Width != w || v.Height != h || v.Frames != "31" || length != s.Length {
		t.Errorf("%+v, %v of %v", v, length, s.Length)
	}
	list := frames(t, s.File, w, h)
	if len(list) != 31 {
		t.Fatalf("%d pictures", len(list))
	}
	before, after := list[0].dB(first, first.Bounds()), list[30].dB(last, last.Bounds())
	if t.Logf("first %.1f dB, last %.1f dB, %d bytes", before, after, s.Bytes); before < 30 || after < 30 {
		t.Errorf("first %.1f dB, last %.1f dB", before, after)
	}
}

// partEnv makes this test program record into the file that it names, until it
// is killed. It says a line for each picture written.
const partEnv = "HITHER_RECORD_INTO"

func TestMain(m *testing.M) {
	path := os.Getenv(partEnv)
	if path == "" {
		verify(m)
		return
	}
	r, err := Create(path, Config{Every: time.Millisecond, Settled: time.Hour})
	for i := 0; err == nil; i++ {
		p := draw(640, 400, i)
		r.Show(p, whole(p))
		for r.Summary().Pictures <= i {
			time.Sleep(time.Millisecond)
		}
		_, err = os.Stdout.WriteString("\n")
	}
	os.Exit(1)
}

func TestAKilledRecordingPlays(t *testing.T) {
	need(t)
	path := filepath.Join(t.TempDir(), "a.webm")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), partEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	const pictures = 40
	_, err = io.ReadFull(out, make([]byte, pictures))
	if killed := cmd.Process.Kill(); err != nil || killed != nil {
		t.Fatal(err, killed)
	}
	_ = cmd.Wait() // it was killed
	p, length := probe(t, path)
	n, err := strconv.Atoi(p.Streams[0].Frames)
	if err != nil || n < pictures || length <= 0 {
		t.Errorf("%s pictures in %v", p.Streams[0].Frames, length)
	}
	list := frames(t, path, 640, 400)
	for _, i := range []int{0, pictures - 1} {
		want := draw(640, 400, i)
		if n := list[i].dB(want, want.Bounds()); n < 28 {
			t.Errorf("picture %d: %.1f dB", i, n)
		}
	}
}

func TestARealFullDiskEndsTheRecording(t *testing.T) {
	need(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatalf("a small file system (it needs root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	r, err := Create(filepath.Join(dir, "a.webm"), Config{Every: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for i, ended := 0, false; !ended; i++ {
		p := noise(640, 400, uint64(i))
		r.Show(p, whole(p))
		select {
		case <-r.Done():
			ended = true
		default:
		}
	}
	s, err := r.Close()
	if !errors.Is(err, fusion.ErrBusy) {
		t.Errorf("it ended with %v", err)
	}
	if list := frames(t, s.File, 640, 400); len(list) == 0 {
		t.Error("no picture was kept")
	}
}

// long writes 40 s with a picture each half second, a key frame each 10 s, and
// silence as sound.
func long(t *testing.T) (path string) {
	t.Helper()
	need(t)
	path = filepath.Join(t.TempDir(), "long.webm")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := webm.New(f, webm.Config{Width: 320, Height: 200, Audio: &webm.Audio{Channels: 2, PreSkip: 312}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := vpx.NewEncoder(vpx.Config{Width: 320, Height: 200})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	const step, end = 20 * time.Millisecond, 40 * time.Second
	m := yuv.New(320, 200, false)
	for at := time.Duration(0); at <= end; at += step {
		if at < end {
			err = errors.Join(err, w.Sound(at, []byte{0xfc, 0xff, 0xfe})) // 20 ms of CELT that are silent
		}
		if at%(500*time.Millisecond) == 0 {
			p := grey(int(at / (500 * time.Millisecond)))
			m.FromBGRX(p.Pix, p.Stride)
			b, encoded := e.Encode(m, time.Unix(0, 0).Add(at), at%(10*time.Second) == 0)
			err = errors.Join(err, encoded, w.Video(at, at%(10*time.Second) == 0, b))
		}
	}
	if err := errors.Join(err, w.Close(end)); err != nil {
		t.Fatal(err)
	}
	return path
}

// grey gives picture n of a long recording: its shade tells the number.
func grey(n int) *codec.Picture {
	p := codec.NewPicture(320, 200)
	for i := range p.Pix {
		p.Pix[i] = byte(20 + 2*n)
	}
	return p
}

func TestPlayersSeekAndHear(t *testing.T) {
	path := long(t)
	p, length := probe(t, path)
	if len(p.Streams) != 2 || p.Streams[0].Frames != "81" || p.Streams[1].Codec != "opus" || p.Streams[1].Frames != "2000" || length != 40*time.Second {
		t.Errorf("%+v, %v", p, length)
	}
	for _, second := range []int{0, 9, 25, 39} {
		list := frames(t, path, 320, 200, "-ss", strconv.Itoa(second), "-t", "0.4")
		if len(list) == 0 {
			t.Fatalf("nothing at %d s", second)
		}
		if n := list[0].dB(grey(2*second), image.Rect(0, 0, 320, 200)); n < 40 {
			t.Errorf("at %d s: %.1f dB", second, n)
		}
	}
}
