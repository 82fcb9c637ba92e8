//go:build linux && e2e

package e2e

import (
	"testing"
	"time"

	"hither/app/client"
)

// TestPairThroughARouter: a computer behind a NAT shows a code, and a new one behind
// another NAT, which reaches only the router of the first one's owner, enters it. Both
// NATs give each connection another port, so that nothing but the router connects them.
func TestPairThroughARouter(t *testing.T) {
	net := newInternet(t)
	start := func(name, how string) *node {
		net.connect(name, how)
		n := newNode(t, name, nil)
		n.libvirt, n.within = "off", net.within(name)
		n.start("--listen", ":"+listenPort)
		return n
	}
	router, nas, laptop := start("router", open), start("nas", changes), start("laptop", changes)
	pair(t, nas, router)
	router.hither("host", "role", "router", "--add", "router")
	c := client.Unix(field[string](nas, "apiSocket", "status", "--json"))
	until(t, "the router is known", func() bool {
		for _, role := range seenBy(t, c, router).GetRoles() {
			if role == "router" {
				return true
			}
		}
		return false
	})
	offer, shown := nas.offerTo()
	if shown.Through != "203.0.113.10:"+listenPort || shown.Router != "router" {
		t.Fatalf("%+v", shown)
	}
	began := time.Now()
	laptop.hither("pair", shown.Code+"@"+shown.Through)
	t.Logf("paired in %v", time.Since(began).Round(time.Millisecond))
	if err := offer.Wait(); err != nil {
		t.Fatal(err)
	}
	until(t, "all three are the owner's", func() bool {
		return laptop.sees(router) && router.sees(laptop) && laptop.sees(nas) && nas.sees(laptop)
	})
	at := client.Unix(field[string](laptop, "apiSocket", "status", "--json"))
	h := seenBy(t, at, nas)
	t.Logf("all see each other after %v; the path is %s through %s", time.Since(began).Round(time.Millisecond), h.GetPath(), h.GetVia())
	if h.GetPath() != "relay" || h.GetVia() != "router" {
		t.Errorf("the path is %v", h)
	}
	if _, err := at.Host("nas").Machines().List(t.Context()); err != nil {
		t.Fatal(err)
	}
}
