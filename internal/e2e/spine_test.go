//go:build e2e

package e2e

import (
	"fmt"
	"image"
	"os"
	"strings"
	"testing"
	"time"
)

// TestSpine is issue A's story from pairing to a machine's screen: two nodes
// with homes and libvirts of their own, once as root and once with the other
// computer run by an ordinary user with the session's libvirt.
func TestSpine(t *testing.T) {
	t.Run("root", func(t *testing.T) { spine(t, nil) })
	t.Run("ordinary_user", func(t *testing.T) { spine(t, ordinaryUser(t)) })
}

func spine(t *testing.T, as *account) {
	a, b := newNode(t, "here", as), newNode(t, "cloud", as)
	if as != nil {
		a.libvirt, b.libvirt = "off", "qemu:///session" // an account has one session daemon
	}
	a.start()
	b.start()
	pair(t, a, b)
	until(t, "both see the other online", func() bool { return a.sees(b) && b.sees(a) })

	guest := "cloud/guest-" + guestOf(as)
	removeGuest(a, guest) // a run that was killed left it in the session's libvirt
	a.hither("machine", "create", guest, "--memory", "64MiB")
	t.Cleanup(func() { removeGuest(a, guest) })
	if list := a.hither("machine", "ls", "cloud", "--json"); !strings.Contains(list, guest) || !strings.Contains(list, `"self"`) {
		t.Fatalf("the other side does not list the machine and the computer itself:\n%s", list)
	}
	a.hither("machine", "start", guest)
	a.waitState(guest, "running")

	web := chromium(t)
	bootShell(t, a, web, guest)
	exactScreen(t, a, b, web, guest)
	stillLive := nativeWindow(t, a, guest)
	survivesKill(t, a, b, guest)
	survivesStop(t, a, b)
	stillLive()
	followTrace(t, a, b, web, guest)
}

func guestOf(as *account) string {
	if as == nil {
		return "root"
	}
	return as.name
}

// removeGuest takes the guest away, which matters where libvirt is shared.
func removeGuest(n *node, guest string) {
	if _, _, code := n.try("machine", "show", guest); code != 0 {
		return
	}
	if field[string](n, "state", "machine", "show", guest, "--json") != "off" {
		n.hither("machine", "stop", "--force", guest)
		n.waitState(guest, "off")
	}
	n.hither("machine", "rm", guest)
}

// bootShell opens the guest's screen in Chromium over WebRTC and brings iPXE
// to its command line, all by keys typed there. iPXE listens for Ctrl-B for
// two seconds only; a guest that booted past it is started anew.
func bootShell(t *testing.T, a *node, web *browser, guest string) {
	web.open(a, "/screen/"+guest)
	for range 5 {
		web.screen("webrtc")
		until(t, "the guest draws something", func() bool { return lit(web.picture()) > 1000 })
		web.focusScreen()
		last, since := web.picture(), time.Now()
		until(t, "the guest's screen comes to rest", func() bool {
			web.ctrlB()
			if now := web.picture(); differ(now, last) > cursorPixels {
				last, since = now, time.Now()
			}
			return time.Since(since) > 5*time.Second
		})
		if takesKeys(web) {
			return
		}
		t.Log("the guest booted past its command line; once more")
		a.hither("machine", "stop", "--force", guest)
		a.waitState(guest, "off")
		a.hither("machine", "start", guest)
		a.waitState(guest, "running")
		web.open(a, "/screen/"+guest)
	}
	t.Fatal("iPXE's command line takes no keys")
}

// settled gives the picture once it stays the same for a while, but for a
// blinking text cursor.
func settled(web *browser) *image.RGBA {
	last, since := web.picture(), time.Now()
	for began := time.Now(); time.Since(since) < time.Second && time.Since(began) < patience; {
		now := web.picture()
		if differ(now, last) > cursorPixels {
			since = time.Now()
		}
		last = now
	}
	return last
}

// cursorPixels is more than a text cursor has: a cell is 9 by 16.
const cursorPixels = 9 * 16

// takesKeys types four letters and takes them back: a command line shows them
// and forgets them, and nothing else does.
func takesKeys(web *browser) bool {
	before := settled(web)
	for range 4 {
		web.letter('w')
	}
	typed := settled(web)
	for range 4 {
		web.press("Backspace", "Backspace", 8, 0)
	}
	after := settled(web)
	shown := lit(typed) - lit(before)
	return shown > 60 && shown < 4*cursorPixels && differ(before, after) <= 2*cursorPixels
}

