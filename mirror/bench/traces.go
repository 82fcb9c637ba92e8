//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// autopsy says of a row that failed which of its programs had ended, with their
// last words, and what the goroutines of our own were at.
func (h *house) autopsy() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var errs []error
	var own []*process
	for _, p := range h.processes {
		select {
		case <-p.ended:
			errs = append(errs, fmt.Errorf("%s had ended: %s", p.title(), p.lastWords()))
		default:
			if p.cmd.Path == self {
				own = append(own, p)
				_ = p.cmd.Process.Signal(syscall.SIGQUIT) // it may end just now
			}
		}
	}
	for _, p := range own {
		errs = append(errs, fmt.Errorf("%s was at:\n%s", p.title(), p.trace()))
	}
	return errors.Join(errs...)
}

// title is its name with the part of this program that it is.
func (p *process) title() string {
	return strings.Join(append([]string{filepath.Base(p.cmd.Path)}, p.cmd.Args[1:min(2, len(p.cmd.Args))]...), " ")
}

// lastWords gives the end of its log.
func (p *process) lastWords() string {
	const tail = 2000
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-tail):]))
}

// trace gives what a Go program says when a SIGQUIT has ended it.
func (p *process) trace() string {
	select {
	case <-p.ended:
	case <-time.After(2 * time.Second):
	}
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return goroutines(string(text))
}

// goroutines makes one line of each goroutine of a trace that is in this
// project's code: its state and its innermost functions.
func goroutines(trace string) string {
	const deep = 5
	var lines []string
	for _, one := range strings.Split(trace, "\n\n") {
		head, stack, _ := strings.Cut(one, "\n")
		if !strings.HasPrefix(head, "goroutine ") {
			continue
		}
		line, own := head, 0
		for _, frame := range strings.Split(stack, "\n") {
			ours := strings.HasPrefix(frame, "hither/") || strings.HasPrefix(frame, "main.")
			if end := strings.LastIndexByte(frame, '('); ours && end > 0 && own < deep {
				line += " ← " + strings.TrimPrefix(frame[:end], "hither/")
				own++
			}
		}
		if own > 0 {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
