//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hither/internal/lips"
	"hither/internal/soundserver"
	"hither/internal/xserver"
)

// beeping is the tone of Chromium's fake microphone: 20 ms, twice a second, or
// once.
const beeping = 400

// TestVoice speaks to an app of another computer from the page, as far as that
// was granted, and records there what the app plays.
func TestVoice(t *testing.T) {
	a, b := newNode(t, "here", nil), newNode(t, "cloud", nil)
	a.libvirt, b.libvirt = "off", "off"
	addPlayer(t, b)
	a.start()
	b.start()
	pair(t, a, b)
	until(t, "a sees b", func() bool { return a.sees(b) })
	b.hither("host", "grant", "here", "apps", "control")
	a.hither("app", "run", "cloud/self", "player", "--detach")
	path := "/app/" + appScreen(t, a)
	button := `button[aria-label="Microphone"]`

	web := chromium(t, chromedp.Flag("use-fake-ui-for-media-stream", true), chromedp.Flag("use-fake-device-for-media-stream", true))
	web.open(a, path)
	web.do("live", chromedp.WaitReady(`canvas[data-transport="webrtc"][data-state="live"]`, chromedp.ByQuery))
	web.do("click", chromedp.Click(`[data-sound]`, chromedp.ByQuery))
	web.do("sound is on", chromedp.WaitReady(`[data-sound="on"]`, chromedp.ByQuery)) // the host would have said by now
	var there bool
	web.do("look for the button", chromedp.Evaluate(`document.querySelector('`+button+`') !== null`, &there))
	if there {
		t.Error("a microphone is offered without the grant")
	}
	file := filepath.Join(t.TempDir(), "page.webm")
	web.records(file, func() { time.Sleep(3 * time.Second) }) // a recording of some length
	hasTone(t, file, 440)

	b.hither("host", "grant", "here", "+microphone")
	web.open(a, path)
	web.do("live again", chromedp.WaitReady(`canvas[data-state="live"]`, chromedp.ByQuery))
	web.do("turn the microphone on", chromedp.Click(button, chromedp.ByQuery),
		chromedp.WaitReady(`[data-testid="microphone"][data-state="on"]`, chromedp.ByQuery))
	sockets, err := filepath.Glob(filepath.Join(runDir(t, b), "*.sound"))
	if err != nil || len(sockets) != 1 {
		t.Fatal(sockets, err)
	}
	level := soundserver.Heard(t, sockets[0], "microphone", beeping, 100)
	t.Logf("the app hears the page's microphone: %.0f", level)
	web.do("turn it off", chromedp.Click(`button[aria-label="Turn the microphone off"]`, chromedp.ByQuery),
		chromedp.WaitNotPresent(`[data-testid="microphone"]`, chromedp.ByQuery))
	until(t, "the app hears no more", func() bool { return soundserver.Now(t, sockets[0], "microphone", beeping) < 1 })

	for why, flags := range map[string][]string{
		"does not let this page use": {"use-fake-device-for-media-stream", "deny-permission-prompts"},
		"No microphone was found":    nil,
	} {
		var options []chromedp.ExecAllocatorOption
		for _, flag := range flags {
			options = append(options, chromedp.Flag(flag, true))
		}
		other := chromium(t, options...)
		other.open(a, path)
		other.do("live", chromedp.WaitReady(`canvas[data-state="live"]`, chromedp.ByQuery))
		var said string
		other.do("try the microphone", chromedp.Click(button, chromedp.ByQuery),
			chromedp.Text(`[data-testid="microphone"][data-state="failed"]`, &said, chromedp.ByQuery))
		if !strings.Contains(said, why) {
			t.Errorf("the page says %q, want %q", said, why)
		}
	}
}

// hasTone says that there is a tone in the sound of a file.
func hasTone(t *testing.T, file string, hertz float64) {
	t.Helper()
	most := lips.Loudest(lips.Sound(t, file), hertz)
	if t.Logf("%s has %.0f of %.0f Hz", filepath.Base(file), most, hertz); most < 4000 {
		t.Errorf("%s has %.0f of %.0f Hz", filepath.Base(file), most, hertz)
	}
}

// TestLipsInThePage records another computer's session with the page's button.
func TestLipsInThePage(t *testing.T) {
	session := soundserver.Start(t)
	server := xserver.Start(t, "-screen", "0", "640x480x24", "-ac")
	a, b := newNode(t, "here", nil), newNode(t, "cloud", nil)
	a.libvirt, b.libvirt, b.display = "off", "off", server.Display
	b.within = withSound(session)
	a.start()
	b.start()
	pair(t, a, b)
	until(t, "a sees b", func() bool { return a.sees(b) })
	b.hither("host", "grant", "here", "control")
	web := chromium(t, chromedp.Flag("mute-audio", false), chromedp.Env("PULSE_SERVER=unix:"+soundserver.Start(t).Socket))
	web.open(a, "/machine/cloud/self")
	web.screen("webrtc")
	web.do("click", chromedp.Click(`[data-sound]`, chromedp.ByQuery), chromedp.WaitReady(`[data-sound="on"]`, chromedp.ByQuery))
	file := filepath.Join(t.TempDir(), "page.webm")
	var apart []time.Duration
	web.records(file, func() { apart = lips.Show(t, server.Display, session.Socket, 12) })
	later := lips.Later(t, file, apart)
	middle := later[len(later)/2]
	if t.Logf("sound is %v later than it was, from %v to %v", middle, later[0], later[len(later)-1]); middle.Abs() > 75*time.Millisecond {
		t.Errorf("sound and pictures are %v apart", middle)
	}
}

