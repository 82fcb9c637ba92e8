//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hither/internal/soundserver"
)

// addPlayer installs an app that plays a tone of 440 Hz on a node's computer.
func addPlayer(t *testing.T, n *node) {
	t.Helper()
	share := filepath.Join(filepath.Dir(n.home), ".local", "share")
	if n.as != nil { // its home outlives the test
		share = filepath.Join(n.as.home, ".local", "share")
		t.Cleanup(func() {
			for _, path := range []string{"tone", "applications/player.desktop"} {
				if err := os.Remove(filepath.Join(share, path)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if err := os.MkdirAll(filepath.Join(share, "applications"), 0o755); err != nil {
		t.Fatal(err)
	}
	tone := filepath.Join(share, "tone")
	entry := "[Desktop Entry]\nType=Application\nName=Player\nExec=xterm -T Player -e pacat --playback --raw --rate=48000 --channels=2 --format=s16le " + tone + "\n"
	for path, text := range map[string][]byte{
		tone: soundserver.Bytes(soundserver.Tone(440, 8000, 3*patience)),
		filepath.Join(share, "applications", "player.desktop"): []byte(entry),
	} {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// said is what a program writes.
type said struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestSound hears an app of another computer in a native window and in the page,
// and speaks to it, as far as that was granted.
func TestSound(t *testing.T) {
	for _, tc := range []struct {
		name string
		as   *account
	}{{"root", nil}, {"ordinary_user", ordinaryUser(t)}} {
		t.Run(tc.name, func(t *testing.T) { soundStory(t, tc.as) })
	}
}

func soundStory(t *testing.T, as *account) {
	a, b := newNode(t, "here", nil), newNode(t, "cloud", as)
	a.libvirt, b.libvirt = "off", "off"
	addPlayer(t, b)
	a.start()
	b.start()
	pair(t, a, b)
	until(t, "a sees b", func() bool { return a.sees(b) })
	b.hither("host", "grant", "here", "apps", "control")
	here := soundserver.Start(t)
	d := newDisplay(t)

	began := time.Now()
	var words said
	view := a.command("app", "run", "cloud/self", "player")
	view.Env = append(view.Env, "DISPLAY="+d.name, "PULSE_SERVER=unix:"+here.Socket)
	view.Stderr = &words
	background2(t, view.Start, func() { _ = view.Process.Kill(); _ = view.Wait() })
	level := soundserver.Heard(t, here.Socket, "out.monitor", 440, 4000)
	t.Logf("the app is heard here %v after it was asked for, with %.0f of 8000", time.Since(began).Round(time.Millisecond), level)
	if words.String() != "" {
		t.Errorf("the view says %s", words.String())
	}

	screen := appScreen(t, a)
	hearInPage(t, a, "/app/"+screen)
	speak(t, a, b, d, here, screen)
}

// appScreen gives the address of the one app that runs on the other computer.
func appScreen(t *testing.T, a *node) string {
	t.Helper()
	var all []struct{ Address, Kind string }
	if err := json.Unmarshal([]byte(a.hither("screen", "ls", "cloud/self", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Kind == "app" {
			return s.Address
		}
	}
	t.Fatalf("no app among %v", all)
	return ""
}

// runDir is where a node has its sockets.
func runDir(t *testing.T, n *node) string {
	t.Helper()
	dir, err := os.ReadFile(filepath.Join(n.home, "run"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(dir))
}

// background2 starts something that ends with the test.
func background2(t *testing.T, start func() error, end func()) {
	t.Helper()
	if err := start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
}

// hearInPage opens the app's screen in Chromium, which plays to a sound server of
// its own once somebody has clicked.
func hearInPage(t *testing.T, a *node, path string) {
	t.Helper()
	page := soundserver.Start(t)
	b := chromium(t, chromedp.Flag("mute-audio", false), chromedp.Env("PULSE_SERVER=unix:"+page.Socket))
	b.open(a, path)
	b.do("live", chromedp.WaitReady(`canvas[data-transport="webrtc"][data-state="live"]`, chromedp.ByQuery))
	if level := soundserver.Now(t, page.Socket, "out.monitor", 440); level > 1 {
		t.Errorf("the page plays before a gesture: %.0f", level)
	}
	b.do("click", chromedp.Click(`[data-sound]`, chromedp.ByQuery))
	b.do("sound is on", chromedp.WaitReady(`[data-sound="on"]`, chromedp.ByQuery))
	soundserver.Heard(t, page.Socket, "out.monitor", 440, 4000)
	b.do("mute", chromedp.Click(`button[aria-label="Sound"]`, chromedp.ByQuery))
	b.do("sound is off", chromedp.WaitReady(`[data-sound="off"]`, chromedp.ByQuery))
	until(t, "the page is muted", func() bool { return soundserver.Now(t, page.Socket, "out.monitor", 440) < 1 })
}

// speak lets the app hear a tone of this computer's microphone.
func speak(t *testing.T, a, b *node, d *display, here *soundserver.Server, screen string) {
	t.Helper()
	run := func() (words *said, end func()) {
		words = new(said)
		view := a.command("view", "--microphone", screen)
		view.Env = append(view.Env, "DISPLAY="+d.name, "PULSE_SERVER=unix:"+here.Socket)
		view.Stderr = words
		end = func() { _ = view.Process.Kill(); _ = view.Wait() }
		background2(t, view.Start, end)
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("hither view --microphone said: %s", words)
			}
		})
		return words, end
	}
	words, end := run()
	until(t, "the microphone is refused", func() bool {
		return strings.Contains(words.String(), "not permitted") && strings.Contains(words.String(), "hint: ")
	})
	end()
	b.hither("host", "grant", "here", "+microphone")
	words, _ = run()
	soundserver.Play(t, here.Socket, "out", soundserver.Tone(1000, 8000, 3*patience))
	if b.as == nil { // a sound server lets only its own user in
		sockets, err := filepath.Glob(filepath.Join(runDir(t, b), "*.sound"))
		if err != nil || len(sockets) != 1 {
			t.Fatal(sockets, err)
		}
		soundserver.Heard(t, sockets[0], "microphone", 1000, 3000)
	}
	if words.String() != "" {
		t.Errorf("the view says %s", words.String())
	}
}
