//go:build e2e && linux

package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hither/internal/xserver"
)

// TestRecordings records a film on this computer's own screen twice: with
// `hither record`, whose file Chromium plays and seeks in, and with the page's
// button.
func TestRecordings(t *testing.T) {
	server := xserver.Start(t, "-screen", "0", "1280x720x24", "-ac")
	film := xserver.NewFilm(t, server.Display, 1280, 720)
	film.Show()
	n := newNode(t, "here", nil)
	n.display, n.libvirt = server.Display, "off"
	n.start()
	stop := film.Play(time.Second / 15)
	defer stop()
	dir := t.TempDir()

	file := filepath.Join(dir, "film.webm")
	var said struct {
		Seconds                 float64
		Pictures, Width, Height int
	}
	if err := json.Unmarshal([]byte(n.hither("record", "self", file, "--for", "3s", "--json")), &said); err != nil {
		t.Fatal(err)
	}
	t.Logf("hither record: %+v", said)
	if said.Seconds < 2.9 || said.Pictures < 3 || said.Width != 1280 || said.Height != 720 {
		t.Errorf("hither record says %+v", said)
	}
	plays(t, file)

	web := chromium(t)
	web.watches(file, said.Seconds)
	web.open(n, "/machine/here/self")
	web.screen("webrtc")
	kept := filepath.Join(dir, "page.webm")
	web.keeps(kept)
	plays(t, kept)
}

// plays says that ffmpeg decodes a file without a complaint. Times are as in the file:
// in steps of a guessed frame rate, two pictures that came together would have one.
func plays(t *testing.T, file string) {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "warning", "-i", file, "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("ffmpeg, %s: %v: %s", filepath.Base(file), err, out)
	}
}

// watches opens a file in <video> and jumps near its end.
func (b *browser) watches(file string, seconds float64) {
	b.t.Helper()
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(file))))
	defer server.Close()
	var seen struct {
		Duration, At, Width float64
		Error               string
	}
	b.do("play the recording", chromedp.Navigate(server.URL), evaluateAsync(`new Promise((done) => {
		const v = document.createElement('video');
		const say = () => done({ Duration: v.duration, At: v.currentTime, Width: v.videoWidth, Error: v.error?.message ?? '' });
		v.onerror = say;
		v.onloadeddata = () => { v.onseeked = say; v.currentTime = v.duration - 0.5; };
		v.src = '/`+filepath.Base(file)+`';
	})`, &seen))
	if seen.Error != "" || seen.Duration < seconds-0.1 || seen.Duration > seconds+0.1 || seen.At < seconds-0.7 || seen.Width != 1280 {
		b.t.Errorf("Chromium sees %+v of %.2f s", seen, seconds)
	}
}

// keeps records with the page's button until thirty frames more are shown, and
// writes what the page saves into a file.
func (b *browser) keeps(file string) {
	b.t.Helper()
	before := b.frames()
	b.records(file, func() {
		until(b.t, "thirty frames", func() bool { return b.frames() >= before+30 })
	})
}

// records lets the page record while something is done, and writes what it saves
// into a file.
func (b *browser) records(file string, while func()) {
	b.t.Helper()
	b.do("catch the download", chromedp.Evaluate(`HTMLAnchorElement.prototype.click = () => {};
		URL.createObjectURL = (film) => { window.kept = film; return 'blob:'; }; 0`, nil))
	b.do("record", chromedp.Click(`button[aria-label="Record screen"]`, chromedp.ByQuery),
		chromedp.WaitReady(`[data-testid="recording"]`, chromedp.ByQuery))
	while()
	var text string
	b.do("end the recording", chromedp.Click(`button[aria-label="End recording and save it"]`, chromedp.ByQuery),
		chromedp.Poll(`window.kept !== undefined`, nil), evaluateAsync(`new Promise((done) => {
			const reader = new FileReader();
			reader.onload = () => done(reader.result.split(',').pop());
			reader.readAsDataURL(window.kept);
		})`, &text))
	film, err := base64.StdEncoding.DecodeString(text)
	if err == nil {
		err = os.WriteFile(file, film, 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Logf("the page's recording has %d bytes", len(film))
}
