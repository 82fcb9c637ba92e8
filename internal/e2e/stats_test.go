//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"hither/fusion"
	"hither/internal/guest"
)

// history asks the command line what was measured.
func (n *node) history(machine, since string) fusion.History {
	n.t.Helper()
	var h fusion.History
	if err := json.Unmarshal([]byte(n.hither("machine", "stats", machine, "--since", since, "--json")), &h); err != nil {
		n.t.Fatal(err)
	}
	return h
}

// TestStatsOfABusyGuest: a guest burns its processor, the page draws it, and what was
// measured outlives the node's violent end.
func TestStatsOfABusyGuest(t *testing.T) {
	n := newNode(t, "desk", nil)
	n.start()
	disk := filepath.Join(tempDir(t, nil), "burner.img")
	guest.Burner(t, disk, 1<<20)
	n.hither("machine", "create", "burner", "--memory", "32MiB", "--image", disk, "--start")
	n.waitState("burner", "running")

	b := chromium(t)
	b.open(n, "/machine/desk/burner")
	b.do("the plots", chromedp.WaitReady(`[data-testid=stats] canvas`, chromedp.ByQuery))
	const busy = `(() => {
		const figure = document.querySelector('[data-testid=stats] figure').getAttribute('aria-label');
		const share = /: (\d+)%$/.exec(figure);
		return share !== null && Number(share[1]) > 10; // all that a busy computer leaves it
	})()`
	b.do("a busy processor in the plot", chromedp.Poll(busy, nil, chromedp.WithPollingTimeout(patience)))
	const drawn = `Number(document.querySelector('[data-testid=stats]').dataset.points) >= 12`
	b.do("more than ten seconds of it", chromedp.Poll(drawn, nil, chromedp.WithPollingTimeout(patience)))

	n.kill() // amid measuring
	n.start()
	h := n.history("burner", "5m")
	if len(h.Points) < 2 {
		t.Fatalf("after the end of the node: %+v", h)
	}
	most := 0.0
	for i, p := range h.Points {
		if p.CPU != nil {
			most = max(most, p.CPU.Max)
			if p.CPU.Min < 0 || p.CPU.Max > 1 || p.CPU.Avg < p.CPU.Min || p.CPU.Avg > p.CPU.Max {
				t.Errorf("point %d: %+v", i, *p.CPU)
			}
		}
		if i > 0 && !p.At.After(h.Points[i-1].At) {
			t.Errorf("point %d is not after the one before", i)
		}
	}
	if most < 0.1 {
		t.Errorf("the history has at most %g of the processor", most)
	}
	n.hither("host", "history", "desk", "always")
	n.kill()
	n.start()
	if !n.history("self", "1m").Always {
		t.Error("that it measures always is forgotten")
	}
	n.hither("host", "history", "desk", "looked")
	n.hither("machine", "stop", "--force", "burner")
	n.hither("machine", "rm", "burner")
	if left, _ := filepath.Glob(filepath.Join(n.home, "machines", "meters", "*-*.ring")); len(left) != 0 {
		t.Errorf("of a machine that is gone there are %v", left)
	}
}

// TestMenuInAListThatScrolls opens the menu of a card far down a library whose list is
// moved, clipped and contained, and looks where it stands.
func TestMenuInAListThatScrolls(t *testing.T) {
	n := newNode(t, "desk", nil)
	n.libvirt = "test://" + manyMachines(t)
	n.start()
	b := chromium(t)
	b.open(n, "/library")
	const last = `article[data-machine="m-0199"]`
	b.do("the cards", chromedp.WaitReady(`article[data-machine="m-0000"]`, chromedp.ByQuery))
	var cards int
	b.do("the end of the list", chromedp.Evaluate(`(() => {
		const view = document.getElementById('content');
		const wrap = view.firstElementChild;
		wrap.style.contain = 'layout paint'; // would clip and move what is fixed
		wrap.style.transform = 'translateX(3px)';
		view.scrollTop = view.scrollHeight;
		return 0;
	})()`, nil), chromedp.WaitReady(last, chromedp.ByQuery), chromedp.Evaluate(`document.querySelectorAll('article').length`, &cards))
	if cards > 60 {
		t.Errorf("%d cards are in the document", cards)
	}
	const place = `(() => {
		const menu = document.querySelector('[role=menu]');
		if (!menu) return null;
		const m = menu.getBoundingClientRect(), b = menu.parentElement.querySelector('button').getBoundingClientRect();
		const middle = document.elementFromPoint(m.left + m.width / 2, m.top + m.height / 2);
		return { inside: m.left >= 0 && m.top >= 0 && m.right <= innerWidth && m.bottom <= innerHeight, above: menu.contains(middle),
			away: Math.min(Math.abs(m.top - b.bottom), Math.abs(b.top - m.bottom)), right: Math.abs(m.right - b.right) };
	})()`
	type placed struct {
		Inside, Above bool
		Away, Right   float64
	}
	good := func(when string) {
		t.Helper()
		var p *placed
		b.do("the menu", chromedp.WaitReady(`[role=menu]`, chromedp.ByQuery), settle, chromedp.Evaluate(place, &p))
		if p == nil || !p.Inside || !p.Above || p.Away > 6 || p.Right > 4 {
			t.Errorf("%s the menu stands at %+v", when, p)
		}
	}
	b.do("open it", chromedp.Click(last+` [aria-haspopup=menu]`, chromedp.ByQuery))
	good("opened,")
	b.do("scroll a little", chromedp.Evaluate(`document.getElementById('content').scrollBy(0, -40)`, nil))
	good("scrolled,")
	b.do("scroll away", chromedp.Evaluate(`document.getElementById('content').scrollTop = 0`, nil), chromedp.WaitNotPresent(`[role=menu]`, chromedp.ByQuery))
}

// settle waits until what was changed is drawn.
var settle = evaluateAsync(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(1), 200))))`, new(int))

// manyMachines makes a host of libvirt's test driver with 200 machines.
func manyMachines(t *testing.T) string {
	t.Helper()
	path := filepath.Join(tempDir(t, nil), "host.xml")
	text := "<node>"
	for i := range 200 {
		text += fmt.Sprintf(`<domain type="test"><name>m-%04d</name><uuid>00000000-0000-4000-8000-%012d</uuid><memory>65536</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>`, i, i)
	}
	if err := os.WriteFile(path, []byte(text+"</node>"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
