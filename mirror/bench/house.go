//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hither/fusion"
	"hither/internal/path"
)

// house holds everything that a row started, and ends it in reverse.
type house struct {
	ctx     context.Context
	dir     string
	logs    int
	closers []func() error

	processes []*process
}

func newHouse(ctx context.Context) (*house, error) {
	dir, err := os.MkdirTemp("/tmp", "hither-bench-") // short: sockets lie in it
	if err != nil {
		return nil, err
	}
	h := &house{ctx: ctx, dir: dir}
	h.onClose(func() error { return os.RemoveAll(dir) })
	return h, nil
}

func (h *house) onClose(f func() error) { h.closers = append(h.closers, f) }

// close ends everything; it may be called again.
func (h *house) close() error {
	var errs []error
	for _, f := range slices.Backward(h.closers) {
		errs = append(errs, f())
	}
	h.closers = nil
	return errors.Join(errs...)
}

// lastWords gives the end of the newest log that says something.
func (h *house) lastWords() string {
	logs, err := filepath.Glob(filepath.Join(h.dir, "*.log"))
	if err != nil {
		return ""
	}
	for _, log := range slices.Backward(logs) {
		text, err := os.ReadFile(log)
		if err == nil && len(text) > 0 {
			return filepath.Base(log) + ": " + strings.TrimSpace(string(text[max(0, len(text)-500):]))
		}
	}
	return ""
}

// startReading runs a program and gives its standard output (fd 1) or the pipe
// it has as fd 3, line by line.
func (h *house) startReading(c command, fd int) (*process, *bufio.Scanner, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer w.Close()
	h.onClose(r.Close)
	if fd == 1 {
		c.out = w
	} else {
		c.extra = []*os.File{w}
	}
	p, err := h.start(c)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	return p, lines, err
}

// self starts this program as one of its parts, on a side of a path or, with
// nil, beside this process.
func (h *house) self(side *path.Side, display string, args ...string) (*process, *bufio.Scanner, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	return h.startReading(command{name: exe, args: args, display: display, side: side}, 1)
}

// startX starts an X server, which writes its display's number to fd 3 when it
// is ready. The number is a high one of our own choice: a server that others
// end just now would take the socket of its number's next with it.
func (h *house) startX(c command) (*process, string, error) {
	const tries = 5
	for range tries {
		display := fmt.Sprintf(":%d", 200+rand.N(800))
		one := c
		one.args = append([]string{display, "-displayfd", "3"}, c.args...)
		p, lines, err := h.startReading(one, 3)
		if err != nil {
			return nil, "", err
		}
		if lines.Scan() {
			return p, display, nil
		}
	}
	return nil, "", fmt.Errorf("%s gave no display: %s", c.name, h.lastWords())
}

// startXvfb starts an X server without a screen of glass, of a size.
func (h *house) startXvfb(size string, args ...string) (*process, string, error) {
	return h.startX(command{name: "Xvfb", args: append([]string{"-screen", "0", size + "x24", "-nolisten", "tcp", "-noreset"}, args...)})
}

// need says at once which programs are missing.
func need(programs ...string) error {
	for _, program := range programs {
		if _, err := lookPath(program); err != nil {
			return &fusion.Error{Op: "bench", Path: program, Cause: fusion.ErrNotFound, Hint: "run build/deps.sh bench"}
		}
	}
	return nil
}
