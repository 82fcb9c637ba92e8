// Command usbhost runs in a guest that plays a computer with USB devices: it does what a test
// outside asks of package usbredir there. It is given the address to connect to. Each
// connection has one Request and one Answer, lines of JSON; one that opens a device goes on
// with usbredir's own bytes.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"time"

	"hither/vmctl/usbredir"
)

// Request asks for one thing.
type Request struct {
	Do     string // "list", "check", "open", "restore" or "die"
	Device usbredir.Device
}

// Answer is what came of it.
type Answer struct {
	Error   string
	Devices []usbredir.Device
}

func main() {
	log.SetFlags(0)
	for {
		conn, err := net.Dial("tcp", os.Args[1])
		if err != nil {
			time.Sleep(100 * time.Millisecond) // the test does not listen yet
			continue
		}
		in := bufio.NewReader(conn)
		line, err := in.ReadBytes('\n')
		if err != nil {
			_ = conn.Close() // the test has ended, or begins anew
			time.Sleep(100 * time.Millisecond)
			continue
		}
		go serve(conn, in, line)
	}
}

type whole struct {
	net.Conn
	in io.Reader
}

func (w whole) Read(p []byte) (int, error) { return w.in.Read(p) }

func serve(conn net.Conn, in io.Reader, line []byte) {
	defer conn.Close()
	host := usbredir.Host{Log: slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	var r Request
	err := json.Unmarshal(line, &r)
	var a Answer
	var session usbredir.Session
	if err == nil {
		switch r.Do {
		case "list":
			a.Devices, err = host.List()
		case "check":
			err = host.Check(r.Device)
		case "open":
			session, err = host.Open(r.Device)
		case "restore":
			err = host.Restore(r.Device)
		case "die":
			os.Exit(9) // nothing is given back, as when it is killed
		}
	}
	if err != nil {
		a.Error = err.Error()
	}
	if err := json.NewEncoder(conn).Encode(a); err != nil {
		log.Print(err)
	}
	if session != nil {
		log.Printf("served %s: %v", r.Device.Node(), session.Serve(context.Background(), whole{conn, in}))
	}
}
