//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"hither/fusion"
	"hither/mirror"
	"hither/mirror/capture"
	"hither/mirror/rtc"
	"hither/mirror/wire"
)

// one is the screen that the server shows: an X display, or the VNC socket of a
// QEMU, which for a node is a connection that libvirt opens.
type one struct{ source, framebuffer string }

func (o one) List(context.Context, string) ([]fusion.Screen, error) { return nil, nil }

func (o one) Open(ctx context.Context, screen string) (mirror.Located, error) {
	source, err := o.open(ctx)
	return mirror.Located{Screen: fusion.Screen{Name: screen, Title: screen}, Source: source}, err
}

func (o one) open(ctx context.Context) (capture.Source, error) {
	if !strings.HasPrefix(o.source, "/") {
		return capture.X11(ctx, capture.X11Config{Display: o.source, Framebuffer: o.framebuffer})
	}
	conn, err := net.Dial("unix", o.source)
	if err != nil {
		return nil, err
	}
	return capture.RFB(ctx, conn, capture.RFBConfig{})
}

// runServe is Hither's server: it shows a source to whoever connects to an
// address, and prints that address. A person's node does the same over its own
// streams. With "datagrams" a connection brings an offer only, and the view is
// carried as rtc does.
func runServe(args []string) error {
	if len(args) != 4 {
		return errors.New("serve wants a source, its framebuffer or nothing, an address and a carrier")
	}
	listener, err := net.Listen("tcp", args[2])
	if err != nil {
		return err
	}
	s := &served{mirror.NewServer(one{args[0], args[1]}, mirror.Config{}), rtc.NewGateway(rtc.Config{})}
	carry := s.stream
	if args[3] == datagrams {
		carry = s.answer
	}
	fmt.Println(listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			return errors.Join(err, s.screens.Close(), s.gateway.Close())
		}
		go func() { // ends with the connection
			if err := carry(conn); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
	}
}

// The carriers.
const (
	stream    = "stream"
	datagrams = "datagrams"
)

type served struct {
	screens *mirror.Server
	gateway *rtc.Gateway
}

func (s *served) view(ctx context.Context) (fusion.Pipe, error) {
	return s.screens.Open(ctx, "bench", fusion.ViewOptions{})
}

func (s *served) stream(conn net.Conn) error {
	view, err := s.view(context.Background())
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	return wire.Join(wire.Stream(conn), view)
}

func (s *served) answer(conn net.Conn) error {
	defer conn.Close()
	var offer string
	if err := json.NewDecoder(conn).Decode(&offer); err != nil {
		return err
	}
	answer, err := s.gateway.Answer(context.Background(), offer, func(ctx context.Context) (rtc.Session, error) {
		view, err := s.view(ctx)
		return session{view}, err
	})
	if err != nil {
		return err
	}
	return json.NewEncoder(conn).Encode(answer)
}

// session is a view that waits for its viewer.
type session struct{ view fusion.Pipe }

func (s session) Run(viewer fusion.Pipe) error { return wire.Join(s.view, viewer) }
func (s session) Close() error                 { return s.view.Close() }
