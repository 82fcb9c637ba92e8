//go:build linux

package main

import (
	"context"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"time"

	"hither/internal/xserver"
)

const (
	local = "local"
	// viewerSize has room for the source and a window's decoration.
	viewerSize = "2200x1300"
)

// peerNames lists who can be measured; "local" is the app on the display where
// the key is struck, without anything between: what no mirror can beat.
var peerNames = []string{"hither", "hither-found", "hither-datagram", "hither-node", "hither-browser",
	"tigervnc", "tigervnc-tuned", "xpra", "xpra-tuned", local}

// peer is one way to see a screen, set up and running.
type peer struct {
	name    string
	source  string // display; "" for a guest
	app     *app
	probe   *probe
	wire    meter      // nil: the viewer's display tells when it is at rest
	viewer  *process   // of Hither
	servers []*process // whose CPU time the host pays; the X server first
	offset  *image.Point
	slow    bool // it strikes fewer keys

	// A guest has ways of its own; nil are those of an X display.
	watch func(ctx context.Context, scene string) (image.Rectangle, error)
	turn  func(on bool) error
	keys  []byte // struck in turn, X keycodes
}

// letterA is the key that is struck for a canvas.
const letterA = 38

// startPeers sets up peers, each on its own route.
func (h *house) startPeers(names []string, way func(number int) (route, error)) ([]*peer, error) {
	var peers []*peer
	for i, name := range names {
		r, err := way(i)
		if err != nil {
			return nil, err
		}
		one, err := h.startPeer(name, r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		peers = append(peers, one)
	}
	return peers, nil
}

func loopback(int) (route, error) { return route{}, nil }

// startPeer sets up a peer and waits until its viewer shows the source.
func (h *house) startPeer(name string, r route) (*peer, error) {
	if err := need("Xvfb", "openbox"); err != nil {
		return nil, err
	}
	switch name {
	case local:
		return h.startLocal()
	case "hither":
		return h.startHither(name, r, stream, h.startPrivate)
	case "hither-found":
		return h.startHither(name, r, stream, h.startFound)
	case "hither-datagram":
		return h.startHither(name, r, datagrams, h.startPrivate)
	case "tigervnc":
		return h.startTiger(name, r, nil, nil)
	case "tigervnc-tuned":
		return h.startTiger(name, r, []string{"-FrameRate", "1000"}, lossless)
	case "xpra":
		return h.startXpra(name, r, nil, nil)
	case "xpra-tuned":
		return h.startXpra(name, r, xpraFast, xpraLossless)
	}
	return nil, fmt.Errorf("unknown peer; there are %v", peerNames)
}

// startHither sets up Hither: Xvfb, the server of package mirror, and the
// native window.
func (h *house) startHither(name string, r route, carrier string, start func() (*process, one, error)) (*peer, error) {
	x, shown, err := start()
	if err != nil {
		return nil, err
	}
	p := &peer{name: name, source: shown.source, servers: []*process{x}, keys: []byte{letterA}}
	if p.app, err = h.startApp(p.source); err != nil {
		return nil, err
	}
	return p, h.showHither(p, shown, r, carrier, width)
}

// startPrivate starts a display as a node does that has none: its framebuffer is
// shared.
func (h *house) startPrivate() (*process, one, error) {
	dir, err := os.MkdirTemp("/dev/shm", "hither-bench-")
	if err != nil {
		return nil, one{}, err
	}
	h.onClose(func() error { return os.RemoveAll(dir) })
	x, display, err := h.startXvfb(sourceSize, "-fbdir", dir)
	return x, one{display, filepath.Join(dir, "Xvfb_screen0")}, err
}

// startFound starts a display as a node finds the one of a person's session.
func (h *house) startFound() (*process, one, error) {
	x, display, err := h.startXvfb(sourceSize)
	return x, one{source: display}, err
}

// showHither starts a server for a source, and its window.
func (h *house) showHither(p *peer, shown one, r route, carrier string, wide int) error {
	listen, err := r.listen()
	if err != nil {
		return err
	}
	server, lines, err := h.self(r.far(), "", "serve", shown.source, shown.framebuffer, listen.String(), carrier)
	if err != nil {
		return err
	}
	p.servers = append(p.servers, server)
	if !lines.Scan() {
		return fmt.Errorf("the server gave no address: %s", h.lastWords())
	}
	addr, wire, err := r.connect(h, lines.Text())
	if err != nil {
		return err
	}
	p.wire = wire
	return p.open(h, wide, func(display string) (err error) {
		p.viewer, _, err = h.self(r.near(), display, "view", display, addr.String(), carrier)
		return err
	})
}

// startLocal sets up the app alone.
func (h *house) startLocal() (*peer, error) {
	_, display, err := h.startXvfb(viewerSize)
	if err != nil {
		return nil, err
	}
	p := &peer{name: local, source: display, keys: []byte{letterA}}
	if p.app, err = h.startApp(display); err != nil {
		return nil, err
	}
	p.probe, err = h.openProbe(display)
	return p, err
}

// open starts what all peers have: the viewer's display with a window manager,
// the probe on it, and the viewer, whose window is so wide at least.
func (p *peer) open(h *house, wide int, view func(display string) error) error {
	display, err := p.desk(h)
	if err != nil {
		return err
	}
	if err := view(display); err != nil {
		return err
	}
	if err := p.probe.waitWindow(h.ctx, wide); err != nil {
		return fmt.Errorf("viewer: %w: %s", err, h.lastWords())
	}
	return p.rest(h.ctx, 500*time.Millisecond)
}

// desk starts the viewer's display.
func (p *peer) desk(h *house) (display string, err error) {
	if _, display, err = h.startXvfb(viewerSize); err != nil {
		return "", err
	}
	if p.probe, err = h.openProbe(display); err != nil {
		return "", err
	}
	_, err = h.start(command{name: "openbox", args: []string{"--sm-disable", "--config-file", "/dev/null"}, display: display})
	if err != nil {
		return "", err
	}
	if err := xserver.AwaitManager(h.ctx, p.probe.conn); err != nil {
		return "", fmt.Errorf("openbox: %w", err)
	}
	return display, nil
}

// rest waits until nothing has come for a while.
func (p *peer) rest(ctx context.Context, length time.Duration) error {
	if p.wire != nil {
		return rest(ctx, p.wire, length)
	}
	return p.probe.still(ctx, length)
}
