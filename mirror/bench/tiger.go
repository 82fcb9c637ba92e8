//go:build linux

package main

import (
	"fmt"
	"strconv"
)

// lossless is TigerVNC's viewer without its choice of encodings by the path's
// speed, which costs time, and without JPEG.
var lossless = []string{"-AutoSelect=0", "-PreferredEncoding=Tight", "-NoJPEG=1", "-FullColor=1"}

// startTiger sets up TigerVNC: an X server that is a VNC server too, and its
// viewer.
func (h *house) startTiger(name string, r route, serverArgs, viewerArgs []string) (*peer, error) {
	if err := need("Xtigervnc", "xtigervncviewer"); err != nil {
		return nil, err
	}
	listen, err := r.listen()
	if err != nil {
		return nil, err
	}
	args := append([]string{"-geometry", sourceSize, "-depth", "24", "-SecurityTypes", "None",
		"-interface", listen.IP.String(), "-rfbport", strconv.Itoa(listen.Port), "-noreset"}, serverArgs...)
	server, source, err := h.startX(command{name: "Xtigervnc", args: args, side: r.far()})
	if err != nil {
		return nil, err
	}
	p := &peer{name: name, source: source, servers: []*process{server}, keys: []byte{letterA}}
	if p.app, err = h.startApp(source); err != nil {
		return nil, err
	}
	return p, h.showTiger(p, listen.String(), r, width, viewerArgs)
}

// showTiger opens TigerVNC's viewer on a VNC server.
func (h *house) showTiger(p *peer, server string, r route, wide int, viewerArgs []string) error {
	addr, wire, err := r.connect(h, server)
	if err != nil {
		return err
	}
	p.wire = wire
	return p.open(h, wide, func(display string) error {
		args := append(append([]string{"-SecurityTypes=None"}, viewerArgs...), fmt.Sprintf("%s::%d", addr.IP, addr.Port))
		_, err := h.start(command{name: "xtigervncviewer", args: args, display: display, side: r.near()})
		return err
	})
}
