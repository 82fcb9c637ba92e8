//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// runText is the program inside an xterm. It gets its commands from an address:
// "fill" writes some screens of text, "clear" leaves an empty one, "scroll
// DURATION" writes 60 lines a second.
func runText(args []string) error {
	if len(args) != 1 {
		return errors.New("text wants an address")
	}
	conn, err := net.Dial("tcp", args[0])
	if err != nil {
		return err
	}
	defer conn.Close()
	page := newPage()
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		answer, err := page.obey(lines.Text())
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(conn, answer); err != nil {
			return err
		}
	}
	return nil
}

func (p *page) obey(command string) (answer string, err error) {
	name, rest, _ := strings.Cut(command, " ")
	switch name {
	case "fill":
		for range 300 {
			p.write()
		}
	case "clear":
		_, err = os.Stdout.WriteString("\x1b[2J\x1b[H")
	case "scroll":
		return p.scroll(rest)
	}
	return "ok", err
}

// write puts a line at the bottom.
func (p *page) write() { fmt.Print("\r\n", p.next()) }

func (p *page) scroll(text string) (string, error) {
	length, err := time.ParseDuration(text)
	if err != nil {
		return "", err
	}
	ticker := time.NewTicker(time.Second / perSecond)
	defer ticker.Stop()
	n := int(length.Seconds() * perSecond)
	for range n {
		<-ticker.C
		p.write()
	}
	return fmt.Sprint(n), nil
}