// withSound starts a node in a session that has a sound server.
func withSound(s *soundserver.Server) func(*exec.Cmd) error {
	return func(cmd *exec.Cmd) error {
		cmd.Env = append(cmd.Env, "PULSE_SERVER=unix:"+s.Socket)
		return cmd.Start()
	}
}

// TestRecordedSound records the session's own screen and sound, and hears the
// file in Chromium: what it decodes counts samples, so a gap would shift what
// follows.
func TestRecordedSound(t *testing.T) {
	session := soundserver.Start(t)
	server := xserver.Start(t, "-screen", "0", "640x480x24", "-ac")
	film := xserver.NewFilm(t, server.Display, 640, 480)
	film.Show()
	n := newNode(t, "here", nil)
	n.display, n.libvirt = server.Display, "off"
	n.within = withSound(session)
	n.start()
	var pcm []int16
	beep, rest := soundserver.Tone(1000, 8000, 100*time.Millisecond), make([]int16, 2*soundserver.Rate*9/10)
	for range 60 {
		pcm = append(append(pcm, beep...), rest...)
	}
	soundserver.Play(t, session.Socket, "out", pcm)
	soundserver.Heard(t, session.Socket, "out.monitor", 1000, 4000)
	played := listened(t, session)
	file := filepath.Join(t.TempDir(), "a.webm")
	var said struct {
		Seconds float64
		Sound   bool
	}
	if err := json.Unmarshal([]byte(n.hither("record", "self", file, "--for", "8s", "--json")), &said); err != nil {
		t.Fatal(err)
	}
	if !said.Sound {
		t.Fatalf("hither record says %+v", said)
	}
	plays(t, file)
	var truth []float64
	for _, at := range lips.Beginnings(played()) {
		truth = append(truth, at.Seconds())
	}
	at := chromium(t).hears(file)
	t.Logf("Chromium hears beeps at %.3f s; they were at %.3f s", at, truth)
	if len(at) < 5 {
		t.Fatal("there are too few")
	}
	// The program that plays stumbles on a busy machine: what counts is that the
	// beeps are as far apart as they were.
	best := math.Inf(1)
	for first := range max(0, len(truth)-len(at)+1) {
		worst := 0.0
		for i := range at {
			worst = max(worst, math.Abs(at[i]-at[0]-truth[first+i]+truth[first]))
		}
		best = min(best, worst)
	}
	if t.Logf("at most %.0f ms from their places", best*1000); best > 0.05 {
		t.Error("beeps are not where they were")
	}
}

// listened records what a server plays from now on until played is called.
func listened(t *testing.T, s *soundserver.Server) (played func() []int16) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "played")
	cmd := exec.Command("parec", "--server=unix:"+s.Socket, "--device=out.monitor", "--raw", "--rate=48000", "--channels=2", "--format=s16le", name)
	background2(t, cmd.Start, func() { _ = cmd.Process.Kill() })
	return func() []int16 {
		t.Helper()
		_ = cmd.Process.Signal(os.Interrupt) // it ends then
		_ = cmd.Wait()
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return lips.Samples(b)
	}
}

// hears plays a file in Chromium, and gives when beeps begin in what it decodes.
func (b *browser) hears(file string) (at []float64) {
	b.t.Helper()
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(file))))
	defer server.Close()
	name := filepath.Base(file)
	var played int
	b.do("play it", chromedp.Navigate(server.URL), evaluateAsync(`new Promise((done, failed) => {
		const v = document.createElement('video');
		v.muted = true;
		v.onerror = () => failed(v.error.message);
		v.ontimeupdate = () => v.currentTime > 2 && done(v.webkitAudioDecodedByteCount);
		v.src = '/`+name+`';
		v.play();
	})`, &played))
	if played == 0 {
		b.t.Error("Chromium decoded no sound of the video")
	}
	b.do("decode it", evaluateAsync(`(async () => {
		const data = await (await fetch('/`+name+`')).arrayBuffer();
		const sound = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(data);
		const samples = sound.getChannelData(0);
		const at = [];
		for (let i = 0, silent = 48000; i < samples.length; i++) {
			if (Math.abs(samples[i]) < 0.03) { silent++; continue; }
			if (silent > 14400) at.push(i / 48000);
			silent = 0;
		}
		return at;
	})()`, &at))
	return at
}
