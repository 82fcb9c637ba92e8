//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// app is a program under test that obeys commands, one a line, and answers each
// with a line: a canvas, or the text in an xterm.
type app struct {
	commands io.Writer
	answers  *bufio.Scanner
}

// startApp starts the canvas on a display.
func (h *house) startApp(display string) (*app, error) {
	p, lines, err := h.self(nil, display, "app", display)
	if err != nil {
		return nil, err
	}
	a := &app{p.stdin, lines}
	if _, err := a.answer(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, h.lastWords())
	}
	return a, nil
}

// ask sends a command and gives the answer.
func (a *app) ask(command string) (string, error) {
	if _, err := fmt.Fprintln(a.commands, command); err != nil {
		return "", err
	}
	return a.answer()
}

func (a *app) answer() (string, error) {
	if !a.answers.Scan() {
		return "", errors.Join(errors.New("the app under test ended"), a.answers.Err())
	}
	return a.answers.Text(), nil
}

func (a *app) scene(name string) error {
	_, err := a.ask(name)
	return err
}

// scroll lets it write for a while and gives the number of lines.
func (a *app) scroll(length time.Duration) (int, error) {
	text, err := a.ask("scroll " + length.String())
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// film lets it show a film and gives when each frame was drawn; the first has
// number 1.
func (a *app) film(length time.Duration) ([]time.Time, error) {
	text, err := a.ask("show " + length.String())
	if err != nil {
		return nil, err
	}
	var drawn []time.Time
	for _, word := range strings.Fields(text) {
		nanos, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, err
		}
		drawn = append(drawn, time.Unix(0, nanos))
	}
	return drawn, nil
}
