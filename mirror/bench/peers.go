//go:build linux

package main

import (
	"fmt"
	"net"
	"strconv"
	"time"
)

// peerNames lists who can be measured; "local" is the app on the display where
// the key is struck, without anything between: what no mirror can beat.
var peerNames = []string{"hither", "tigervnc", "tigervnc-tuned", local}

const local = "local"

// startPeer sets up a peer and waits until its viewer shows the source.
func startPeer(h *house, name string) (*peer, error) {
	switch name {
	case local:
		return startLocal(h)
	case "hither":
		return startHither(h)
	case "tigervnc":
		return startTiger(h, name, nil, nil)
	case "tigervnc-tuned":
		return startTiger(h, name, []string{"-FrameRate", "1000"},
			[]string{"-AutoSelect=0", "-PreferredEncoding=Tight", "-NoJPEG=1", "-FullColor=1"})
	}
	return nil, fmt.Errorf("unknown peer; there are %v", peerNames)
}

// startTiger sets up TigerVNC: an X server that is a VNC server too, and its
// viewer.
func startTiger(h *house, name string, serverArgs, viewerArgs []string) (*peer, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	args := append([]string{"-geometry", fmt.Sprintf("%dx%d", width, height), "-depth", "24",
		"-SecurityTypes", "None", "-localhost", "-rfbport", strconv.Itoa(port), "-noreset"}, serverArgs...)
	server, source, err := h.startX("Xtigervnc", args...)
	if err != nil {
		return nil, err
	}
	p := &peer{name: name, source: source, servers: []*process{server}}
	return p, p.open(h, fmt.Sprintf("127.0.0.1:%d", port), func(display string) error {
		addr := p.wire.addr()
		args := append(append([]string{"-SecurityTypes=None"}, viewerArgs...), fmt.Sprintf("%s::%d", addr.IP, addr.Port))
		_, err := h.start(display, nil, nil, "xtigervncviewer", args...)
		return err
	})
}

// startHither sets up Hither: Xvfb, the server of package mirror, and the
// native window.
func startHither(h *house) (*peer, error) {
	x, source, err := h.startX("Xvfb", "-screen", "0", fmt.Sprintf("%dx%dx24", width, height), "-nolisten", "tcp", "-noreset")
	if err != nil {
		return nil, err
	}
	p := &peer{name: "hither", source: source, servers: []*process{x}}
	server, lines, err := h.self(source, "serve", source)
	if err != nil {
		return nil, err
	}
	p.servers = append(p.servers, server)
	if !lines.Scan() {
		return nil, fmt.Errorf("the server gave no address: %s", h.lastWords())
	}
	return p, p.open(h, lines.Text(), func(display string) error {
		_, _, err := h.self(display, "view", display, p.wire.addr().String())
		return err
	})
}

// startLocal sets up the app alone.
func startLocal(h *house) (*peer, error) {
	_, display, err := h.startX("Xvfb", "-screen", "0", viewerSize, "-nolisten", "tcp", "-noreset")
	if err != nil {
		return nil, err
	}
	p := &peer{name: local, source: display}
	if p.app, err = h.startApp(display); err != nil {
		return nil, err
	}
	if p.wire, err = count(""); err != nil { // nobody comes
		return nil, err
	}
	h.onClose(p.wire.close)
	if p.probe, err = newProbe(display); err != nil {
		return nil, err
	}
	h.onClose(p.probe.close)
	return p, nil
}

// viewerSize has room for the source and a window's decoration.
const viewerSize = "2200x1300x24"

// open starts what all peers have: the app, the proxy, the viewer's display and
// the probe on it.
func (p *peer) open(h *house, server string, view func(display string) error) error {
	var err error
	if p.app, err = h.startApp(p.source); err != nil {
		return err
	}
	if p.wire, err = count(server); err != nil {
		return err
	}
	h.onClose(p.wire.close)
	_, display, err := h.startX("Xvfb", "-screen", "0", viewerSize, "-nolisten", "tcp", "-noreset")
	if err != nil {
		return err
	}
	if p.probe, err = newProbe(display); err != nil {
		return err
	}
	h.onClose(p.probe.close)
	if _, err := h.start(display, nil, nil, "openbox", "--sm-disable", "--config-file", "/dev/null"); err != nil {
		return err
	}
	if err := p.probe.waitManager(h.ctx); err != nil {
		return fmt.Errorf("openbox: %w", err)
	}
	if err := view(display); err != nil {
		return err
	}
	if err := p.probe.waitWindow(h.ctx, width); err != nil {
		return fmt.Errorf("viewer: %w: %s", err, h.lastWords())
	}
	return p.wire.rest(h.ctx, 500*time.Millisecond)
}

// freePort finds a port that nobody listens on now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