// exactScreen compares the canvas with libvirt's own screenshot while the
// guest is paused, and sees that no screenshot is taken while a view is open.
func exactScreen(t *testing.T, a, b *node, web *browser, guest string) {
	taken := screenshotCalls(t, b)
	for _, c := range []byte("help") {
		web.letter(c)
	}
	settled(web)
	if now := screenshotCalls(t, b); now != taken {
		t.Errorf("%d screenshots were taken while a view was open", now-taken)
	}
	a.hither("machine", "pause", guest)
	a.waitState(guest, "paused")
	want := a.screenshot(guest)
	var got *image.RGBA
	until(t, "the canvas equals libvirt's screenshot", func() bool {
		got = web.picture()
		return differ(got, want) == 0
	})
	t.Logf("canvas %v: %d lit pixels, %d differ from libvirt's screenshot", got.Rect.Size(), lit(got), differ(got, want))
	a.hither("machine", "resume", guest)
	a.waitState(guest, "running")
	if lit(want) < 1000 {
		t.Error("the compared picture is all but black")
	}
}

// screenshotCalls counts what the node asked libvirt for.
func screenshotCalls(t *testing.T, n *node) int {
	t.Helper()
	log, err := os.ReadFile(n.logFile())
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(log), "msg=screenshot part=vmctl")
}

// survivesKill ends the other node as a power cut does, and starts it again.
func survivesKill(t *testing.T, a, b *node, guest string) {
	machine := strings.TrimPrefix(guest, "cloud/")
	before := qemuOf(t, machine)
	b.kill()
	t.Logf("kill -9: offline after %v", until(t, "a sees that b is gone", func() bool { return !a.sees(b) }).Round(10*time.Millisecond))
	a.refused(5, "offline", "machine", "stats", guest)
	b.start()
	t.Logf("kill -9: online %v after ready", until(t, "a sees b again", func() bool { return a.sees(b) }).Round(10*time.Millisecond))
	a.waitState(guest, "running")
	if after := qemuOf(t, machine); after != before {
		t.Errorf("the guest's QEMU was process %d and is %d", before, after)
	}
}

// qemuOf gives the process that runs a machine.
func qemuOf(t *testing.T, machine string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range entries {
		var pid int
		if _, err := fmt.Sscan(e.Name(), &pid); err != nil {
			continue
		}
		line, err := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if err == nil && strings.Contains(string(line), "qemu-system") && strings.Contains(string(line), "guest="+machine+",") {
			found = pid
		}
	}
	if found == 0 {
		t.Fatalf("no QEMU runs %s", machine)
	}
	return found
}

// survivesStop freezes the other node, as a sleeping laptop: it sends no FIN.
func survivesStop(t *testing.T, a, b *node) {
	b.signal(sigstop)
	t.Logf("SIGSTOP: offline after %v", until(t, "a sees that b sleeps", func() bool { return !a.sees(b) }).Round(10*time.Millisecond))
	b.signal(sigcont)
	t.Logf("SIGCONT: online after %v", until(t, "a sees b awake", func() bool { return a.sees(b) }).Round(10*time.Millisecond))
	a.hither("machine", "ls", "cloud")
}

// followTrace pauses the guest from the page and follows the request by one ID
// through both nodes down to libvirt.
func followTrace(t *testing.T, a, b *node, web *browser, guest string) {
	trace := "TRACE" + strings.ToUpper(strings.ReplaceAll(a.name, "-", "")) + fmt.Sprint(time.Now().UnixNano())
	web.open(a, "/library")
	var status int
	name := strings.TrimPrefix(guest, "cloud/")
	web.do("pause from the page", evaluateAsync(fmt.Sprintf(`(async () => {
		for (let i = 0; i < 200 && !sessionStorage.length; i++) await new Promise(r => setTimeout(r, 50));
		const bearer = Object.values(sessionStorage).find(v => /^[A-Z2-7]{26}$/.test(v));
		const r = await fetch('/hither.v1.MachineService/Do', {method: 'POST', body: JSON.stringify({host: 'cloud', name: %q, verb: 'pause'}),
			headers: {'Content-Type': 'application/json', Authorization: 'Bearer ' + bearer, 'Hither-Trace': %q}});
		return r.status;
	})()`, name, trace), &status))
	if status != 200 {
		t.Fatalf("the page's request was answered with %d", status)
	}
	for _, n := range []*node{a, b} {
		log, err := os.ReadFile(n.logFile())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(log), "trace="+trace+" method=/hither.v1.MachineService/Do") {
			t.Errorf("the log of %s has no line of the request", n.name)
		}
		if n == b && !strings.Contains(string(log), `msg=verb part=vmctl verb=pause machine=`+name+" trace="+trace) {
			t.Error("the log of the other computer has no line of vmctl")
		}
	}
	a.hither("machine", "resume", guest)
}
