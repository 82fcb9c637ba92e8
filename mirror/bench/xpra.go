//go:build linux

package main

import (
	"fmt"
	"net"
	"time"
)

// What both sides of xpra have nothing to do with here.
var xpraBare = []string{"--daemon=no", "--mdns=no", "--html=no", "--pulseaudio=no", "--speaker=disabled", "--microphone=disabled",
	"--notifications=no", "--webcam=no", "--printing=no", "--file-transfer=no", "--systemd-run=no", "--bell=no", "--mmap=no",
	"--opengl=no", "--av-sync=no", "--dbus-launch=no", "--dbus-proxy=no", "--dbus-control=no", "--start=", "--start-new-commands=no", "--clipboard=no"}

var (
	// xpraFast does not collect changes before it sends them.
	xpraFast = []string{"XPRA_BATCH_MIN_DELAY=1", "XPRA_BATCH_START_DELAY=1", "XPRA_BATCH_MAX_DELAY=5"}
	// xpraLossless sends pixels as they are, at once.
	xpraLossless = []string{"--encoding=rgb", "--quality=100", "--speed=100", "--compressors=lz4", "--auto-refresh-delay=0"}
)

// startXpra sets up xpra: a desktop of it on Xvfb, so that the host's X server
// is the same as Hither's, and its client.
func (h *house) startXpra(name string, r route, serverEnv, args []string) (*peer, error) {
	if err := need("xpra"); err != nil {
		return nil, err
	}
	listen, err := r.listen()
	if err != nil {
		return nil, err
	}
	x, source, err := h.startXvfb(sourceSize)
	if err != nil {
		return nil, err
	}
	p := &peer{name: name, source: source, servers: []*process{x}, keys: []byte{letterA}, slow: true}
	if p.app, err = h.startApp(source); err != nil {
		return nil, err
	}
	serve := append([]string{"start-desktop", source, "--use-display=yes", "--bind=none", "--bind-tcp=" + listen.String(), "--resize-display=no"}, xpraBare...)
	server, err := h.start(command{name: "xpra", args: append(serve, args...), env: serverEnv, side: r.far()})
	if err != nil {
		return nil, err
	}
	p.servers = append(p.servers, server)
	if err := waitListening(h, server, r, listen); err != nil {
		return nil, fmt.Errorf("%w: %s", err, h.lastWords())
	}
	return p, h.showXpra(p, r, listen, args)
}

func (h *house) showXpra(p *peer, r route, listen *net.TCPAddr, args []string) error {
	addr, wire, err := r.connect(h, listen.String())
	if err != nil {
		return err
	}
	p.wire = wire
	return p.open(h, width, func(display string) error {
		view := append([]string{"attach", "tcp://" + addr.String() + "/", "--border=auto,5:off", "--desktop-scaling=off"}, xpraBare...)
		_, err := h.start(command{name: "xpra", args: append(view, args...), display: display, side: r.near()})
		return err
	})
}

// waitListening waits for a server that does not say when it is ready.
func waitListening(h *house, server *process, r route, addr *net.TCPAddr) error {
	dial := func() error {
		conn, err := net.DialTimeout("tcp", addr.String(), time.Second)
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	try := dial
	if side := r.far(); side != nil {
		try = func() error { return side.Do(dial) }
	}
	for end := time.Now().Add(3 * patience); ; {
		err := try()
		if err == nil || time.Now().After(end) {
			return err
		}
		select {
		case <-server.ended:
			return err
		default:
		}
		if err := pause(h.ctx); err != nil {
			return err
		}
	}
}
