//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"path/filepath"
	"time"

	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"
)

// keysBrowser is row i: two real nodes, one shown by `hither view` and one by
// the page in Chromium, both on the way that a person's are.
func keysBrowser(ctx context.Context, p plan, h *house, r *result) error {
	if err := need("Xvfb", "openbox", "chromium"); err != nil {
		return err
	}
	var peers []*peer
	for _, name := range p.chosen([]string{"hither-node", "hither-browser"}) {
		one, err := h.startNodePeer(p, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		peers = append(peers, one)
	}
	if err := r.takeTurns(ctx, p, peers, "patch", "line"); err != nil {
		return err
	}
	for _, scene := range []string{"patch", "line"} {
		native, page := r.keysOf("hither-node", scene), r.keysOf("hither-browser", scene)
		r.most(scene+": ms of p50 above the native window's", page.p50()-native.p50(), 20)
	}
	return nil
}

// startNodePeer sets up a node and a view of it.
func (h *house) startNodePeer(plan plan, name string) (*peer, error) {
	x, source, err := h.startXvfb(sourceSize)
	if err != nil {
		return nil, err
	}
	p := &peer{name: name, source: source, keys: []byte{letterA}}
	if p.app, err = h.startApp(source); err != nil {
		return nil, err
	}
	n, err := h.startNode(plan, name, source)
	if err != nil {
		return nil, err
	}
	p.servers = []*process{x, n.process}
	view := func(display string) error {
		_, err := n.view(display)
		return err
	}
	if name == "hither-browser" {
		view = n.browse
	}
	if err := p.open(h, width, view); err != nil {
		return nil, err
	}
	if name == "hither-browser" {
		return p, p.wakePage(h.ctx)
	}
	return p, nil
}

// browse opens the page in Chromium, with as little around it as there can be.
func (n *node) browse(display string) error {
	link, err := n.link()
	if err != nil {
		return err
	}
	_, err = n.house.start(command{name: "chromium", display: display, args: []string{
		"--app=" + link, "--user-data-dir=" + filepath.Join(n.house.dir, "chromium"), "--window-position=0,0", "--window-size=2200,1260",
		"--no-sandbox", "--no-first-run", "--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-gpu", "--password-store=basic", "--force-device-scale-factor=1"}})
	return err
}

// wakePage clicks into the page until it shows the canvas' keys, because only a
// focused screen takes keys.
func (p *peer) wakePage(ctx context.Context) error {
	if err := p.app.scene("patch"); err != nil {
		return err
	}
	middle := p.probe.size.Div(2)
	for end := time.Now().Add(3 * patience); time.Now().Before(end); {
		p.probe.click(middle)
		found, err := p.probe.strikeAndCompare(ctx, letterA)
		if err != nil {
			return err
		}
		if found.Size() == patch.Size() {
			return p.rest(ctx, long)
		}
	}
	return errors.New("the page shows no keys")
}

// click clicks at a point of the display.
func (p *probe) click(at image.Point) {
	p.point(at)
	xtest.FakeInput(p.conn, xproto.ButtonPress, 1, 0, p.root, 0, 0, 0)
	xtest.FakeInput(p.conn, xproto.ButtonRelease, 1, 0, p.root, 0, 0, 0)
}
