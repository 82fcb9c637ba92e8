//go:build linux && e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// sees waits until the page has an element.
func (b *browser) sees(what, selector string) {
	b.t.Helper()
	b.do(what, chromedp.WaitVisible(selector, chromedp.ByQuery))
}

// click clicks an element when it is there.
func (b *browser) click(what, selector string) {
	b.t.Helper()
	b.do(what, chromedp.WaitVisible(selector, chromedp.ByQuery), chromedp.Click(selector, chromedp.ByQuery))
}

// TestTrustInThePage adds a tunnel in the page of one real node and uses it, is seen at the
// other one while it looks, is ended, limited and asked there, and all of it is in the log.
func TestTrustInThePage(t *testing.T) {
	a, b := newNode(t, "here", nil), newNode(t, "cloud", nil)
	a.libvirt, b.libvirt = "off", "off"
	together(t, a, b)
	port := shouter(t)
	mine, theirs := chromium(t), chromium(t)

	// The path is drawn, and a tunnel is made by its dialog.
	mine.open(a, "/network")
	mine.sees("the path to cloud", `[data-path=cloud][data-reach=lan]`)
	mine.sees("it is on the map", `[data-map=cloud]`)
	mine.click("add a tunnel", `h1 + button`)
	mine.do("to the service", chromedp.SendKeys(`[data-testid=target-port]`, port, chromedp.ByQuery))
	mine.click("add it", `dialog [type=submit]`)
	mine.sees("the tunnel is open", `[data-tunnel][data-state=open]`)
	var tunnels []struct{ Listen string }
	if err := json.Unmarshal([]byte(a.hither("forward", "ls", "--json")), &tunnels); err != nil || len(tunnels) != 1 {
		t.Fatalf("%+v, %v", tunnels, err)
	}
	listen := tunnels[0].Listen
	if err := shouts(net.Dial("tcp", listen)); err != nil {
		t.Fatalf("through the tunnel of the page: %v", err)
	}

	// Who looks is seen there on every page, and is ended there.
	theirs.open(b, "/activity")
	theirs.sees("the tunnel's connection is in the log", `[data-deed="/hither/tunnel/1"]`)
	theirs.sees("the log is whole", `[data-testid=chain][data-broken=false]`)
	mine.open(a, "/apps/cloud")
	mine.click("launch an app there", `[data-app="org.xfce.mousepad"]`)
	mine.do("its windows", chromedp.WaitReady(`[data-testid="windows"][data-state="live"]`, chromedp.ByQuery))
	theirs.sees("here is seen to look", `[data-visit]`)
	theirs.click("end it", `[data-visit] button`)
	theirs.do("nobody looks any more", chromedp.WaitNotPresent(`[data-visit]`, chromedp.ByQuery))
	theirs.sees("that it was ended is in the log at once", `[data-deed="AuditService/End"][data-result=ok]`)
	mine.open(a, "/library") // a view would come back by itself

	// From now on it may look and no more: tunnels are judged there.
	theirs.open(b, "/host/here")
	theirs.click("change it", `[data-testid=granted] button`)
	theirs.click("not everything", `dialog label:has(input:checked:enabled)`)
	theirs.click("grant it", `dialog [type=submit]`)
	theirs.do("the dialog closes", chromedp.WaitNotPresent(`dialog`, chromedp.ByQuery))
	if got := fmt.Sprint(field[[]any](b, "grants", "host", "show", "here", "--json")); got != "[view]" {
		t.Fatalf("here may do %s at cloud", got)
	}
	if err := shouts(net.Dial("tcp", listen)); err == nil {
		t.Error("the tunnel works without its grant")
	}

	// What it then tries is asked for there, and one click grants it.
	a.refused(4, "was not granted", "app", "run", "cloud/self", "org.xfce.mousepad")
	theirs.sees("the request", `[data-request="apps@self/org.xfce.mousepad"]`)
	theirs.click("grant it", `[data-request] button`)
	theirs.do("it is answered", chromedp.WaitNotPresent(`[data-request]`, chromedp.ByQuery))
	if got := fmt.Sprint(field[[]any](b, "grants", "host", "show", "here", "--json")); got != "[view apps@self/org.xfce.mousepad]" {
		t.Errorf("here may do %s at cloud", got)
	}

	// The grant and what was refused are found in the log.
	theirs.open(b, "/activity")
	theirs.sees("the grant", `[data-deed="HostService/Grant"][data-result=ok]`)
	theirs.sees("the answer", `[data-deed="HostService/Answer"][data-result=ok]`)
	theirs.do("refusals of that app", chromedp.Evaluate(`location.search = '?result=refused&q=mousepad'`, nil))
	theirs.sees("the refusal alone", `[data-deed="AppService/Run"][data-result=refused]`)
	var rows int
	theirs.do("count", chromedp.Evaluate(`document.querySelectorAll('[data-deed]').length`, &rows))
	if log := b.hither("audit"); rows != 1 || !strings.Contains(log, "HostService/Answer") {
		t.Errorf("%d rows; the log has\n%s", rows, log)
	}
	mine.open(a, "/activity")
	mine.sees("the tunnel at the computer that it leads from", `[data-deed="TunnelService/Add"][data-result=ok]`)
}
